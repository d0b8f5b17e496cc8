// A client that asks one thing at a time and tells all it got.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace render_cache::test {

struct HttpReply {
  unsigned status = 0;
  std::map<std::string, std::string> fields;  ///< names in lower case; of a name that repeats the last one
  std::string body;

  [[nodiscard]] std::string field(const std::string& name) const {
    const auto at = fields.find(name);
    return at == fields.end() ? std::string() : at->second;
  }
};

using HttpFields = std::vector<std::pair<std::string, std::string>>;

/// One connection, kept open. Throws std::system_error when it breaks.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// The target is sent as it is given.
  HttpReply ask(std::string_view target, const HttpFields& fields = {}, std::string_view method = "GET");

  void send(std::string_view bytes);
  HttpReply receive(bool to_head = false);
  /// So many bytes of what comes, which are forgotten.
  void take(std::size_t bytes);
  /// Whatever comes until the server closes; gives up after ten seconds without anything.
  std::string receive_all();

 private:
  struct Connection;
  Connection* connection_;
};

/// Asks on a connection of its own.
HttpReply http_get(std::uint16_t port, std::string_view target, const HttpFields& fields = {}, std::string_view method = "GET");

/// What gzip made of it.
std::string gunzipped(std::string_view packed);

}  // namespace render_cache::test
