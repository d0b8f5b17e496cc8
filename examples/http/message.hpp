// Requests and replies as a program sees them; how they travel is the server's business.
#pragma once

#include <render_cache/hasher/document_root.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace http {

enum class Method : std::uint8_t { get, head, post, other };

struct Request {
  Method method = Method::other;
  std::string target;         ///< as it was sent, percent-encoded; of the absolute form what is behind the authority
  std::string if_none_match;  ///< empty where the field is absent, as the next three
  std::string authority;      ///< of the Host field or of a target in absolute form: NAME or NAME:PORT
  std::string origin;
  std::string fetch_site;
  bool accepts_gzip = false;
  /// The authority is one of the server's own: a name that was given to it, a loopback name or an address. No other site's
  /// name leads here by its owner's doing (DNS rebinding).
  bool is_own_host = false;
  /// For `answer`: whoever asked waits no longer.
  std::stop_token client_left{};
};

/// An open file that is sent without passing through this process's memory.
struct FileBody {
  render_cache::detail::FileDescriptor file;
  std::uint64_t bytes = 0;
};

struct Reply {
  unsigned status = 200;
  std::string fields{};  ///< of this reply alone; each field ends in CRLF

  // Fields and body that other replies share: valid for as long as `owner` lives.
  std::shared_ptr<const void> owner{};
  std::string_view shared_fields{};
  std::string_view body{};

  std::optional<FileBody> file{};  ///< instead of a body

  Reply& field(std::string_view name, std::string_view value) {
    fields.append(name).append(": ").append(value).append("\r\n");
    return *this;
  }
};

/// What is no page of its own: a browser that shows it loads nothing for it and runs nothing in it.
inline constexpr std::string_view no_content_policy = "default-src 'none'; frame-ancestors 'none'";

inline Reply make_reply(unsigned status, std::string_view content_type, std::string body) {
  Reply reply{.status = status};
  reply.field("Content-Type", content_type).field("Content-Security-Policy", no_content_policy);
  const auto text = std::make_shared<const std::string>(std::move(body));
  reply.body = *text;
  reply.owner = text;
  return reply;
}

/// What answers requests. All members may be called from many threads at once.
class Handler {
 public:
  /// Called on an I/O thread, which must not wait for a store or a render: nothing when that would be needed.
  virtual std::optional<Reply> answer_now(const Request& request) noexcept = 0;
  /// Called on a worker.
  virtual Reply answer(const Request& request) noexcept = 0;
  /// A page for what the server itself refuses.
  virtual Reply refuse(unsigned status, std::string_view why) noexcept = 0;
  /// Whether `answer` takes a moment only, so that the request need not wait behind slow ones. Called on an I/O thread.
  [[nodiscard]] virtual bool is_quick(const Request&) const noexcept { return false; }

 protected:
  ~Handler() = default;
};

}  // namespace http
