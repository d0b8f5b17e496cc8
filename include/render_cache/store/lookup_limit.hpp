// How long a look-up waits for its store, whichever that is.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/error.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>

namespace render_cache::detail {

/// As long as the options say, or as long as rendering would take if that is longer: looking pays for so long. Thread-safe.
class LookupLimit {
 public:
  /// Whatever a render costs, it is not more than `longest`, unless `timeout` is.
  LookupLimit(std::chrono::milliseconds timeout, std::chrono::milliseconds longest) : timeout_(timeout), longest_(longest) {}

  /// What an entry that was found or stored has taken to render.
  void note(std::optional<std::chrono::nanoseconds> cost) noexcept {
    if (!cost) return;
    const auto mean = mean_.load(std::memory_order_relaxed);
    mean_.store(mean + (*cost - mean) / 8, std::memory_order_relaxed);
  }

  [[nodiscard]] std::chrono::milliseconds get() const noexcept {
    const auto cost = std::chrono::duration_cast<std::chrono::milliseconds>(mean_.load(std::memory_order_relaxed));
    return std::max(timeout_, std::min(cost, longest_));
  }

 private:
  const std::chrono::milliseconds timeout_, longest_;
  std::atomic<std::chrono::nanoseconds> mean_{};  // of the costs, the last ones most
};

/// For a call that was late: others were answered meanwhile, or nobody has seen the store alive.
[[noreturn]] inline void throw_not_in_time(bool others_answered, const std::string& message) {
  if (others_answered) throw StoreTimeout(message);
  throw StoreUnavailable(message);
}

}  // namespace render_cache::detail
