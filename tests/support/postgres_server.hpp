// A PostgreSQL server of a test's own, which it may stop, kill and start again: in a temporary directory, on a Unix socket.
#pragma once

#include "support/patience.hpp"
#include "support/server_directory.hpp"

#include <pqxx/pqxx>

#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace render_cache::test {

/// Not thread-safe. The server ends with the object, and with the process if that is killed.
class PostgresServer {
 public:
  /// `settings` are lines of postgresql.conf, such as `log_statement = all`.
  explicit PostgresServer(std::initializer_list<std::string> settings = {}) {
    make_data("initdb", {"--username=render_cache", "--auth=trust", "--encoding=UTF8", "--locale=C"});
    configure({"listen_addresses = ''", "fsync = off", "shared_buffers = 16MB", "max_connections = 40"});
    configure(settings);
    start();
  }
  /// A hot standby, which follows another server as long as that runs.
  static PostgresServer standby_of(const PostgresServer& primary) { return PostgresServer(primary, Standby{}); }
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

  /// Of a standby: returns when it has all that the primary had written by then.
  void catch_up_with(const PostgresServer& primary) const {
    const auto position = primary.value("SELECT pg_current_wal_insert_lsn()");
    const auto end = std::chrono::steady_clock::now() + patience;
    while (value("SELECT pg_last_wal_replay_lsn() >= '" + position + "'") != "t") {
      if (std::chrono::steady_clock::now() > end) throw std::runtime_error("the standby does not catch up: " + log());
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  /// In a session of its own.
  pqxx::result execute(const std::string& sql) const {
    pqxx::connection connection(conninfo());
    pqxx::nontransaction transaction(connection);
    return transaction.exec(sql);
  }
  /// The first field of the first row.
  [[nodiscard]] std::string value(const std::string& sql) const { return execute(sql)[0][0].c_str(); }

  [[nodiscard]] bool running() const noexcept { return server_ > 0; }

  /// What the server has written to its log.
  [[nodiscard]] std::string log() const { return directory_.log(); }

 private:
  struct Standby {};
  PostgresServer(const PostgresServer& primary, Standby) {
    make_data("pg_basebackup",
              {"--host=" + primary.directory(), "--username=render_cache", "--checkpoint=fast", "--write-recovery-conf"});
    configure({});
    start();
  }

  void make_data(const std::string& by, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {program(by), "--pgdata=" + data(), "--no-sync"});
    if (ServerDirectory::wait_for(directory_.run(std::move(arguments))) != 0) throw std::runtime_error(by + " failed: " + log());
  }
  void configure(std::initializer_list<std::string> settings) const {
    std::ofstream configuration(data() + "/postgresql.conf", std::ios::app);
    configuration << "unix_socket_directories = '" << directory_.path() << "'\n";
    for (const auto& setting : settings) configuration << setting << '\n';
  }

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
