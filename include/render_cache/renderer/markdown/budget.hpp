// What one render may use.
#pragma once

#include <render_cache/renderer/markdown/errors.hpp>
#include <render_cache/renderer/markdown/options.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>

namespace render_cache::markdown {

/// The one count of what a render uses: work, output and time, of everything that takes part in it. What costs more than its
/// part of the source says so here, before it does it where that is possible. Memory follows: what is kept for each step and
/// each byte of output is bounded, so that a render takes at most 64 times its source and 16 MB.
class Budget {
 public:
  /// For each call of md4c's, each character that it keeps a note of, each node of a tree.
  static constexpr std::size_t small_work = 32;
  /// What one step copies.
  static constexpr std::size_t bytes_moved = 8;

  Budget(const MarkdownOptions& options, std::size_t source_bytes) noexcept
      : options_(options), max_output_(most_output(options, source_bytes)),
        end_(options.max_time > std::chrono::milliseconds::zero() ? Clock::now() + options.max_time : Clock::time_point::max()) {}

  /// Throws `MarkdownTooCostly`, `MarkdownTooSlow`.
  void work(std::size_t steps) {
    if (!spend(steps)) check();
  }

  /// The same where nothing may be thrown; when it says no, `check` throws.
  bool spend(std::size_t steps) noexcept {
    constexpr std::size_t looks_apart = 64;  // at the clock
    used_ += steps;
    if (end_ != Clock::time_point::max() && ++calls_ % looks_apart == 0) is_late_ = Clock::now() > end_;
    return used_ <= options_.max_work && !is_late_;
  }

  void check() const {
    if (used_ > options_.max_work) throw MarkdownTooCostly(used_, options_.max_work);
    if (is_late_) throw MarkdownTooSlow(options_.max_time);
  }

  /// `html` is all that is written so far. Throws `MarkdownOutputTooLarge`.
  void check_output(std::size_t html) const {
    if (html + contents_ > max_output_) throw MarkdownOutputTooLarge(html + contents_, max_output_);
  }

  /// One more line in the table of contents, of so many bytes: in the metadata, and in the page that shows it.
  void contents(std::size_t bytes) {
    constexpr std::size_t around = 64;
    contents_ += 2 * (bytes + around);
  }

  /// Steps until now.
  std::size_t used() const noexcept { return used_; }
  std::size_t left() const noexcept { return options_.max_work - std::min(used_, options_.max_work); }

 private:
  using Clock = std::chrono::steady_clock;

  static std::size_t most_output(const MarkdownOptions& options, std::size_t source_bytes) noexcept {
    constexpr auto unlimited = std::numeric_limits<std::size_t>::max();
    const auto left = unlimited - options.max_output_bytes;
    if (source_bytes != 0 && options.max_output_ratio > left / source_bytes) return unlimited;
    return options.max_output_bytes + options.max_output_ratio * source_bytes;
  }

  const MarkdownOptions& options_;
  const std::size_t max_output_;
  const Clock::time_point end_;
  std::size_t used_ = 0;
  std::size_t contents_ = 0;
  std::size_t calls_ = 0;
  bool is_late_ = false;
};

}  // namespace render_cache::markdown
