// A place of its own for each test on the PostgreSQL that RENDER_CACHE_TEST_POSTGRES names.
#pragma once

#include <pqxx/pqxx>

#include "support/patience.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace render_cache::test {

/// A database schema with a name of its own, first in the search path of everybody who connects with `conninfo()`;
/// dropped with all that is in it at the end. Test processes can run side by side.
class TestDatabase {
 public:
  TestDatabase() : TestDatabase(server()) {}
  explicit TestDatabase(const std::string& server_conninfo)
      : name_(unique_name()), conninfo_(server_conninfo + " options='-c search_path=" + name_ + "'"), connection_(conninfo_) {
    execute("CREATE SCHEMA " + name_);
  }
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;
  ~TestDatabase() {
    try {
      execute("SET client_min_messages = warning; SET lock_timeout = 5000; DROP SCHEMA IF EXISTS " + name_ + " CASCADE");
    } catch (const std::exception&) {  // the server may be gone by intention
    }
  }

  /// Names the server by keywords (`host=... dbname=...`).
  static std::string server() {
    const char* named = std::getenv("RENDER_CACHE_TEST_POSTGRES");
    if (named == nullptr) throw std::runtime_error("RENDER_CACHE_TEST_POSTGRES is not set");
    const std::string conninfo(named);
    if (conninfo.find("://") != conninfo.npos) {
      throw std::runtime_error("RENDER_CACHE_TEST_POSTGRES must be of the form 'host=... dbname=...': tests add keywords to it");
    }
    return conninfo;
  }

  [[nodiscard]] const std::string& conninfo() const noexcept { return conninfo_; }
  [[nodiscard]] PostgresOptions options() const { return patient({.conninfo = conninfo_}); }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// Statements separated by ';', outside of all stores.
  pqxx::result execute(const std::string& sql) {
    pqxx::nontransaction transaction(connection_);
    return transaction.exec(sql);
  }
  /// The first field of the first row, as text.
  std::string value(const std::string& sql) {
    const auto rows = execute(sql);
    return rows.empty() || rows[0][0].is_null() ? std::string("NULL") : std::string(rows[0][0].c_str());
  }

 private:
  static std::string unique_name() {
    static std::atomic<unsigned> counter{0};
    const auto time = std::chrono::system_clock::now().time_since_epoch().count();
    return "test_" + std::to_string(getpid()) + "_" + std::to_string(++counter) + "_" + std::to_string(time % 1'000'000'000);
  }

  std::string name_;
  std::string conninfo_;
  pqxx::connection connection_;
};

}  // namespace render_cache::test
