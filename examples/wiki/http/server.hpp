// An HTTP/1.1 server for GET and HEAD: bounded, with time limits, stopped by signals. Boost.Beast stays in server.cpp.
#pragma once

#include "message.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace wiki::http {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;             ///< 0: any free one
  std::size_t threads = 2;               ///< that read, answer hits and write
  std::size_t workers = 4;               ///< that wait for stores and render
  std::size_t max_connections = 1024;    ///< more wait in the kernel's queue until one ends
  std::size_t max_target_bytes = 8192;   ///< 414 beyond
  std::size_t max_head_bytes = 16384;    ///< 431 beyond
  std::chrono::seconds head_limit{10};   ///< from a request's first byte to its last; 408 beyond
  std::chrono::seconds idle_limit{60};   ///< between requests
  std::chrono::seconds write_limit{30};  ///< without any progress
  std::chrono::seconds grace{10};        ///< for requests in flight when the server is told to stop
};

struct ServerStats {
  std::uint64_t connections = 0;  ///< accepted
  std::uint64_t open = 0;         ///< now
  std::uint64_t requests = 0;
  std::uint64_t answered_at_once = 0;  ///< on the I/O thread, without a worker
  std::uint64_t statuses[6] = {};      ///< replies by hundreds of their status; [0] unused
  std::uint64_t bytes_sent = 0;
  std::uint64_t timeouts = 0;  ///< connections closed for slowness or idleness
};

class Server {
 public:
  /// Binds and listens; throws std::system_error that names the address.
  Server(Handler& handler, const ServerOptions& options);
  ~Server();

  [[nodiscard]] std::uint16_t port() const;

  /// Serves until SIGINT or SIGTERM, calls `stopping`, finishes what is in flight and returns true; false if that took longer
  /// than the grace and was given up, or a second signal came. The caller then ends the process: workers may still run.
  bool run(const std::function<void()>& stopping = {});

  /// Runs a job on a worker. It must not throw.
  void post(std::function<void()> job);

  [[nodiscard]] ServerStats stats() const;

 private:
  class Running;
  std::unique_ptr<Running> running_;
};

}  // namespace wiki::http
