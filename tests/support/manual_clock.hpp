// A clock that a test sets.
#pragma once

#include <chrono>

namespace render_cache::test {

struct ManualClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<ManualClock>;
  static constexpr bool is_steady = true;
  static time_point now() noexcept { return time; }
  static inline time_point time{std::chrono::hours(1)};
};

}  // namespace render_cache::test
