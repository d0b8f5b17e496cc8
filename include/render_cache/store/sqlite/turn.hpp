// How long a sweep writes at a time, and lets others write.
#pragma once

#include <render_cache/store/sqlite/file_lock.hpp>

#include <algorithm>
#include <chrono>

namespace render_cache::detail {

/// One of the turns in which long work is done. Who waits for the file's lock tries again every few milliseconds: without a pause
/// that is longer, a sweep would have it again before anybody sees that it was free.
class SqliteTurn {
  using Clock = std::chrono::steady_clock;

 public:
  static constexpr std::chrono::milliseconds longest{20};

  [[nodiscard]] bool is_over() const { return Clock::now() - began_ >= longest; }

  /// How long to leave the file to others after this turn.
  [[nodiscard]] Clock::duration pause() const {
    return std::max<Clock::duration>((Clock::now() - began_) / 2, 2 * SqliteFileLock::longest_pause);
  }

 private:
  const Clock::time_point began_ = Clock::now();
};

}  // namespace render_cache::detail
