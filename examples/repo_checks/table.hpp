// Coloured tables for terminals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace repo_checks {

enum class Colour : std::uint8_t { plain, bold, dim, red, yellow, green, cyan };

struct Cell {
  std::string text;
  Colour colour = Colour::plain;
};

/// How the place of output looks.
struct Terminal {
  bool colours = false;
  std::size_t width = 0;  ///< columns; 0: no limit

  /// Of a file descriptor: no colours where it is no terminal, or where NO_COLOR is set (https://no-color.org).
  static Terminal of(int descriptor);
};

/// Columns as wide as their widest cell; where the terminal is too narrow the last one is cut.
class Table {
 public:
  explicit Table(std::vector<std::string> head);
  void add(std::vector<Cell> row);
  [[nodiscard]] std::string text(const Terminal& terminal) const;

 private:
  std::vector<std::vector<Cell>> rows_;
};

[[nodiscard]] std::string coloured(std::string_view text, Colour colour, const Terminal& terminal);

}  // namespace repo_checks
