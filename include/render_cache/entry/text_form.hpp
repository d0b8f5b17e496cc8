// The text form of each kind of value: what is sent to a database as text and read back.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/types.hpp>

#include <charconv>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace render_cache {
namespace detail {

constexpr int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

inline void append_digits(std::string& text, std::uint64_t number, std::size_t width) {
  text.append(width, '0');
  for (auto at = text.end(); width-- > 0; number /= 10) *--at = static_cast<char>('0' + number % 10);
}

/// The number that `width` digits make, or -1.
constexpr int digits_at(std::string_view text, std::size_t at, std::size_t width) noexcept {
  int number = 0;
  for (const char c : text.substr(at, width)) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) noexcept {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return number;
}

}  // namespace detail

/// ISO 8601 in UTC, to the microsecond: `2024-05-01T12:00:00.123456Z`.
/// Throws `InvalidValue` outside the years 0001 to 9999, where databases disagree.
inline std::string to_text(Timestamp time) {
  using namespace std::chrono;
  if (time < sys_days{year{1} / 1 / 1} || time >= sys_days{year{9999} / 12 / 31} + days{1}) {
    throw InvalidValue("the time " + std::to_string(time.time_since_epoch().count()) +
                       " (microseconds since 1970) is outside the years 0001 to 9999");
  }
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const std::int64_t microsecond = (time - day).count(), second = microsecond / 1'000'000;
  std::string text;
  text.reserve(27);
  const auto append = [&](auto number, std::size_t width, char after) {
    detail::append_digits(text, static_cast<std::uint64_t>(number), width);
    text += after;
  };
  append(int{date.year()}, 4, '-');
  append(unsigned{date.month()}, 2, '-');
  append(unsigned{date.day()}, 2, 'T');
  append(second / 3'600, 2, ':');
  append(second / 60 % 60, 2, ':');
  append(second % 60, 2, '.');
  append(microsecond % 1'000'000, 6, 'Z');
  return text;
}

/// `2024-05-01`; throws as for a time.
inline std::string to_text(std::chrono::sys_days day) { return to_text(Timestamp(day)).substr(0, 10); }

inline std::string to_text(const Uuid& uuid) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (const std::uint8_t byte : uuid) {
    if (text.size() == 8 || text.size() == 13 || text.size() == 18 || text.size() == 23) text += '-';
    text += {hex[byte >> 4], hex[byte & 15]};
  }
  return text;
}

/// Shortest form that reads back as the same value; `nan`, `inf`, `-inf`.
inline std::string to_text(double number) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, number).ptr};
}

template <std::integral Number>
std::string to_text(Number number) {
  if constexpr (std::same_as<Number, bool>) {
    return number ? "true" : "false";
  } else {
    return std::to_string(number);
  }
}

/// Reads what `to_text` or a database wrote; empty for a text that is no such value.
template <class T>
std::optional<T> from_text(std::string_view text) = delete;

template <std::integral Number>
std::optional<Number> from_text(std::string_view text) {
  if constexpr (std::same_as<Number, bool>) {
    if (text == "t" || text == "true" || text == "1") return true;
    if (text == "f" || text == "false" || text == "0") return false;
    return {};
  } else {
    return detail::parse_number<Number>(text);
  }
}

template <std::same_as<double> Number>
std::optional<Number> from_text(std::string_view text) {
  return detail::parse_number<double>(text);
}

/// Takes `2024-05-01T12:00:00Z` with any fraction, a blank for the 'T', and no 'Z': all UTC, from the year 0001 on.
template <std::same_as<Timestamp> Time>
std::optional<Time> from_text(std::string_view text) {
  using namespace std::chrono;
  using detail::digits_at;
  if (text.size() < 19 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != ' ') || text[13] != ':' ||
      text[16] != ':') {
    return {};
  }
  const int y = digits_at(text, 0, 4), m = digits_at(text, 5, 2), d = digits_at(text, 8, 2);
  const int hour = digits_at(text, 11, 2), minute = digits_at(text, 14, 2), second = digits_at(text, 17, 2);
  if ((y | m | d | hour | minute | second) < 0 || hour > 23 || minute > 59 || second > 59) return {};
  std::int64_t fraction = 0;
  std::size_t at = 19;
  if (at < text.size() && text[at] == '.') {
    std::int64_t unit = 100000;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10) fraction += (text[at] - '0') * unit;
  }
  if (at < text.size() && text[at] == 'Z') ++at;
  const year_month_day date{year{y}, month{static_cast<unsigned>(m)}, day{static_cast<unsigned>(d)}};
  if (at != text.size() || !date.ok() || date.year() < year{1}) return {};
  return sys_days{date} + hours{hour} + minutes{minute} + seconds{second} + microseconds{fraction};
}

template <std::same_as<std::chrono::sys_days> Day>
std::optional<Day> from_text(std::string_view text) {
  const auto time = text.size() == 10 ? from_text<Timestamp>(std::string(text) + "T00:00:00Z") : std::nullopt;
  return time ? std::optional(std::chrono::floor<std::chrono::days>(*time)) : std::nullopt;
}

template <std::same_as<Uuid> Id>
std::optional<Id> from_text(std::string_view text) {
  Uuid uuid{};
  if (text.size() != 36) return {};
  std::size_t at = 0;
  for (auto& byte : uuid) {
    if ((at == 8 || at == 13 || at == 18 || at == 23) && text[at++] != '-') return {};
    const int high = detail::hex_digit(text[at]), low = detail::hex_digit(text[at + 1]);
    if (high < 0 || low < 0) return {};
    byte = static_cast<std::uint8_t>(high << 4 | low);
    at += 2;
  }
  return uuid;
}

}  // namespace render_cache
