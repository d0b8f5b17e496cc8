// What makes an entry worth keeping longer than its use alone would: that it is expensive to render again.
#pragma once

#include <render_cache/requirements.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace render_cache {

/// How a MemoryStore chooses what leaves.
enum class Evict : std::uint8_t {
  s3_fifo,     ///< by use: the fewest misses
  cost_aware,  ///< by use and by render cost: the least time spent in rendering, where costs differ by orders of magnitude
};

namespace detail {

/// Sets what a byte of an entry cost to render against what bytes cost lately. S3-FIFO then treats the expensive
/// as if they had been read before. Not thread-safe.
class CostScale {
 public:
  /// The freq an entry starts with: 0 if its cost is not known, 1 from twice the mean on, 3 from eight times. Lower steps
  /// cost more misses and save no more rendering (docs/memory.md).
  std::uint8_t first_freq(std::optional<std::chrono::nanoseconds> cost, std::size_t weight) noexcept {
    if (!cost) return 0;
    const double each = static_cast<double>(cost->count()) / static_cast<double>(weight);
    seen_ = std::min(seen_ + 1, 1000.0);
    mean_ += (each - mean_) / seen_;
    return each > 8 * mean_ ? 3 : each > 2 * mean_ ? 1 : 0;
  }

 private:
  double mean_ = 0;  // of the last thousand or so
  double seen_ = 0;
};

}  // namespace detail
}  // namespace render_cache
