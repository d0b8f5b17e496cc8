// What the check of a history is to look for, and what it has found, as text and as a picture.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/laws/history.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace render_cache::laws {

/// What is to hold beside the first sentence of the claim. What is turned off is what the store under test cannot do.
struct Promises {
  /// What is stored is not rendered. Off where the store evicts, fails or loses what it was given, where a source that cannot be frozen is
  /// edited, and where reads refresh: who has missed before a refresh stores a newer state than it was asked for renders that, too.
  bool keeps = true;
  /// After an erase its process hits nothing until that was rendered. Off where publishes are late or look-ups lag.
  bool erases = true;
  /// Nothing stored is replaced by what was rendered of an earlier state. Off for a store without `replace`.
  bool order = true;
  /// One render while a lease holds. Off where renders call for each other, or are longer than callers wait.
  bool once = true;
};

/// What a check has found: nothing, or one of the shortest histories that break a promise.
struct Verdict {
  std::size_t reads = 0;  ///< that were checked
  std::size_t hits = 0;  ///< of these, answered by the store
  std::size_t renders = 0;  ///< of the renderers
  std::size_t publishes = 0;  ///< that a store took
  std::size_t offences = 0;  ///< how many there are
  std::string promise{};  ///< that is broken
  /// An event with its texts.
  struct Line {
    Event event;  ///< with its numbers
    std::string key;  ///< whose
    std::string state;  ///< of its source; none of an erase or a change
    std::string says;  ///< the state that the value says it was made of; else the same
  };
  std::vector<Line> lines{};  ///< that show it, in the order of their calls

  /// Whether all is well.
  explicit operator bool() const noexcept { return offences == 0; }
  /// The promise and the history, an event a line, in microseconds since its first call.
  [[nodiscard]] std::string text() const {
    std::ostringstream out;
    if (offences == 0) {
      out << reads << " reads, " << hits << " of them hits, " << renders << " renders, " << publishes
          << " publishes: all is well\n";
      return out.str();
    }
    out << promise << " (" << offences << " in " << reads << " reads):\n" << std::fixed << std::setprecision(1);
    for (const auto& line : lines) out << "  " << describe(line) << '\n';
    return out.str();
  }
  /// The same as a picture: a row for each event, and time from left to right by its order and not by its length.
  [[nodiscard]] std::string svg() const {
    std::vector<std::int64_t> times;
    for (const auto& line : lines) times.insert(times.end(), {line.event.call, line.event.end});
    std::sort(times.begin(), times.end());
    times.erase(std::unique(times.begin(), times.end()), times.end());
    const auto x = [&](std::int64_t time) {
      return 20 + 80 * (std::lower_bound(times.begin(), times.end(), time) - times.begin());
    };
    std::ostringstream out;
    out << "<svg xmlns='http://www.w3.org/2000/svg' width='1200' height='" << 60 + 40 * lines.size()
        << "' font-family='monospace' font-size='12'>\n<text x='20' y='24'>" << escaped(promise) << "</text>\n";
    std::size_t y = 50;
    for (const auto& line : lines) {
      out << "<rect x='" << x(line.event.call) << "' y='" << y << "' width='"
          << std::max<std::ptrdiff_t>(x(line.event.end) - x(line.event.call), 4) << "' height='12' fill='#4a7'/>\n<text x='"
          << x(line.event.call) << "' y='" << y + 26 << "'>" << escaped(describe(line)) << "</text>\n";
      y += 40;
    }
    out << "</svg>\n";
    return out.str();
  }

 private:
  [[nodiscard]] std::string describe(const Line& line) const {
    const auto since = [&](std::int64_t time) { return static_cast<double>(time - lines.front().event.call) / 1000; };
    std::ostringstream out;
    out << std::fixed << std::setprecision(1) << since(line.event.call) << " to " << since(line.event.end) << " us: process "
        << line.event.process << ' ' << Event::words[static_cast<std::size_t>(line.event.kind)] << ' ' << line.key;
    if (!line.state.empty()) out << ", " << line.state;
    if (line.says != line.state) out << ", and the value says " << line.says;
    return out.str();
  }
  static std::string escaped(std::string_view text) {
    std::string html;
    for (const char c : text) html += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
    return html;
  }
};

}  // namespace render_cache::laws
