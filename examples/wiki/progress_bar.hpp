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
    if (!is_due() && done < total) return;
    constexpr std::size_t width = 40;
    const auto filled = total == 0 ? width : std::min(width, width * done / total);
    draw("[" + std::string(filled, '=') + std::string(width - filled, ' ') + "] " + std::to_string(done) + "/" +
         std::to_string(total));
  }
  /// For what has no known end.
  void show(const std::string& so_far) {
    if (is_due()) draw(so_far);
  }
  void finish() {
    if (is_shown_) out_ << '\n' << std::flush;
  }

 private:
  [[nodiscard]] bool is_due() const { return std::chrono::steady_clock::now() >= next_; }
  void draw(const std::string& state) {
    if (!is_shown_) return;
    next_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
    out_ << '\r' << label_ << ' ' << state << std::flush;
  }

  std::ostream& out_;
  std::string label_;
  bool is_shown_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace wiki
