#include "table.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace repo_checks {
namespace {

constexpr bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

/// Characters, each counted as one column.
std::size_t width_of(std::string_view text) { return static_cast<std::size_t>(std::ranges::count_if(text, starts_character)); }

std::string cut(std::string_view text, std::size_t width) {
  if (width_of(text) <= width) return std::string(text);
  constexpr std::string_view dots = "...";
  if (width <= dots.size()) return std::string(dots.substr(0, width));
  std::size_t end = 0, characters = 0;
  for (; end < text.size(); ++end) {
    if (starts_character(text[end]) && characters++ == width - dots.size()) break;
  }
  return std::string(text.substr(0, end)).append(dots);
}

}  // namespace

Terminal Terminal::of(int descriptor) {
  if (!::isatty(descriptor)) return {};
  const char* no_colour = std::getenv("NO_COLOR");
  ::winsize size{};
  ::ioctl(descriptor, TIOCGWINSZ, &size);
  return {no_colour == nullptr || *no_colour == '\0', size.ws_col};
}

std::string coloured(std::string_view text, Colour colour, const Terminal& terminal) {
  constexpr std::string_view codes[] = {"", "1", "2", "31", "33", "32", "36"};
  if (!terminal.colours || colour == Colour::plain) return std::string(text);
  return std::string("\033[").append(codes[static_cast<std::size_t>(colour)]).append("m").append(text).append("\033[0m");
}

Table::Table(std::vector<std::string> head) {
  auto& row = rows_.emplace_back();
  for (auto& title : head) row.push_back({std::move(title), Colour::bold});
}

void Table::add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }

std::string Table::text(const Terminal& terminal) const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i].text));
  }
  constexpr std::size_t gap = 2;
  std::size_t before_last = 0;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) before_last += widths[i] + gap;
  if (terminal.width > before_last) widths.back() = std::min(widths.back(), terminal.width - before_last);

  std::string text;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      const auto content = last && terminal.width > before_last ? cut(row[i].text, widths[i]) : row[i].text;
      text += coloured(content, row[i].colour, terminal);
      if (!last) text.append(widths[i] - width_of(content) + gap, ' ');
    }
    while (text.ends_with(' ')) text.pop_back();
    text += '\n';
  }
  return text;
}

}  // namespace repo_checks
