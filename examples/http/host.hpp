// Whom a request is for, and who caused it.
#pragma once

#include "message.hpp"
#include "negotiation.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace http {

/// NAME of NAME:PORT, without the brackets of an IPv6 address and without the dot that ends a complete name; nothing where
/// the authority is malformed.
inline std::optional<std::string_view> host_of(std::string_view authority) noexcept {
  std::string_view name = authority, port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == authority.npos) return std::nullopt;
    name = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (name.empty() || (!port.empty() && !port.starts_with(':'))) return std::nullopt;
    if (!port.empty()) port.remove_prefix(1);
  } else if (const auto colon = authority.find(':'); colon != authority.npos) {
    name = authority.substr(0, colon);
    port = authority.substr(colon + 1);
  }
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto fits_a_name = [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("/?#@\\\"<>[]^`{|}%,;").find(c) == std::string_view::npos;
  };
  if (port.size() > 5 || !std::ranges::all_of(port, is_digit) || !std::ranges::all_of(name, fits_a_name)) return std::nullopt;
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

/// The names that a server answers for.
class OwnNames {
 public:
  enum class Verdict : unsigned char {
    own,        ///< one of its names
    unknown,    ///< some other name, which it answers for nevertheless: it listens to the network and was told no names
    misdirected,
    malformed,
  };

  OwnNames(std::vector<std::string> given, bool listens_on_loopback)
      : given_(std::move(given)), listens_on_loopback_(listens_on_loopback) {}

  [[nodiscard]] Verdict judge(std::string_view authority) const noexcept {
    const auto host = host_of(authority);
    if (!host) return Verdict::malformed;
    if (is_own(*host)) return Verdict::own;
    return listens_on_loopback_ || !given_.empty() ? Verdict::misdirected : Verdict::unknown;
  }

 private:
  [[nodiscard]] bool is_own(std::string_view host) const noexcept {
    if (equals_ignoring_case(host, "localhost")) return true;
    if (std::ranges::any_of(given_, [&](const std::string& name) { return equals_ignoring_case(host, name); })) return true;
    constexpr std::string_view below = ".localhost";  // RFC 6761, section 6.3: resolvers know it as loopback
    if (host.size() > below.size() && equals_ignoring_case(host.substr(host.size() - below.size()), below)) return true;
    char text[64];
    if (host.size() >= sizeof text) return false;
    *std::ranges::copy(host, text).out = '\0';
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(text, error);
    return !error && (address.is_loopback() || !listens_on_loopback_);
  }

  std::vector<std::string> given_;
  bool listens_on_loopback_;
};

/// Whether a page of another origin had the browser send this: by what browsers say of it (Fetch Metadata, and Origin).
inline bool is_from_another_site(const Request& request) noexcept {
  if (!request.fetch_site.empty() && request.fetch_site != "same-origin" && request.fetch_site != "none") return true;
  if (request.origin.empty()) return false;
  const auto scheme = request.origin.find("://");
  return scheme == request.origin.npos ||
         !equals_ignoring_case(std::string_view(request.origin).substr(scheme + 3), request.authority);
}

}  // namespace http
