// One opened database file: its writer, its readers, and the statements that each has prepared.
#pragma once

#include <render_cache/sql/leases.hpp>
#include <render_cache/sql/statements.hpp>
#include <render_cache/sql/table_check.hpp>
#include <render_cache/store/sqlite/files.hpp>
#include <render_cache/store/sqlite/statement.hpp>
#include <render_cache/store/sqlite/writer.hpp>

#include <list>
#include <memory>
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

  /// A file that was at the path before is `lost`. The table must outlive it.
  SqliteDatabase(const Table& table, const SqliteOptions& options, const SqliteFiles& lost = {})
      : writer_(options, lost), writing_(prepare(table, options)) {}

  /// Runs `action(Writing&)` as the only writer. Thread-safe.
  template <class Action>
  auto write(Action action) {
    const SqliteWriter::Turn turn(writer_);
    return action(writing_);
  }

  /// While it lives nobody writes to the file, and nobody who keeps to the lock replaces it.
  [[nodiscard]] SqliteWriter::Turn turn() { return SqliteWriter::Turn(writer_); }

  [[nodiscard]] bool deleted() const noexcept { return writer_.deleted(); }
  [[nodiscard]] const SqliteFiles& files() const noexcept { return writer_.files(); }

 private:
  Writing prepare(const Table& table, const SqliteOptions& options) {
    const SqliteWriter::Turn turn(writer_);
    auto& connection = writer_.connection();
    if (!options.migrations.empty()) {
      Migrator(connection, options.migrations, options.migration_history).up();
      migrate_leases(connection);
    }
    check_table(connection, table);
    return Writing(connection, table);
  }

  SqliteWriter writer_;
  Writing writing_;
};

/// For one thread at a time. It keeps its database open: the writer closes last.
class SqliteReader {
 public:
  SqliteReader(const Table& table, const SqliteOptions& options, std::shared_ptr<SqliteDatabase> opened)
      : database(std::move(opened)), connection(options.path, SqliteConnection::Access::read, options.busy_timeout),
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
