// One connection to a database file. Belongs to one thread at a time.
#pragma once

#include <render_cache/sql/connection.hpp>
#include <render_cache/sql/dialect/sqlite.hpp>
#include <render_cache/store/sqlite/errors.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache {

/// An open database file. Belongs to one thread at a time; its members throw StoreError. A SchemaConnection.
class SqliteConnection {
 public:
  using Dialect = SqliteDialect;

  /// `write` makes the file where it is missing; `immutable` reads one that nobody changes, without locks, log and shared memory.
  enum class Access { read, write, immutable };

  [[gnu::cold]] SqliteConnection(const std::filesystem::path& path, Access access, std::chrono::milliseconds busy_timeout)
      : path_(path.string()) {
    sqlite3* opened = nullptr;
    const int flags = access == Access::write       ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                      : access == Access::immutable ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
                                                    : SQLITE_OPEN_READONLY;
    const auto name = access == Access::immutable ? immutable_uri(path_) : path_;
    const int code = sqlite3_open_v2(name.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    handle_.reset(opened);
    check(code);
    set_busy_timeout(busy_timeout);
  }

  /// How long a statement waits for another connection's lock before it is StoreUnavailable.
  void set_busy_timeout(std::chrono::milliseconds timeout) noexcept {
    constexpr std::chrono::milliseconds::rep longest = std::numeric_limits<int>::max();
    sqlite3_busy_timeout(handle(), static_cast<int>(std::clamp(timeout.count(), std::chrono::milliseconds::rep{0}, longest)));
  }

  /// Statements separated by ';'. Results are dropped.
  void run_script(const std::string& sql) { check(sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr), sql); }

  /// One statement, its parameters and its result as text.
  [[gnu::cold]] Rows query(const std::string& sql, const std::vector<std::string>& parameters = {}) {
    sqlite3_stmt* prepared = nullptr;
    check(sqlite3_prepare_v3(handle(), sql.c_str(), -1, 0, &prepared, nullptr), sql);
    const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(prepared, &sqlite3_finalize);
    for (std::size_t index = 0; index < parameters.size(); ++index) {
      const auto& text = parameters[index];
      check(sqlite3_bind_text64(prepared, static_cast<int>(index + 1), text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8),
            sql);
    }
    Rows rows;
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(prepared)) == SQLITE_ROW) {
      auto& row = rows.emplace_back();
      for (int column = 0; column < sqlite3_column_count(prepared); ++column) {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(prepared, column));
        const auto bytes = static_cast<std::size_t>(sqlite3_column_bytes(prepared, column));
        row.push_back(text == nullptr ? std::nullopt : std::optional<std::string>(std::in_place, text, bytes));
      }
    }
    if (code != SQLITE_DONE) fail(code, sql);
    return rows;
  }

  /// SQLite's own, which stays this object's.
  [[nodiscard]] sqlite3* handle() const noexcept { return handle_.get(); }
  /// The file's.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Throws what stands for a result code of SQLite, unless that is SQLITE_OK.
  void check(int code, std::string_view statement = {}) const {
    if (code != SQLITE_OK) fail(code, statement);
  }
  /// Throws what stands for a result code of SQLite, with its message and the statement's first words.
  [[noreturn, gnu::cold]] void fail(int code, std::string_view statement = {}) const {
    const char* text = handle() == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle());
    std::string about = "'" + path_ + "'";
    if (!statement.empty()) about.append(", ").append(statement.substr(0, 120)).append(statement.size() > 120 ? "..." : "");
    detail::throw_sqlite_error(code, text, about);
  }

 private:
  /// https://sqlite.org/uri.html: any byte may be escaped.
  static std::string immutable_uri(std::string_view path) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string uri = "file:";
    for (const char c : path) {
      const auto byte = static_cast<unsigned char>(c);
      uri.append(1, '%').append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    }
    return uri + "?immutable=1";
  }

  struct Close {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
  };
  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

static_assert(SchemaConnection<SqliteConnection>);

/// A transaction that is rolled back unless it was committed. One that writes begins IMMEDIATE: a read that turns into a
/// write could fail half-way.
class SqliteTransaction {
 public:
  SqliteTransaction(SqliteConnection& connection, SqliteConnection::Access access) : connection_(connection) {
    connection_.run_script(access == SqliteConnection::Access::write ? "BEGIN IMMEDIATE" : "BEGIN");
  }
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  ~SqliteTransaction() {
    // A full disk may have rolled it back already.
    if (sqlite3_get_autocommit(connection_.handle()) == 0) {
      sqlite3_exec(connection_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
  }
  /// Throws what the commit throws; the transaction is then rolled back.
  void commit() { connection_.run_script("COMMIT"); }

 private:
  SqliteConnection& connection_;
};

}  // namespace render_cache
