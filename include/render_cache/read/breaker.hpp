// Leaves what is down alone for a while.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/read/deadline.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace render_cache::detail {

/// After a failure nobody is admitted for the length of a pause. When it is over one caller is, and the next pause begins with him:
/// so what is still down costs one caller a pause and not every thread its time-out, and what is back is found by that one.
template <class Clock = std::chrono::steady_clock>
class Breaker {
 public:
  /// By what a caller was admitted; to be handed back with good news.
  using Admission = std::int64_t;

  explicit Breaker(std::chrono::milliseconds pause) : pause_(pause) {}

  /// Nothing: do without. One relaxed load while nothing has failed.
  [[nodiscard]] std::optional<Admission> admit() noexcept {
    auto until = paused_until_.load(std::memory_order_relaxed);
    if (until == 0) return until;
    if (ticks(Clock::now()) < until) return std::nullopt;
    const auto next = ticks(from_now<Clock>(pause_));
    if (paused_until_.compare_exchange_strong(until, next, std::memory_order_relaxed)) return next;
    return std::nullopt;
  }

  /// It answers. An answer to somebody who asked before the last failure ends no pause.
  void answered(Admission admission) noexcept {
    if (admission != 0) paused_until_.compare_exchange_strong(admission, 0, std::memory_order_relaxed);
  }
  void failed() noexcept { paused_until_.store(ticks(from_now<Clock>(pause_)), std::memory_order_relaxed); }

  [[nodiscard]] bool paused() const noexcept { return paused_until_.load(std::memory_order_relaxed) != 0; }

 private:
  static std::int64_t ticks(typename Clock::time_point time) noexcept { return time.time_since_epoch().count(); }

  const std::chrono::milliseconds pause_;
  std::atomic<std::int64_t> paused_until_{0};  // ticks of Clock; 0 while all is well
};

}  // namespace render_cache::detail
