// Until when to wait.
#pragma once

#include <render_cache/requirements.hpp>

#include <algorithm>
#include <chrono>
#include <optional>

namespace render_cache::detail {

/// When a limit that begins now is over. `milliseconds::max()` is how a caller says "for ever": it would overflow the clock, and a
/// hundred years will do.
template <class Clock = std::chrono::steady_clock>
typename Clock::time_point from_now(std::chrono::milliseconds limit) {
  return Clock::now() + std::clamp<std::chrono::milliseconds>(limit, std::chrono::milliseconds::zero(), std::chrono::years(100));
}

/// None: there is no limit.
using Deadline = std::optional<std::chrono::steady_clock::time_point>;

inline Deadline earlier(const Deadline& a, const Deadline& b) { return a && b ? std::min(*a, *b) : a ? a : b; }

}  // namespace render_cache::detail
