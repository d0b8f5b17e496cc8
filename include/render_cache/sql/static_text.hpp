// Texts that are put together while compiling and then stand in the program as constants.
#pragma once

#include <render_cache/requirements.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <string_view>

namespace render_cache::detail {

/// A text of bounded length that can be copied and joined. Not std::string and no memory of its own: GCC 12 keeps the
/// results of constexpr functions and hands out, the second time, what has been freed.
class Text {
 public:
  constexpr Text(std::string_view text = {}) { *this += text; }
  constexpr Text(const char* text) : Text(std::string_view(text)) {}
  constexpr Text(const Text& other) : Text(std::string_view(other)) {}
  Text& operator=(const Text&) = delete;

  constexpr operator std::string_view() const { return {characters_, size_}; }

  constexpr Text& operator+=(std::string_view more) {
    if (more.size() > sizeof characters_ - size_) throw std::length_error("the schema has too many columns");
    for (const char c : more) characters_[size_++] = c;
    return *this;
  }
  template <class Left, class Right>
    requires std::convertible_to<const Left&, std::string_view> && std::convertible_to<const Right&, std::string_view> &&
             (std::same_as<Left, Text> || std::same_as<Right, Text>)
  friend constexpr Text operator+(const Left& left, const Right& right) {
    Text both(left);
    both += right;
    return both;
  }

 private:
  char characters_[16384];
  std::size_t size_ = 0;
};

constexpr Text decimal(std::size_t number) {
  const char last = static_cast<char>('0' + number % 10);
  const Text digit{std::string_view(&last, 1)};
  return number < 10 ? digit : decimal(number / 10) + digit;
}

/// Made twice: once for its size, once for its characters. Ends with a NUL. `make` is a named function: the name of a lambda
/// in a member's initializer differs between translation units (GCC 12), and with it what the linker merges.
template <auto make>
inline constexpr auto static_characters = [] {
  constexpr std::size_t size = std::string_view(make()).size();
  std::array<char, size + 1> characters{};
  const Text text = make();
  std::ranges::copy(std::string_view(text), characters.begin());
  return characters;
}();

/// What the function `make` returns, as a view of static, NUL-terminated characters.
template <auto make>
inline constexpr std::string_view static_text{static_characters<make>.data(), static_characters<make>.size() - 1};

}  // namespace render_cache::detail
