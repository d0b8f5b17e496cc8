// What a client's header fields ask for.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string_view>

namespace http {

inline constexpr std::string_view blanks = " \t";

inline std::string_view trim(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(blanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// Takes the next element off a list that `separator` divides.
inline std::string_view next_element(std::string_view& list, char separator) noexcept {
  const auto end = list.find(separator);
  const auto element = trim(list.substr(0, end));
  list = end == list.npos ? std::string_view{} : list.substr(end + 1);
  return element;
}

inline bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

/// Whether Accept-Encoding (RFC 9110, section 12.5.3) takes gzip: named, or by `*`, with a weight above zero.
inline bool accepts_gzip(std::string_view accept_encoding) noexcept {
  bool by_star = false;
  while (!accept_encoding.empty()) {
    auto element = next_element(accept_encoding, ',');
    const auto coding = next_element(element, ';');
    bool wanted = true;
    while (!element.empty()) {
      auto weight = next_element(element, ';');
      if (!equals_ignoring_case(next_element(weight, '='), "q")) continue;
      double q = 0;
      const auto [end, error] = std::from_chars(weight.data(), weight.data() + weight.size(), q);
      wanted = error == std::errc{} && q > 0;
    }
    if (equals_ignoring_case(coding, "gzip") || equals_ignoring_case(coding, "x-gzip")) return wanted;
    if (coding == "*") by_star = wanted;
  }
  return by_star;
}

/// Whether If-None-Match (RFC 9110, section 13.1.2) names the entity tag; the comparison is the weak one.
inline bool names_etag(std::string_view if_none_match, std::string_view etag) noexcept {
  while (!if_none_match.empty()) {
    auto candidate = next_element(if_none_match, ',');
    if (candidate == "*") return true;
    if (candidate.starts_with("W/")) candidate.remove_prefix(2);
    if (!etag.empty() && candidate == etag) return true;
  }
  return false;
}

}  // namespace http
