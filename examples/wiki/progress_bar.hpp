// A line that shows how far something has come.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>

namespace wiki {

/// Drawn in place on a terminal, ten times a second at most; nothing is shown where standard error is none.
class ProgressBar {
 public:
  ProgressBar(std::ostream& out, std::string_view label) : out_(out), label_(label), is_shown_(::isatty(STDERR_FILENO) == 1) {}

  void show(std::size_t done, std::size_t total) {
    const auto now = std::chrono::steady_clock::now();
    if (!is_shown_ || (done < total && now < next_)) return;
    next_ = now + std::chrono::milliseconds(100);
    constexpr std::size_t width = 40;
    const auto filled = total == 0 ? width : std::min(width, width * done / total);
    out_ << '\r' << label_ << " [" << std::string(filled, '=') << std::string(width - filled, ' ') << "] " << done << '/' << total
         << std::flush;
  }
  void finish() {
    if (is_shown_) out_ << '\n' << std::flush;
  }

 private:
  std::ostream& out_;
  std::string label_;
  bool is_shown_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace wiki
