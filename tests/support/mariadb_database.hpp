// A place of its own for each test on the MariaDB at whose socket RENDER_CACHE_TEST_MARIADB points.
#pragma once

#include <mariadb/connection.hpp>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace render_cache::test {

using mariadb_example::MariaDbConnection;
using mariadb_example::MariaDbOptions;

/// A database with a name of its own, dropped at the end. Test processes can run side by side.
class MariaDbDatabase {
 public:
  MariaDbDatabase() : connection_(server(), std::chrono::seconds(0)) {
    execute("CREATE DATABASE " + name_ + " CHARACTER SET utf8mb4; USE " + name_);
  }
  MariaDbDatabase(const MariaDbDatabase&) = delete;
  MariaDbDatabase& operator=(const MariaDbDatabase&) = delete;
  ~MariaDbDatabase() { execute("DROP DATABASE " + name_); }

  /// With these migrations, to be applied to this database.
  [[nodiscard]] MariaDbOptions options(std::vector<Migration> migrations = {}) const {
    auto options = server();
    options.database = name_;
    options.migrations = std::move(migrations);
    return options;
  }

  /// Statements separated by ';', outside of all stores.
  void execute(const std::string& sql) { connection_.run_script(sql); }
  /// The first field of the first row, as text.
  std::string value(const std::string& sql) { return connection_.query(sql, {}).at(0).at(0).value_or("NULL"); }
  MariaDbConnection& connection() { return connection_; }

 private:
  static MariaDbOptions server() {
    const char* socket = std::getenv("RENDER_CACHE_TEST_MARIADB");
    if (socket == nullptr) throw std::runtime_error("RENDER_CACHE_TEST_MARIADB is not set");
    MariaDbOptions options;
    options.socket = socket;
    options.user = "root";
    return options;
  }
  static std::string unique_name() {
    static std::atomic<unsigned> counter{0};
    return "test_" + std::to_string(getpid()) + "_" + std::to_string(++counter);
  }

  const std::string name_ = unique_name();
  MariaDbConnection connection_;
};

}  // namespace render_cache::test
