// One opened database file: its writer, its readers, and the statements that each has prepared.
#pragma once

#include <render_cache/schema/sql.hpp>
#include <render_cache/schema/table_check.hpp>
#include <render_cache/store/sqlite/statement.hpp>
#include <render_cache/store/sqlite/writer.hpp>

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace render_cache::detail {

template <Schema S>
struct SqliteReader {
  using Statements = Sql<S, Dialect::sqlite>;

  explicit SqliteReader(const SqliteOptions& options)
      : connection(options.path, SqliteConnection::Access::read, options.busy_timeout),
        lookup(connection, Statements::lookup),
        lookup_stale(connection, Statements::lookup_stale),
        sweep_start(connection, Statements::sweep_start),
        sweep_first(connection, Statements::sweep_first),
        sweep_next(connection, Statements::sweep_next) {
    // A checkpoint is the writer's alone.
    sqlite3_db_config(connection.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }

  SqliteConnection connection;
  SqliteStatement lookup, lookup_stale, sweep_start, sweep_first, sweep_next;
};

template <Schema S>
struct SqliteWriterStatements {
  using Statements = Sql<S, Dialect::sqlite>;

  explicit SqliteWriterStatements(SqliteConnection& connection)
      : publish(connection, Statements::publish),
        erase(connection, Statements::erase),
        erase_group(connection, Statements::erase_group),
        erase_older(connection, Statements::erase_older) {}

  SqliteStatement publish, erase, erase_group, erase_older;
};

/// Thread-safe. What it throws while being made says why the file cannot be used.
template <Schema S>
class SqliteDatabase {
 public:
  explicit SqliteDatabase(const SqliteOptions& options, const SqliteFiles& lost = {})
      : options_(options), writer_(options, lost), statements_(prepare()), files_(identify_sqlite_files(options.path.string())) {
    idle_.reserve(options.readers);
  }

  /// Runs `action(connection, statements)` as the only writer.
  template <class Action>
  auto write(Action action) {
    const SqliteWriter::Turn turn(writer_);
    return action(writer_.connection(), statements_);
  }

  /// Runs `action(reader)` with a reader of its own, the one that was used last.
  template <class Action>
  auto read(Action action) {
    const Lease lease(*this);
    return action(*lease.reader);
  }

  /// Whether the file is still at its path.
  [[nodiscard]] bool in_place() const noexcept { return identity_of(options_.path.string()) == files_.database; }
  [[nodiscard]] const SqliteFiles& files() const noexcept { return files_; }

 private:
  struct Lease {
    explicit Lease(SqliteDatabase& database) : owner(database), reader(database.take()) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { owner.give_back(std::move(reader)); }
    SqliteDatabase& owner;
    std::unique_ptr<SqliteReader<S>> reader;
  };

  SqliteWriterStatements<S> prepare() {
    const SqliteWriter::Turn turn(writer_);
    auto& connection = writer_.connection();
    if (!options_.migrations.empty()) Migrator(connection, options_.migrations, options_.migration_history).up();
    check_table<S>(connection);
    return SqliteWriterStatements<S>(connection);
  }

  std::unique_ptr<SqliteReader<S>> take() {
    std::unique_lock lock(mutex_);
    const auto free_or_room = [&] { return !idle_.empty() || open_ < options_.readers; };
    if (!free_or_room() && !freed_.wait_for(lock, options_.busy_timeout, free_or_room)) {
      throw StoreUnavailable("SQLite: all " + std::to_string(options_.readers) + " readers were busy for " +
                             std::to_string(options_.busy_timeout.count()) + " ms; raise SqliteOptions::readers");
    }
    if (!idle_.empty()) {
      auto reader = std::move(idle_.back());
      idle_.pop_back();
      return reader;
    }
    ++open_;
    lock.unlock();
    try {
      return std::make_unique<SqliteReader<S>>(options_);
    } catch (...) {
      lock.lock();
      --open_;
      freed_.notify_one();
      throw;
    }
  }

  void give_back(std::unique_ptr<SqliteReader<S>> reader) noexcept {
    {
      const std::lock_guard lock(mutex_);
      idle_.push_back(std::move(reader));  // never allocates: room for all is reserved
    }
    freed_.notify_one();
  }

  const SqliteOptions& options_;  // the store's, which outlives this
  SqliteWriter writer_;
  SqliteWriterStatements<S> statements_;
  SqliteFiles files_;

  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<SqliteReader<S>>> idle_;  // destroyed before the writer, which closes last
  std::size_t open_ = 0;
};

}  // namespace render_cache::detail
