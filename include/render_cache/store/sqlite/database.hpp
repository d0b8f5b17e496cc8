// One opened database file: its writer, its readers, and the statements that each has prepared.
#pragma once

#include <render_cache/sql/statements.hpp>
#include <render_cache/sql/table_check.hpp>
#include <render_cache/store/sqlite/files.hpp>
#include <render_cache/store/sqlite/statement.hpp>
#include <render_cache/store/sqlite/writer.hpp>

#include <memory>
#include <utility>

namespace render_cache::detail {

/// What is thrown while it is made says why the file cannot be used.
template <Schema S>
class SqliteDatabase {
  using Sql = render_cache::Sql<S, Dialect::sqlite>;

 public:
  struct Writing {
    explicit Writing(SqliteConnection& writer)
        : connection(writer), publish(writer, Sql::publish), erase(writer, Sql::erase), erase_group(writer, Sql::erase_group),
          erase_older(writer, Sql::erase_older) {}
    SqliteConnection& connection;
    SqliteStatement publish, erase, erase_group, erase_older;
  };

  /// A file that was at the path before is `lost`.
  explicit SqliteDatabase(const SqliteOptions& options, const SqliteFiles& lost = {})
      : writer_(options, lost), writing_(prepare(options)) {}

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
  Writing prepare(const SqliteOptions& options) {
    const SqliteWriter::Turn turn(writer_);
    auto& connection = writer_.connection();
    if (!options.migrations.empty()) Migrator(connection, options.migrations, options.migration_history).up();
    check_table<S>(connection);
    return Writing(connection);
  }

  SqliteWriter writer_;
  Writing writing_;
};

/// For one thread at a time. It keeps its database open: the writer closes last.
template <Schema S>
class SqliteReader {
  using Sql = render_cache::Sql<S, Dialect::sqlite>;

 public:
  SqliteReader(const SqliteOptions& options, std::shared_ptr<SqliteDatabase<S>> opened)
      : database(std::move(opened)), connection(options.path, SqliteConnection::Access::read, options.busy_timeout),
        lookup(connection, Sql::lookup), lookup_stale(connection, Sql::lookup_stale), sweep_start(connection, Sql::sweep_start),
        sweep_first(connection, Sql::sweep_first), sweep_next(connection, Sql::sweep_next) {
    // A checkpoint is the writer's alone.
    sqlite3_db_config(connection.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }

  const std::shared_ptr<SqliteDatabase<S>> database;
  SqliteConnection connection;
  SqliteStatement lookup, lookup_stale, sweep_start, sweep_first, sweep_next;
};

}  // namespace render_cache::detail
