// Digests as text.
#pragma once

#include <render_cache/requirements.hpp>

#include <span>
#include <string>
#include <string_view>

namespace render_cache::detail {

/// `prefix` and two lower-case hex digits a byte.
inline std::string to_hex(std::string_view prefix, std::span<const unsigned char> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(prefix.size() + 2 * bytes.size(), '\0');
  auto at = prefix.copy(text.data(), prefix.size());
  for (const auto byte : bytes) {
    text[at++] = digits[byte >> 4];
    text[at++] = digits[byte & 15];
  }
  return text;
}

}  // namespace render_cache::detail
