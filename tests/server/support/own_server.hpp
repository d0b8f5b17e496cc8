// The HTTP server in the test's own process, around a handler of the test's.
#pragma once

#include "http/server.hpp"

#include <cstdint>
#include <future>
#include <stop_token>
#include <string>
#include <utility>

namespace render_cache::test {

/// Serves on a free port; told to stop and waited for at the end.
template <class Handler>
class OwnServer {
 public:
  Handler handler;

  explicit OwnServer(http::ServerOptions options) : server_(handler, with_any_port(std::move(options))), url_(server_.url()) {
    serving_ = std::async(std::launch::async, [this] { return server_.run({}, stop_.get_token()); });
  }
  ~OwnServer() { stop(); }
  OwnServer(const OwnServer&) = delete;
  OwnServer& operator=(const OwnServer&) = delete;

  /// What `run` returned.
  bool stop() {
    stop_.request_stop();
    return serving_.valid() && serving_.get();
  }
  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  [[nodiscard]] std::uint16_t port() const { return static_cast<std::uint16_t>(std::stoul(url_.substr(url_.rfind(':') + 1))); }
  [[nodiscard]] http::ServerStats stats() const { return server_.stats(); }

 private:
  static http::ServerOptions with_any_port(http::ServerOptions options) {
    options.port = 0;
    return options;
  }
  http::Server server_;
  std::string url_;
  std::stop_source stop_;
  std::future<bool> serving_;
};

}  // namespace render_cache::test
