// Leaves what is down alone for a while.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/deadline.hpp>

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
  /// By what a caller was admitted, to be handed back: how many failures there had been, or 0 while all is well.
  using Admission = std::uint64_t;

  explicit Breaker(std::chrono::milliseconds pause) : pause_(pause) {}

  /// Nothing: do without. One relaxed load while nothing has failed.
  [[nodiscard]] std::optional<Admission> admit() noexcept {
    auto until = paused_until_.load(std::memory_order_relaxed);
    if (until == 0) return Admission{0};
    if (ticks(Clock::now()) < until) return std::nullopt;
    const auto failures = failures_.load();
    if (paused_until_.compare_exchange_strong(until, ticks(from_now<Clock>(pause_)))) return failures;
    return std::nullopt;
  }

  /// It answers, however long that took. An answer to somebody who asked before the last failure ends no pause.
  void answered(Admission admission) noexcept { pause_until(0, admission); }
  /// It was not asked after all: the next caller is admitted instead.
  void not_asked(Admission admission) noexcept {
    if (paused()) pause_until(ticks(Clock::now()), admission);  // the clock takes longer than a hit in memory's other steps
  }
  void failed() noexcept {
    ++failures_;
    paused_until_.store(ticks(from_now<Clock>(pause_)));
  }

  [[nodiscard]] bool paused() const noexcept { return paused_until_.load(std::memory_order_relaxed) != 0; }

 private:
  static std::int64_t ticks(typename Clock::time_point time) noexcept { return time.time_since_epoch().count(); }

  void pause_until(std::int64_t end, Admission admission) noexcept {
    auto until = paused_until_.load();
    if (until != 0 && failures_.load() == admission) paused_until_.compare_exchange_strong(until, end);
  }

  const std::chrono::milliseconds pause_;
  std::atomic<std::int64_t> paused_until_{0};  // ticks of Clock; 0 while all is well
  std::atomic<std::uint64_t> failures_{0};  // counted before their pause begins, so that none is 0 in a pause
};

}  // namespace render_cache::detail
