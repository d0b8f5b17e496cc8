// One writer at a time among all processes that have the file open.
#pragma once

#include <render_cache/entry/deadline.hpp>
#include <render_cache/entry/error.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace render_cache {

/// SQLite before 3.51.3 can damage a file when a checkpoint in one connection meets a commit in another
/// (https://sqlite.org/wal.html#walresetbug). Inside a process one connection writes and checkpoints; between processes
/// this lock keeps writers apart. It is flock(2) on a file of its own beside the database: the kernel frees it when its
/// holder dies, and the database file itself may not be opened twice, since closing it drops SQLite's own locks.
class SqliteFileLock {
 public:
  explicit SqliteFileLock(std::string path) : path_(std::move(path)) {}
  SqliteFileLock(const SqliteFileLock&) = delete;
  SqliteFileLock& operator=(const SqliteFileLock&) = delete;
  ~SqliteFileLock() { close(); }

  /// Between two attempts, at most.
  static constexpr std::chrono::microseconds longest_pause{5000};

  /// Throws StoreUnavailable when another holder does not let go in time.
  void lock(std::chrono::milliseconds timeout) {
    const auto deadline = detail::from_now(timeout);
    for (auto pause = std::chrono::microseconds{100};; pause = std::min(2 * pause, longest_pause)) {
      if (try_lock()) return;
      if (std::chrono::steady_clock::now() >= deadline) {
        throw StoreUnavailable("'" + path_ + "' has been locked for " + std::to_string(timeout.count()) +
                               " ms: another process writes to the database");
      }
      std::this_thread::sleep_for(pause);
    }
  }
  /// False where another has it; throws StoreUnavailable where it cannot be locked at all.
  bool try_lock() {
    for (;;) {
      if (file_ < 0) open();
      if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return false;
        if (errno != EINTR) fail("cannot be locked");
        continue;
      }
      if (!deleted()) return true;
      close();  // others lock a new file
    }
  }
  void unlock() noexcept { ::flock(file_, LOCK_UN); }

 private:
  void open() {
    file_ = ::open(path_.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
    if (file_ < 0) fail("cannot be opened");
  }
  void close() noexcept {
    if (file_ >= 0) ::close(std::exchange(file_, -1));
  }
  [[nodiscard]] bool deleted() const noexcept {
    struct ::stat status;
    return ::fstat(file_, &status) == 0 && status.st_nlink == 0;
  }
  [[noreturn, gnu::cold]] void fail(const std::string& what) const {
    throw StoreUnavailable("'" + path_ + "' " + what + ": " + std::strerror(errno));
  }

  std::string path_;
  int file_ = -1;
};

}  // namespace render_cache
