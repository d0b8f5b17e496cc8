// Which texts every store can hold: valid UTF-8 without NUL, and keys of a bounded length.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/keys.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace render_cache {

/// The offset of the first byte that is not part of well-formed UTF-8 (Unicode 15, table 3-7) or is NUL;
/// npos where there is none.
inline std::size_t find_invalid_text(std::string_view text) noexcept {
  const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u; };
  const auto within = [](unsigned value, unsigned low, unsigned high) { return value >= low && value <= high; };
  // The top bits of those among eight bytes that are NUL or not ASCII: nothing, in most texts.
  const auto special_bytes = [&](std::size_t at) {
    const auto word = detail::read64(text.data() + at);
    constexpr std::uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    return (word | ((word - ones) & ~word)) & tops;
  };
  for (std::size_t at = 0; at < text.size();) {
    if (at + 32 <= text.size() &&
        (special_bytes(at) | special_bytes(at + 8) | special_bytes(at + 16) | special_bytes(at + 24)) == 0) {
      at += 32;
      continue;
    }
    if (at + 8 <= text.size()) {
      const auto special = special_bytes(at);
      if (special == 0) {
        at += 8;
        continue;
      }
      if constexpr (std::endian::native == std::endian::little) at += static_cast<std::size_t>(std::countr_zero(special)) / 8;
    }
    const unsigned lead = byte(at), second = byte(at + 1);
    std::size_t length = 0;
    if (lead != 0 && lead < 0x80) {
      length = 1;
    } else if (within(lead, 0xc2, 0xdf)) {
      length = within(second, 0x80, 0xbf) ? 2 : 0;
    } else if (within(lead, 0xe0, 0xef)) {
      const unsigned low = lead == 0xe0 ? 0xa0 : 0x80, high = lead == 0xed ? 0x9f : 0xbf;
      length = within(second, low, high) && within(byte(at + 2), 0x80, 0xbf) ? 3 : 0;
    } else if (within(lead, 0xf0, 0xf4)) {
      const unsigned low = lead == 0xf0 ? 0x90 : 0x80, high = lead == 0xf4 ? 0x8f : 0xbf;
      length = within(second, low, high) && within(byte(at + 2), 0x80, 0xbf) && within(byte(at + 3), 0x80, 0xbf) ? 4 : 0;
    }
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

/// `text` with U+FFFD in place of each NUL and each byte that is not part of well-formed UTF-8.
inline std::string valid_text(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  for (std::size_t invalid; (invalid = find_invalid_text(text)) != text.npos; text.remove_prefix(invalid + 1)) {
    valid.append(text.substr(0, invalid)).append("\xef\xbf\xbd");
  }
  return valid.append(text);
}

/// A text for people's eyes, on a terminal or in a log: control characters (U+0000 to U+001F, U+007F to U+009F) and bytes that
/// are no UTF-8 are shown as `\x1b`, so that none of them moves a cursor or begins a line. Those in `kept` stay.
[[gnu::cold]] inline std::string printable(std::string_view text, std::string_view kept = {}) {
  std::string shown;
  const auto escape = [&](char c) {
    constexpr std::string_view hex = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    shown.append({'\\', 'x', hex[byte >> 4], hex[byte & 15]});
  };
  while (!text.empty()) {
    const auto valid = text.substr(0, find_invalid_text(text));
    for (std::size_t at = 0; at < valid.size(); ++at) {
      const auto byte = static_cast<unsigned char>(valid[at]);
      if (byte == 0xc2 && static_cast<unsigned char>(valid[at + 1]) < 0xa0) {
        escape(valid[at]);
        escape(valid[++at]);
      } else if ((byte < 0x20 || byte == 0x7f) && kept.find(valid[at]) == kept.npos) {
        escape(valid[at]);
      } else {
        shown.push_back(valid[at]);
      }
    }
    text.remove_prefix(valid.size());
    if (text.empty()) break;
    escape(text.front());
    text.remove_prefix(1);
  }
  return shown;
}

namespace detail {

[[gnu::cold]] inline std::string invalid_text_message(std::string_view column, std::string_view text, std::size_t at) {
  return "column '" + std::string(column) + "' holds " + (text[at] == '\0' ? "a NUL byte" : "invalid UTF-8") + " at offset " +
         std::to_string(at) + "; a store's texts are UTF-8 without NUL";
}

/// Throws `Refused` naming the column, the byte and its offset.
template <class Refused>
void check_text(std::string_view column, std::string_view text) {
  const auto at = find_invalid_text(text);
  if (at != text.npos) throw Refused(invalid_text_message(column, text, at));
}

/// Of a text, of bytes, and of all in a list.
inline std::size_t bytes_of(const Field& field) noexcept {
  std::size_t bytes = field.text().size();
  for (const auto& element : field.elements()) bytes += bytes_of(element);
  return bytes;
}

/// Every text of a member, those of a list's elements among them.
template <class Refused>
void check_texts(std::string_view column, const Field& field) {
  if (field.form() == Field::Form::text) check_text<Refused>(column, field.text());
  for (const auto& element : field.elements()) check_texts<Refused>(column, element);
}

}  // namespace detail

/// Throws `InvalidKey` for a key that not every store can hold.
template <Described T>
void check_key(const T& key) {
  std::size_t bytes = 0;
  for_each_member(key, [&](const char* name, const auto& member) {
    using Member = std::remove_cvref_t<decltype(member)>;
    if constexpr (std::convertible_to<const Member&, std::string_view>) {  // on the way of each read
      const std::string_view text = member;
      bytes += text.size();
      detail::check_text<InvalidKey>(name, text);
    } else if constexpr (!std::integral<Member> && !std::same_as<Member, Uuid>) {
      try {
        constexpr auto kind = MemberTraits<Member>::type.kind;
        const auto field = detail::to_field(member);
        if (kind == Kind::text || kind == Kind::bytes) bytes += field.text().size();
        detail::check_texts<InvalidKey>(name, field);
      } catch (const InvalidValue& error) {
        throw InvalidKey("'" + std::string(name) + "' of the key cannot be kept: " + error.what());
      }
    }
  });
  if (bytes > max_key_bytes) {
    throw InvalidKey("the key's texts have " + std::to_string(bytes) + " bytes together; the limit (max_key_bytes) is " +
                     std::to_string(max_key_bytes));
  }
}

/// The most bytes that the texts of one member of a value may have together, in every database alike.
inline constexpr std::size_t max_member_bytes = 64u << 20;

/// Throws `InvalidValue` for a value whose texts a database would refuse or silently truncate, and for one beyond
/// `max_member_bytes`.
template <Described T>
void check_value(const T& value) {
  for_each_member(value, [&](const char* name, const auto& member) {
    const auto field = detail::to_field(member);
    if (const auto bytes = detail::bytes_of(field); bytes > max_member_bytes) {
      throw InvalidValue("column '" + std::string(name) + "' holds " + std::to_string(bytes) +
                         " bytes; the limit (max_member_bytes) is " + std::to_string(max_member_bytes));
    }
    detail::check_texts<InvalidValue>(name, field);
  });
}

}  // namespace render_cache
