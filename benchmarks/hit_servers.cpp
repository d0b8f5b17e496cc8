// What a hit costs in the caches that run as a server: Redis and memcached on a Unix socket, the same pages, one request for
// one reply. scripts/bench starts them; without their sockets in RENDER_CACHE_BENCH_REDIS and
// RENDER_CACHE_BENCH_MEMCACHED these are skipped.
#include "pages.hpp"

#include <benchmark/benchmark.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

/// A connection that sends a request and reads a reply, and no more than that.
class Connection {
 public:
  explicit Connection(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error("the socket's path is too long: " + path);
    std::memcpy(address.sun_path, path.data(), path.size());
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("cannot connect to " + path);
    }
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(socket_); }

  void send(std::string_view request) {
    received_.clear();
    while (!request.empty()) {
      const auto sent = ::send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("the server has closed the connection");
      request.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// The reply's first line, without its end.
  std::string_view line() {
    std::size_t end;
    while ((end = received_.find("\r\n")) == received_.npos) receive();
    line_ = end + 2;
    return std::string_view(received_).substr(0, end);
  }
  /// The bytes that follow the first line.
  std::string_view body(std::size_t bytes, std::size_t end_marker) {
    while (received_.size() < line_ + bytes + end_marker) receive();
    return std::string_view(received_).substr(line_, bytes);
  }

 private:
  void receive() {
    char buffer[1 << 16];
    const auto got = ::recv(socket_, buffer, sizeof buffer, 0);
    if (got <= 0) throw std::runtime_error("the server has closed the connection");
    received_.append(buffer, static_cast<std::size_t>(got));
  }

  int socket_;
  std::string received_;
  std::size_t line_ = 0;
};

std::size_t number_after(std::string_view text, char mark) {
  std::size_t number = 0;
  const auto digits = text.substr(text.rfind(mark) + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

struct Redis {
  static constexpr const char* variable = "RENDER_CACHE_BENCH_REDIS";
  static std::string bulk(std::string_view text) {
    return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
  }
  static void set(Connection& server, const std::string& key, const std::string& value) {
    server.send("*3\r\n$3\r\nSET\r\n" + bulk(key) + bulk(value));
    if (server.line() != "+OK") throw std::runtime_error("Redis does not store a page");
  }
  static std::string get(Connection& server, const std::string& key) {
    server.send("*2\r\n$3\r\nGET\r\n" + bulk(key));
    return std::string(server.body(number_after(server.line(), '$'), 2));
  }
};

struct Memcached {
  static constexpr const char* variable = "RENDER_CACHE_BENCH_MEMCACHED";
  static void set(Connection& server, const std::string& key, const std::string& value) {
    server.send("set " + key + " 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n");
    if (server.line() != "STORED") throw std::runtime_error("memcached does not store a page");
  }
  static std::string get(Connection& server, const std::string& key) {
    server.send("get " + key + "\r\n");
    return std::string(server.body(number_after(server.line(), ' '), std::strlen("\r\nEND\r\n")));
  }
};

template <class Server>
void hit(benchmark::State& state) {
  const char* path = std::getenv(Server::variable);
  if (path == nullptr) return state.SkipWithError((std::string("skipped: ") + Server::variable + " names no socket").c_str());
  const auto& pages = benchmark_pages();
  Connection server(path);
  for (const auto& page : pages) Server::set(server, page.path, page.html);
  auto at = static_cast<std::size_t>(state.thread_index());
  for (auto _ : state) {
    const auto& page = pages[at++ % pages.size()];
    auto html = Server::get(server, page.path);
    if (html.size() != page.html.size()) return state.SkipWithError("a page that was stored is not found whole");
    benchmark::DoNotOptimize(html);
  }
}
BENCHMARK_TEMPLATE(hit, Redis)->Name("hit/redis")->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK_TEMPLATE(hit, Memcached)->Name("hit/memcached")->Threads(1)->Threads(2)->UseRealTime();

}  // namespace
