// The connection through which everything is written: one in a process, one at a time among processes.
#pragma once

#include <render_cache/entry/deadline.hpp>
#include <render_cache/sql/migrate.hpp>
#include <render_cache/store/sqlite/connection.hpp>
#include <render_cache/store/sqlite/file_lock.hpp>
#include <render_cache/store/sqlite/files.hpp>
#include <render_cache/store/sqlite/options.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace render_cache {

/// Opens the file, or makes it, with a cache's settings. Throws StoreUnavailable or StoreFull with the reason.
/// Use `connection()` only while a `Turn` lives; turns are for any thread. With it a program can migrate by hand:
///
///   SqliteWriter writer(options);
///   const SqliteWriter::Turn turn(writer);
///   Migrator(writer.connection(), migrations).down(0);
class SqliteWriter {
 public:
  /// A commit that leaves as many pages in the log copies them into the file.
  static constexpr std::uint32_t checkpoint_frames = 2000;

  /// What is left of `lost`, a database that was at the path before, is removed first.
  [[gnu::cold]] explicit SqliteWriter(const SqliteOptions& options, const detail::SqliteFiles& lost = {})
      : SqliteWriter(options, lost, options.busy_timeout) {}
  /// The same, but waits no longer than `patience` for others to let go of it now.
  [[gnu::cold]] SqliteWriter(const SqliteOptions& options, const detail::SqliteFiles& lost, std::chrono::milliseconds patience)
      : path_(checked(options.path)), timeout_(options.busy_timeout), file_lock_(path_ + "-lock") {
    const Turn turn(*this, patience);
    detail::remove_orphans(path_, lost);
    connection_ = open(std::min(patience, timeout_));
    mark_.emplace(path_);
    files_ = detail::identify_sqlite_files(path_);
  }
  SqliteWriter(const SqliteWriter&) = delete;
  SqliteWriter& operator=(const SqliteWriter&) = delete;
  [[gnu::cold]] ~SqliteWriter() {
    const bool is_in_place = detail::identity_of(path_) == files_.database;  // else nobody need wait for it
    try {
      // Closing the last connection checkpoints.
      const Turn turn(*this, is_in_place && waits_to_close_ ? timeout_ : std::chrono::milliseconds::zero());
      connection_.reset();
    } catch (const StoreError&) {
      sqlite3_db_config(connection_->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    }
  }

  /// The right to write, first within the process, then among processes.
  class Turn {
   public:
    /// Throws StoreUnavailable where others do not let go within `busy_timeout`, threads and processes together.
    explicit Turn(SqliteWriter& writer) : Turn(writer, writer.timeout_) {}
    /// The same within `patience`.
    Turn(SqliteWriter& writer, std::chrono::milliseconds patience) : writer_(writer) { writer.wait_for_turn(patience); }
    /// Does not wait: false, and no turn, while somebody else writes.
    Turn(SqliteWriter& writer, std::try_to_lock_t) : writer_(writer), held_(writer.try_turn()) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (held_) writer_.end_turn();
    }
    /// Whether it is one.
    explicit operator bool() const noexcept { return held_; }

   private:
    SqliteWriter& writer_;
    const bool held_ = true;
  };

  /// How long a Turn waits for others.
  [[nodiscard]] std::chrono::milliseconds timeout() const noexcept { return timeout_; }
  /// When it ends it will not wait for others, and leaves the log to them.
  void close_at_once() noexcept { waits_to_close_ = false; }

  /// To be used during a Turn only.
  [[nodiscard]] SqliteConnection& connection() noexcept { return *connection_; }

  /// Whether the file was deleted or replaced.
  [[nodiscard]] bool deleted() const noexcept { return mark_->deleted(); }
  /// Which files it had when it was opened.
  [[nodiscard]] const detail::SqliteFiles& files() const noexcept { return files_; }

 private:
  static std::string checked(const std::filesystem::path& path) {
    const auto place = detail::canonical_place(path);
    detail::check_place(place);
    return place.string();
  }

  void wait_for_turn(std::chrono::milliseconds patience) {
    const auto deadline = detail::from_now(patience);
    {
      std::unique_lock lock(mutex_);
      if (!turn_ended_.wait_until(lock, deadline, [&] { return !is_taken_; })) {
        throw StoreUnavailable("SQLite, '" + path_ + "': other threads have written to it for " +
                               std::to_string(patience.count()) + " ms");
      }
      is_taken_ = true;
    }
    try {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      file_lock_.lock(std::max(left, std::chrono::milliseconds::zero()));
    } catch (...) {
      let_threads();
      throw;
    }
  }
  bool try_turn() {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(is_taken_, true)) return false;
    }
    bool locked = false;
    try {
      locked = file_lock_.try_lock();
    } catch (...) {
      let_threads();
      throw;
    }
    if (!locked) let_threads();
    return locked;
  }
  void end_turn() noexcept {
    file_lock_.unlock();
    let_threads();
  }
  void let_threads() noexcept {
    {
      const std::lock_guard lock(mutex_);
      is_taken_ = false;
    }
    turn_ended_.notify_one();
  }

  [[gnu::cold]] std::unique_ptr<SqliteConnection> open(std::chrono::milliseconds patience) const {
    auto connection = std::make_unique<SqliteConnection>(path_, SqliteConnection::Access::write, patience);
    // Before the first table: both are fixed by it.
    connection->run_script("PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL");
    const auto mode = connection->query("PRAGMA journal_mode = WAL").at(0).at(0).value();  // what it is now
    if (mode != "wal") {
      throw StoreUnavailable("SQLite, '" + path_ + "': the write-ahead log is refused (journal mode '" + mode +
                             "'); is it on a network file system?");
    }
    // A crash may lose the last entries and damages nothing. What is erased need not be overwritten. A sweep's turn fits into the
    // page cache, or pages would be written twice; a checkpoint of twice the usual size writes fewer of them, and is short enough
    // for those who wait for it.
    connection->run_script(
        "PRAGMA synchronous = NORMAL; PRAGMA secure_delete = OFF; PRAGMA journal_size_limit = 67108864; "
        "PRAGMA foreign_keys = ON; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = " +
        std::to_string(checkpoint_frames));
    connection->query("SELECT count(*) FROM sqlite_schema");  // opens the log
    return connection;
  }

  std::string path_;
  std::chrono::milliseconds timeout_;
  std::mutex mutex_;
  std::condition_variable turn_ended_;
  bool is_taken_ = false;  // by a thread of this process
  std::atomic<bool> waits_to_close_ = true;
  SqliteFileLock file_lock_;  // of whose turn it is
  std::unique_ptr<SqliteConnection> connection_;
  std::optional<detail::FileMark> mark_;
  detail::SqliteFiles files_;
};

}  // namespace render_cache
