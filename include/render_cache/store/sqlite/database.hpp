// One opened database file: its writer, its readers, and the statements that each has prepared.
#pragma once

#include <render_cache/sql/leases.hpp>
#include <render_cache/sql/statements.hpp>
#include <render_cache/sql/table_check.hpp>
#include <render_cache/store/sqlite/files.hpp>
#include <render_cache/store/sqlite/statement.hpp>
#include <render_cache/store/sqlite/writer.hpp>

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace render_cache::detail {

/// The statements that one connection runs, each made and prepared when it is first asked for: no program compiles or prepares those
/// that it never runs.
class SqliteStatements {
 public:
  /// Makes the text: a function of `Sql<SqliteDialect>`, `ReplaceSql` or `LeaseSql`.
  using Make = Statement (*)(const Table& table);

  /// Both must outlive it.
  SqliteStatements(SqliteConnection& connection, const Table& table) : connection_(connection), table_(table) {}

  /// Stays where it is for as long as this lives.
  SqliteStatement& operator[](Make make) {
    for (auto& [made_by, statement] : prepared_) {
      if (made_by == make) return statement;
    }
    return prepared_.emplace_back(make, SqliteStatement(connection_, make(table_).text)).second;
  }

 private:
  SqliteConnection& connection_;
  const Table& table_;
  std::list<std::pair<Make, SqliteStatement>> prepared_;
};

/// In UTF-16 SQLite keeps another letter for U+FFFE and U+FFFF, and has another order of texts.
[[gnu::cold]] inline void check_encoding(SqliteConnection& connection) {
  const auto encoding = connection.query("PRAGMA encoding").at(0).at(0).value();
  if (encoding == "UTF-8") return;
  throw SchemaMismatch("SQLite, '" + connection.path() + "': its texts are in " + encoding +
                       ", in which not each of them stays what it is: make the file anew, in UTF-8");
}

/// What is thrown while it is made says why the file cannot be used.
class SqliteDatabase {
 public:
  struct Writing {
    Writing(SqliteConnection& writer, const Table& table)
        : connection(writer), statements(writer, table), keeps_leases(has_lease_table(writer)) {}
    SqliteConnection& connection;
    SqliteStatements statements;
    const bool keeps_leases;  // the file has their table
  };

  /// A file that was at the path before is `lost`. The table must outlive it. Waits for others no longer than `patience`.
  SqliteDatabase(const Table& table, const SqliteOptions& options, const SqliteFiles& lost, std::chrono::milliseconds patience) {
    if (options.read_only) {
      check_complete(table, options);
    } else {
      writer_.emplace(options, lost, patience);
      try {
        prepare(table, options, patience);
      } catch (...) {
        close_at_once();
        throw;
      }
    }
  }

  /// Runs `action(Writing&)` as the only writer; not where it is only read. Thread-safe.
  template <class Action>
  auto write(Action action) {
    const auto end = from_now(writer_->timeout());
    const SqliteWriter::Turn turn(*writer_);
    // What is left of it for a program that locks the database itself.
    writing_->connection.set_busy_timeout(
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()));
    return action(*writing_);
  }

  /// While it lives nobody writes to the file, and nobody who keeps to the lock replaces it. None where it is only read.
  [[nodiscard]] std::optional<SqliteWriter::Turn> turn(std::chrono::milliseconds patience) {
    if (!writer_) return std::nullopt;
    return std::optional<SqliteWriter::Turn>(std::in_place, *writer_, patience);
  }
  /// The same without waiting: false, if somebody writes just now.
  [[nodiscard]] std::optional<SqliteWriter::Turn> try_turn() {
    if (!writer_) return std::nullopt;
    return std::optional<SqliteWriter::Turn>(std::in_place, *writer_, std::try_to_lock);
  }

  /// It will not wait for others when it ends.
  void close_at_once() noexcept {
    if (writer_) writer_->close_at_once();
  }

  [[nodiscard]] bool deleted() const noexcept { return writer_->deleted(); }
  [[nodiscard]] const SqliteFiles& files() const noexcept { return writer_ ? writer_->files() : files_; }
  /// Whether it is still the file at the path; where it is only read, also whether nobody has written to it.
  [[nodiscard]] bool in_place(const std::string& path) const noexcept {
    return identity_of(path) == files().database && (writer_ || (changed_at(path) == changed_ && !has_log(path)));
  }

 private:
  void prepare(const Table& table, const SqliteOptions& options, std::chrono::milliseconds patience) {
    const SqliteWriter::Turn turn(*writer_, patience);
    auto& connection = writer_->connection();
    check_encoding(connection);
    if (!options.migrations.empty()) {
      Migrator(connection, options.migrations, options.migration_history).up();
      migrate_leases(connection);
    }
    check_table(connection, table);
    writing_.emplace(connection, table);
  }

  [[gnu::cold]] void check_complete(const Table& table, const SqliteOptions& options) {
    const auto path = options.path.string();
    const auto name = "SQLite, '" + path + "': ";
    check_place(options.path);
    files_.database = identity_of(path);
    changed_ = changed_at(path);
    if (files_.database == FileIdentity{}) throw StoreUnavailable(name + "there is no file, and read_only makes none");
    if (has_log(path)) {
      throw StoreUnavailable(name +
                             "a log is beside it, so somebody writes to it, or was killed when he did: read_only is for a file "
                             "that was closed (open and close it once where it can be written)");
    }
    SqliteConnection connection(options.path, SqliteConnection::Access::immutable, options.busy_timeout);
    check_encoding(connection);
    if (!options.migrations.empty()) {
      const auto pending = Migrator(connection, options.migrations, options.migration_history).pending();
      if (!pending.empty()) {
        throw MigrationError(name + "migration " + std::to_string(pending[0].version) + " '" + pending[0].name +
                             "' is pending, and read_only applies none: open it once where it can be written");
      }
    }
    check_table(connection, table);
  }

  std::optional<SqliteWriter> writer_;
  std::optional<Writing> writing_;
  // Where there is no writer:
  SqliteFiles files_;
  std::int64_t changed_ = 0;
};

/// For one thread at a time. It keeps its database open: the writer closes last.
class SqliteReader {
 public:
  SqliteReader(const Table& table, const SqliteOptions& options, std::shared_ptr<SqliteDatabase> opened,
               std::chrono::milliseconds busy_timeout)
      : database(std::move(opened)),
        connection(options.path, options.read_only ? SqliteConnection::Access::immutable : SqliteConnection::Access::read,
                   busy_timeout),
        statements(connection, table), lookup(statements[&Sql<SqliteDialect>::make_lookup]) {
    // A checkpoint is the writer's alone.
    sqlite3_db_config(connection.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }

  const std::shared_ptr<SqliteDatabase> database;
  SqliteConnection connection;
  SqliteStatements statements;
  SqliteStatement& lookup;  // prepared at once: only then SQLite opens the file and its log
};

}  // namespace render_cache::detail
