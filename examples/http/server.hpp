// An HTTP/1.1 server for small programs: every request has a budget of bytes and time, every client its share of connections.
// Boost.Beast stays in server.cpp.
#pragma once

#include "message.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace http {

/// What is beyond a limit is refused with the status that is named.
struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  ///< 0: any free one
  /// Names that it answers for, beside loopback names and addresses. On loopback it answers for no others (421); elsewhere for
  /// all where none is given.
  std::vector<std::string> hosts{};

  std::size_t threads = 2;        ///< that read, answer hits and write
  std::size_t workers = 4;        ///< that wait for stores and render
  std::size_t quick_workers = 0;  ///< for the handler's quick requests; 0: they go to the others
  std::size_t max_waiting = 256;  ///< requests that wait for a worker; 503 beyond

  /// At once; more wait in the kernel's queue for those to end that have kept the server waiting longest. At most as many as
  /// half of the file descriptors that the process may have.
  std::size_t max_connections = 1024;
  /// Of one client: an IPv4 address, or the first 64 bits of an IPv6 address; 503 beyond. 0: a quarter of all for clients that
  /// are not on this machine, any number for those that are, for they may be a proxy.
  std::size_t max_connections_per_client = 0;

  std::size_t max_target_bytes = 8192;   ///< 414
  std::size_t max_head_bytes = 16384;    ///< 431
  std::chrono::seconds head_limit{10};   ///< from a request's first byte to its last; 408
  std::chrono::seconds idle_limit{60};   ///< between requests
  std::chrono::seconds work_limit{60};   ///< from a request's last byte to the answer's first; 503
  std::chrono::seconds write_limit{30};  ///< for a client that takes nothing
  std::size_t least_rate = 4096;         ///< bytes a second that a client has to take, over `write_limit`
  std::chrono::seconds grace{10};        ///< for requests in flight when the server is told to stop
};

struct ServerStats {
  std::uint64_t connections = 0;  ///< accepted
  std::uint64_t open = 0;         ///< now
  std::uint64_t requests = 0;
  std::uint64_t answered_at_once = 0;  ///< on the I/O thread, without a worker
  std::uint64_t statuses[6] = {};      ///< replies by hundreds of their status; [0] unused
  std::uint64_t bytes_sent = 0;
  std::uint64_t timeouts = 0;   ///< connections closed for slowness or idleness
  std::uint64_t made_room = 0;  ///< of those, the ones closed since all connections were taken
  std::uint64_t refused = 0;    ///< connections beyond a client's share
  std::uint64_t shed = 0;       ///< requests answered 503, since too many waited or the work took too long
  std::uint64_t left = 0;       ///< clients that left before their answer was made
};

/// Fills address and port from HOST:PORT or [HOST]:PORT; throws std::invalid_argument.
void parse_listen(const std::string& text, ServerOptions& options);

class Server {
 public:
  /// Binds and listens; throws std::system_error that names the address.
  Server(Handler& handler, const ServerOptions& options);
  ~Server();

  /// `http://HOST:PORT`, where it is found.
  [[nodiscard]] std::string url() const;
  /// As few as the process's limit of file descriptors allows.
  [[nodiscard]] std::size_t max_connections() const;

  /// Serves until SIGINT or SIGTERM or `stop`, calls `stopping`, finishes what is in flight and returns true; false if that took
  /// longer than the grace and was given up, or a second signal came. The caller then ends the process: workers may still run.
  bool run(const std::function<void()>& stopping = {}, std::stop_token stop = {});

  /// Runs a job on a worker. It must not throw.
  void post(std::function<void()> job);

  [[nodiscard]] ServerStats stats() const;

 private:
  class Running;
  std::unique_ptr<Running> running_;
};

}  // namespace http
