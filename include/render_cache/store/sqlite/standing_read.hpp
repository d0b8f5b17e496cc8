// A read that stands open while look-ups come in quick succession, and so makes each of them cheaper.
#pragma once

#include <render_cache/read/periodic_task.hpp>
#include <render_cache/store/sqlite/database.hpp>
#include <render_cache/store/sqlite/writer.hpp>

#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <system_error>
#include <utility>

namespace render_cache::detail {

/// SQLite takes the locks of a file once for a process: where one connection reads, others that read the same state take them without
/// system calls, which are half of what a look-up costs. So this one reads, for some milliseconds at a time and for nobody. What it
/// sees does not matter: a look-up has a transaction of its own, and sees what is newest.
///
/// An open read of pages in the log keeps that from being begun anew. So it does not stand where a checkpoint is near, until all pages are
/// copied into the file: till then all is as if there were none. Nor does it outlast the look-ups, nor their file, by more than a few
/// pauses.
class SqliteStandingRead {
 public:
  /// A reader of the file that is in use now, without waiting for one: null where there is none.
  using Open = std::function<std::unique_ptr<SqliteReader>()>;
  /// Whether its file is still in use.
  using IsInUse = std::function<bool(const SqliteReader&)>;

  /// How long it stands at a time.
  static constexpr std::chrono::milliseconds pause{10};
  /// So many look-ups in a pause save more than it costs.
  static constexpr std::uint64_t worth = 32;
  /// Of a longer log it keeps away: a checkpoint comes soon, and who writes after that begins the log anew, if nobody reads pages of it.
  static constexpr std::uint32_t longest_log = SqliteWriter::checkpoint_frames - SqliteWriter::checkpoint_frames / 20;

  /// Both are called by a thread of its own.
  SqliteStandingRead(Open open, IsInUse is_in_use)
      : open_(std::move(open)), is_in_use_(std::move(is_in_use)),
        task_(pause, [this](const std::stop_token&) { return renew(); }) {}

  /// A look-up begins. Thread-safe.
  void note() noexcept {
    if (looked_.fetch_add(1, std::memory_order_relaxed) % (2 * worth) != 2 * worth - 1) return;
    try {
      task_.begin();
    } catch (const std::system_error&) {  // no thread is to be had: a look-up costs what it costs
    }
  }

 private:
  /// Whether it is worth while to come back after a pause.
  bool renew() noexcept {
    try {
      const auto looked = looked_.load(std::memory_order_relaxed);
      const bool pays = looked - std::exchange(seen_, looked) >= worth;
      if (!std::exchange(awake_, true)) return true;  // they may have come within hours
      if (!pays || (reader_ && !is_in_use_(*reader_))) reader_.reset();
      if (pays && !reader_) reader_ = open_();
      awake_ = reader_ != nullptr;
      if (reader_) stand(reader_->connection);
    } catch (const std::exception&) {  // the look-ups find it, too, and say so
      reader_.reset();
      awake_ = false;
    }
    return awake_;
  }

  static void stand(SqliteConnection& connection) {
    if (sqlite3_get_autocommit(connection.handle()) == 0) connection.run_script("COMMIT");
    connection.run_script("BEGIN; SELECT 1 FROM sqlite_schema");
    if (is_checkpoint_near(connection.handle())) connection.run_script("COMMIT");
  }

  /// What the log's index says of it, which all processes share: https://sqlite.org/walformat.html#the_wal_index_file_format
  static bool is_checkpoint_near(sqlite3* handle) noexcept {
    constexpr int first_block = 32768, committed_frames = 16 / 4, copied_frames = 96 / 4;
    sqlite3_file* file = nullptr;
    void volatile* index = nullptr;
    if (sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, static_cast<void*>(&file)) == SQLITE_OK &&
        file->pMethods->iVersion >= 2 && file->pMethods->xShmMap(file, 0, first_block, 0, &index) == SQLITE_OK &&
        index != nullptr) {
      const auto* words = static_cast<const volatile std::uint32_t*>(index);
      const std::uint32_t committed = words[committed_frames];
      return committed > longest_log && committed != words[copied_frames];
    }
    return true;
  }

  const Open open_;
  const IsInUse is_in_use_;
  std::atomic<std::uint64_t> looked_ = 0;
  // The thread's own:
  std::uint64_t seen_ = 0;
  bool awake_ = false;
  std::unique_ptr<SqliteReader> reader_;
  PeriodicTask task_;  // last: its thread uses all the rest
};

}  // namespace render_cache::detail
