#include <render_cache/renderer/markdown/unicode.hpp>
#include <render_cache/renderer/markdown/url.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace unicode_tests {

using namespace render_cache::markdown;

TEST_CASE("of ASCII letters, digits and the stroke below are in words, and hexadecimal digits are these") {
  const std::string in_words = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", hex = "0123456789abcdefABCDEF";
  for (int code = 0; code < 128; ++code) {
    const auto c = static_cast<char>(code);
    INFO(code);
    CHECK(in_word(static_cast<char32_t>(code)) == (in_words.find(c) != in_words.npos));
    CHECK(detail::is_hex(c) == (hex.find(c) != hex.npos));
    CHECK(detail::is_letter(c) == (in_words.substr(0, 52).find(c) != in_words.npos));
  }
}

TEST_CASE("beyond ASCII the tables tell what is in words, and each character has its lower case") {
  for (const auto& range : not_in_words) {
    CHECK_FALSE(in_word(range.first));
    CHECK_FALSE(in_word(range.last));
  }
  for (const char32_t letter : {0xe9u, 0x416u, 0x4e2du, 0x10ffffu}) CHECK(in_word(letter));
  for (const auto& range : lower_case) {
    CHECK(to_lower(range.first) == static_cast<char32_t>(static_cast<std::int32_t>(range.first) + range.offset));
    CHECK(to_lower(range.last) == static_cast<char32_t>(static_cast<std::int32_t>(range.last) + range.offset));
  }
  for (char32_t code = 0; code < 128; ++code) CHECK(to_lower(code) == (code >= 'A' && code <= 'Z' ? code + 32 : code));
  CHECK(to_lower(0xc9) == 0xe9);
  CHECK(to_lower(0x100) == 0x101);
  for (const char32_t same : {0x80u, 0xd7u, 0xe9u, 0x101u, 0x10ffffu}) CHECK(to_lower(same) == same);
}

TEST_CASE("a character is written in as many bytes as it needs, and what is none as U+FFFD") {
  const auto written = [](char32_t code) {
    std::string text;
    append_utf8(text, code);
    return text;
  };
  CHECK(written(1) == "\x01");
  CHECK(written(0x7f) == "\x7f");
  CHECK(written(0x80) == "\xc2\x80");
  CHECK(written(0x7ff) == "\xdf\xbf");
  CHECK(written(0x800) == "\xe0\xa0\x80");
  CHECK(written(0xd7ff) == "\xed\x9f\xbf");
  CHECK(written(0xe000) == "\xee\x80\x80");
  CHECK(written(0xffff) == "\xef\xbf\xbf");
  CHECK(written(0x10000) == "\xf0\x90\x80\x80");
  CHECK(written(0x10ffff) == "\xf4\x8f\xbf\xbf");
  for (const char32_t none : {0u, 0xd800u, 0xdfffu, 0x110000u}) CHECK(written(none) == "\xef\xbf\xbd");
  for (const char32_t code : {1u, 0x7fu, 0x80u, 0x7ffu, 0x800u, 0xffffu, 0x10000u, 0x10ffffu}) {
    const std::string text = written(code) + "a";
    std::string_view rest = text;
    CHECK(next_code(rest) == code);
    CHECK(rest == "a");
  }
}

TEST_CASE("an escape in a URL is one with two hexadecimal digits behind it, at its end too") {
  const auto written = [](std::string_view text) {
    std::string url;
    append_url(url, text);
    return url;
  };
  CHECK(written("a%2f") == "a%2f");
  CHECK(written("%aF%09") == "%aF%09");
  CHECK(written("a%2") == "a%252");
  CHECK(written("a%") == "a%25");
  CHECK(written("%g0%0g") == "%25g0%250g");
}

}  // namespace unicode_tests
