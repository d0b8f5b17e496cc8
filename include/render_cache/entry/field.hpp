// A value on its way to or from a database, in the few forms that all engines have; a type takes itself to one (entry/member.hpp).
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/text_form.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache {

/// What a column holds. How an engine calls it: `type_name` of its dialect.
enum class Kind : std::uint8_t { text, integer, boolean, real, uuid, timestamp, json, bytes, date };

/// The type of a column.
struct ColumnType {
  Kind kind = Kind::text;  ///< what it holds
  std::size_t bytes = 0;  ///< of an integer: the width that holds every value: 2, 4 or 8
  bool list = false;  ///< any number of values of that kind: an array in PostgreSQL, elsewhere a JSON text
  friend bool operator==(const ColumnType&, const ColumnType&) = default;
};

/// One value. A text or bytes may be referred to and not copied: what is passed to `refer` must outlive the field.
class Field {
 public:
  /// What it is.
  enum class Form : std::uint8_t { null, integer, boolean, real, text, bytes, list };

  /// NULL.
  Field() = default;
  /// A bool or another integer. A template, for a text in quotation marks is a bool by itself.
  template <std::integral Number>
  explicit Field(Number number)
      : form_(std::same_as<Number, bool> ? Form::boolean : Form::integer), integer_(static_cast<std::int64_t>(number)) {}
  /// A floating-point number.
  explicit Field(double number) : form_(Form::real), real_(number) {}
  /// A text of its own; also a UUID, a time, a date or a JSON document.
  explicit Field(std::string text) : form_(Form::text), owns_(true), owned_(std::move(text)) {}
  /// A list.
  explicit Field(std::vector<Field> elements) : form_(Form::list), elements_(std::move(elements)) {}
  /// The caller's text, or bytes.
  static Field refer(std::string_view content, Form form = Form::text) {
    Field field;
    field.form_ = form;
    field.referred_ = content;
    return field;
  }
  /// Bytes of its own.
  static Field own_bytes(std::string content) {
    Field field(std::move(content));
    field.form_ = Form::bytes;
    return field;
  }

  /// Which of the members below has its value.
  [[nodiscard]] Form form() const noexcept { return form_; }
  /// Whether it is NULL.
  [[nodiscard]] bool is_null() const noexcept { return form_ == Form::null; }
  /// Of an integer; of a boolean 0 or 1.
  [[nodiscard]] std::int64_t integer() const noexcept { return integer_; }
  /// Of a boolean.
  [[nodiscard]] bool boolean() const noexcept { return integer_ != 0; }
  /// Of a floating-point number.
  [[nodiscard]] double real() const noexcept { return real_; }
  /// Of a text, and of bytes. While the field lives.
  [[nodiscard]] std::string_view text() const noexcept { return owns_ ? std::string_view(owned_) : referred_; }
  /// Whether `text` goes with the field.
  [[nodiscard]] bool owns_text() const noexcept { return owns_; }
  /// Of a list.
  [[nodiscard]] const std::vector<Field>& elements() const noexcept { return elements_; }

 private:
  Form form_ = Form::null;
  bool owns_ = false;
  std::int64_t integer_ = 0;
  double real_ = 0;
  std::string_view referred_;
  std::string owned_;
  std::vector<Field> elements_;
};

namespace detail {

/// As PostgreSQL writes bytes: `\x0aff`.
inline std::string hex_text(std::string_view bytes) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string text = "\\x";
  text.reserve(2 + 2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {hex[byte >> 4], hex[byte & 15]};
  }
  return text;
}

inline std::optional<std::string> bytes_from_hex(std::string_view text) {
  if (text.size() % 2 != 0 || !text.starts_with("\\x")) return {};
  std::string bytes;
  bytes.reserve(text.size() / 2 - 1);
  for (std::size_t at = 2; at < text.size(); at += 2) {
    const int high = hex_digit(text[at]), low = hex_digit(text[at + 1]);
    if (high < 0 || low < 0) return {};
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

/// One text for each value of a type that is no list, and no two with the same.
inline std::string text_of(const Field& field) {
  switch (field.form()) {
    case Field::Form::integer: return to_text(field.integer());
    case Field::Form::boolean: return to_text(field.boolean());
    case Field::Form::real: return to_text(field.real());
    case Field::Form::text: return std::string(field.text());
    case Field::Form::bytes: return hex_text(field.text());
    case Field::Form::list:  // has one in each engine: an array, or JSON (sql/json_list.hpp)
    case Field::Form::null: break;
  }
  return {};
}

/// Reads what `text_of` or a database wrote for a type that is no list; nothing for a text that is no value of it. A text is referred
/// to.
inline std::optional<Field> field_from_text(const ColumnType& type, std::string_view text) {
  const auto field = [](auto value) { return value ? std::optional(Field(*value)) : std::nullopt; };
  switch (type.kind) {
    case Kind::integer: return field(from_text<std::int64_t>(text));
    case Kind::boolean: return field(from_text<bool>(text));
    case Kind::real: return field(from_text<double>(text));
    case Kind::bytes: {
      auto bytes = bytes_from_hex(text);
      return bytes ? std::optional(Field::own_bytes(std::move(*bytes))) : std::nullopt;
    }
    case Kind::text:
    case Kind::uuid:
    case Kind::timestamp:
    case Kind::json:
    case Kind::date: break;
  }
  return Field::refer(text);
}

}  // namespace detail
}  // namespace render_cache
