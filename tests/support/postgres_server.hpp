// A PostgreSQL server of a test's own, which it may stop, kill and start again: in a temporary directory, on a Unix socket.
#pragma once

#include "support/patience.hpp"
#include "support/server_directory.hpp"

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>

namespace render_cache::test {

/// Not thread-safe. The server ends with the object, and with the process if that is killed.
class PostgresServer {
 public:
  /// `settings` are lines of postgresql.conf, such as `log_statement = all`.
  explicit PostgresServer(std::initializer_list<std::string> settings = {}) {
    const auto initdb = directory_.run({program("initdb"), "--pgdata=" + data(), "--username=render_cache", "--auth=trust",
                                        "--encoding=UTF8", "--locale=C", "--no-sync"});
    if (ServerDirectory::wait_for(initdb) != 0) throw std::runtime_error("initdb failed: " + log());
    std::ofstream configuration(data() + "/postgresql.conf", std::ios::app);
    configuration << "listen_addresses = ''\nunix_socket_directories = '" << directory_.path() << "'\nfsync = off\n"
                  << "shared_buffers = 16MB\nmax_connections = 40\n";
    for (const auto& setting : settings) configuration << setting << '\n';
    configuration.close();
    start();
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer() { stop(SIGQUIT); }

  [[nodiscard]] std::string conninfo() const { return "host=" + directory_.path() + " user=render_cache dbname=postgres"; }
  [[nodiscard]] PostgresOptions options() const { return patient({.conninfo = conninfo()}); }

  /// Its socket, and the directory in which that is.
  [[nodiscard]] const std::string& directory() const noexcept { return directory_.path(); }
  [[nodiscard]] std::string socket() const { return directory_.path() + "/.s.PGSQL.5432"; }

  /// Returns when the server answers.
  void start() {
    if (running()) return;
    server_ = directory_.run({program("postgres"), "-D", data()});
    directory_.wait_until_it_answers(conninfo());
  }

  /// SIGINT ends its sessions and stops; SIGQUIT is a crash, without any goodbye to the clients.
  void stop(int signal = SIGINT) noexcept {
    if (!running()) return;
    thaw();
    kill(server_, signal);
    ServerDirectory::wait_for(std::exchange(server_, 0));
  }

  /// The server takes no new sessions until it is thawed; those that it has go on.
  void freeze() noexcept { kill(server_, SIGSTOP); }
  void thaw() noexcept { kill(server_, SIGCONT); }

  [[nodiscard]] bool running() const noexcept { return server_ > 0; }

  /// What the server has written to its log.
  [[nodiscard]] std::string log() const { return directory_.log(); }

 private:
  [[nodiscard]] std::string data() const { return directory_.path() + "/data"; }

  /// Debian keeps a version's programs in a directory of their own, outside PATH.
  static std::string program(const std::string& name) {
    std::string newest;
    std::error_code none;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", none)) {
      const auto path = (version.path() / "bin" / name).string();
      if (std::filesystem::exists(path) && path > newest) newest = path;
    }
    return newest.empty() ? name : newest;
  }

  ServerDirectory directory_;
  pid_t server_ = 0;
};

}  // namespace render_cache::test
