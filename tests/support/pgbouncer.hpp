// A PgBouncer of a test's own, in transaction pooling.
#pragma once

#include "support/server_directory.hpp"

#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace render_cache::test {

/// Its clients share so many sessions of the server. Ends with the object. Not thread-safe.
class PgBouncer {
 public:
  /// `server` is the directory of the server's socket; `settings` are lines of the configuration.
  PgBouncer(const std::string& server, int sessions, const std::string& settings = {}) {
    std::ofstream(directory_.path() + "/pgbouncer.ini")
        << "[databases]\n* = host=" << server
        << " user=render_cache\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = " << directory_.path()
        << "\nauth_type = any\npool_mode = transaction\ndefault_pool_size = " << sessions << '\n'
        << settings << '\n';
    process_ = directory_.run({program(), directory_.path() + "/pgbouncer.ini"});
    directory_.wait_until_it_answers(conninfo());
  }
  PgBouncer(const PgBouncer&) = delete;
  PgBouncer& operator=(const PgBouncer&) = delete;
  ~PgBouncer() {
    kill(process_, SIGTERM);
    ServerDirectory::wait_for(process_);
  }

  [[nodiscard]] std::string conninfo() const {
    return "host=" + directory_.path() + " port=6432 user=render_cache dbname=postgres";
  }

  /// Whether this version can keep its clients' prepared statements apart.
  static bool knows_prepared_statements() {
    int major = 0, minor = 0;
    FILE* const output = popen((program() + " --version").c_str(), "r");
    if (output == nullptr || std::fscanf(output, "PgBouncer %d.%d", &major, &minor) != 2) {
      throw std::runtime_error("there is no pgbouncer");
    }
    pclose(output);
    return major > 1 || minor >= 21;
  }

 private:
  /// Debian keeps it where an ordinary user's PATH does not look.
  static std::string program() {
    const std::string debians = "/usr/sbin/pgbouncer";
    return std::filesystem::exists(debians) ? debians : "pgbouncer";
  }

  ServerDirectory directory_;
  pid_t process_ = 0;
};

}  // namespace render_cache::test
