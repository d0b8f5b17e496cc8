// One opened database file: its writer, its readers, and the statements that each has prepared.
#pragma once

#include <render_cache/sql/leases.hpp>
#include <render_cache/sql/statements.hpp>
#include <render_cache/sql/table_check.hpp>
#include <render_cache/store/sqlite/files.hpp>
#include <render_cache/store/sqlite/statement.hpp>
#include <render_cache/store/sqlite/writer.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace render_cache::detail {

/// What a store keeps in a file: the table, and the statements that were made of it.
struct SqliteContent {
  explicit SqliteContent(Table described) : table(std::move(described)), sql(table) {}
  const Table table;
  const Sql<SqliteDialect> sql;
  const LeaseSql<SqliteDialect> leases{};
};

/// What is thrown while it is made says why the file cannot be used.
class SqliteDatabase {
 public:
  struct Leases {
    Leases(SqliteConnection& writer, const LeaseSql<SqliteDialect>& sql)
        : acquire(writer, sql.acquire.text), renew(writer, sql.renew.text), release(writer, sql.release.text),
          clean_up(writer, sql.clean_up.text) {}
    SqliteStatement acquire, renew, release, clean_up;
  };
  struct Writing {
    Writing(SqliteConnection& writer, const Sql<SqliteDialect>& sql)
        : connection(writer), publish(writer, sql.publish.text), erase(writer, sql.erase.text),
          erase_group(writer, sql.erase_group.text), erase_older(writer, sql.erase_older.text),
          return_pages(writer, "PRAGMA incremental_vacuum") {}
    SqliteConnection& connection;
    SqliteStatement publish, erase, erase_group, erase_older, return_pages;
    std::optional<Leases> leases{};  // where the file has their table
  };

  /// A file that was at the path before is `lost`. The content must outlive it.
  SqliteDatabase(const SqliteContent& content, const SqliteOptions& options, const SqliteFiles& lost = {})
      : writer_(options, lost), writing_(prepare(content, options)) {}

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
  Writing prepare(const SqliteContent& content, const SqliteOptions& options) {
    const SqliteWriter::Turn turn(writer_);
    auto& connection = writer_.connection();
    if (!options.migrations.empty()) {
      Migrator(connection, options.migrations, options.migration_history).up();
      migrate_leases(connection);
    }
    check_table(connection, content.table);
    Writing writing(connection, content.sql);
    if (has_lease_table(connection)) writing.leases.emplace(connection, content.leases);
    return writing;
  }

  SqliteWriter writer_;
  Writing writing_;
};

/// For one thread at a time. It keeps its database open: the writer closes last.
class SqliteReader {
 public:
  SqliteReader(const Sql<SqliteDialect>& sql, const SqliteOptions& options, std::shared_ptr<SqliteDatabase> opened)
      : database(std::move(opened)), connection(options.path, SqliteConnection::Access::read, options.busy_timeout),
        lookup(connection, sql.lookup.text), lookup_stale(connection, sql.lookup_stale.text),
        sweep_start(connection, sql.sweep_start.text), sweep_first(connection, sql.sweep_first.text),
        sweep_next(connection, sql.sweep_next.text), groups_first(connection, sql.groups_first.text),
        groups_next(connection, sql.groups_next.text), sweep_group_first(connection, sql.sweep_group_first.text),
        sweep_group_next(connection, sql.sweep_group_next.text), survey_first(connection, sql.survey_first.text),
        survey_next(connection, sql.survey_next.text) {
    // A checkpoint is the writer's alone.
    sqlite3_db_config(connection.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }

  const std::shared_ptr<SqliteDatabase> database;
  SqliteConnection connection;
  SqliteStatement lookup, lookup_stale, sweep_start, sweep_first, sweep_next, groups_first, groups_next, sweep_group_first,
      sweep_group_next, survey_first, survey_next;
};

}  // namespace render_cache::detail
