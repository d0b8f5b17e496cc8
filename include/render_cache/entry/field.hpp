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

std::string json_text(const Field& list);

/// One text for each value of a type, and no two with the same.
inline std::string text_of(const Field& field) {
  switch (field.form()) {
    case Field::Form::integer: return to_text(field.integer());
    case Field::Form::boolean: return to_text(field.boolean());
    case Field::Form::real: return to_text(field.real());
    case Field::Form::text: return std::string(field.text());
    case Field::Form::bytes: return hex_text(field.text());
    case Field::Form::list: return json_text(field);
    case Field::Form::null: break;
  }
  return {};
}

/// RFC 8259: control characters, '"' and '\' escaped.
inline void append_json_string(std::string& json, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  json += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json.append("\\u00").append({hex[static_cast<unsigned char>(c) >> 4], hex[static_cast<unsigned char>(c) & 15]});
    } else {
      json += c;
    }
  }
  json += '"';
}

/// `["a",null]`, `[1,-2]`, `[0.1,"inf"]`: numbers are numbers where JSON has them, all else is a text.
inline std::string json_text(const Field& list) {
  std::string json = "[";
  for (const auto& element : list.elements()) {
    if (json.size() > 1) json += ',';
    const auto text = text_of(element);
    const bool is_finite = text.find_first_of("in") == text.npos;  // neither inf nor nan
    switch (element.form()) {
      case Field::Form::null: json += "null"; break;
      case Field::Form::integer:
      case Field::Form::boolean: json += text; break;
      case Field::Form::real:
        if (is_finite) {
          json += text;
          break;
        }
        [[fallthrough]];
      default: append_json_string(json, text);
    }
  }
  return json += ']';
}

/// Reads a JSON array of scalars.
class JsonList {
 public:
  explicit JsonList(std::string_view json) : rest_(json) {}

  /// Calls `element(text, whether it was in quotation marks)` for each; false where this is no array of scalars.
  template <class Element>
  bool read(Element element) {
    if (!take('[')) return false;
    if (take(']')) return at_end();
    do {
      std::string text;
      skip_blanks();
      if (rest_.starts_with('"')) {
        if (!string(text) || !element(std::move(text), true)) return false;
      } else {
        const auto word = rest_.substr(0, rest_.find_first_of(",] \t\r\n\"[{"));
        rest_.remove_prefix(word.size());
        if (word.empty() || !element(std::string(word), false)) return false;
      }
    } while (take(','));
    return take(']') && at_end();
  }

 private:
  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }
  bool take(char c) {
    skip_blanks();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool at_end() {
    skip_blanks();
    return rest_.empty();
  }

  bool string(std::string& text) {
    for (rest_.remove_prefix(1); !rest_.empty();) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c != '\\') {
        text += c;
        continue;
      }
      if (rest_.empty()) return false;
      const char escaped = rest_.front();
      rest_.remove_prefix(1);
      constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
      if (const auto at = letters.find(escaped); at != letters.npos) {
        text += meanings[at];
      } else if (escaped != 'u' || !code_point(text)) {
        return false;
      }
    }
    return false;
  }

  /// After `\u`; two of them where the first is the half of a pair.
  bool code_point(std::string& text) {
    int code = four_digits();
    if (code >= 0xd800 && code < 0xdc00 && rest_.starts_with("\\u")) {
      rest_.remove_prefix(2);
      const int low = four_digits();
      if (low < 0xdc00 || low > 0xdfff) return false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code < 0 || (code >= 0xd800 && code < 0xe000)) return false;
    const auto more = [&](int shift) { text += static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
    if (code < 0x80) {
      text += static_cast<char>(code);
    } else if (code < 0x800) {
      text += static_cast<char>(0xc0 | code >> 6), more(0);
    } else if (code < 0x10000) {
      text += static_cast<char>(0xe0 | code >> 12), more(6), more(0);
    } else {
      text += static_cast<char>(0xf0 | code >> 18), more(12), more(6), more(0);
    }
    return true;
  }
  int four_digits() {
    if (rest_.size() < 4) return -1;
    int code = 0;
    for (int i = 0; i < 4; ++i, rest_.remove_prefix(1)) {
      const int digit = hex_digit(rest_.front());
      if (digit < 0) return -1;
      code = code << 4 | digit;
    }
    return code;
  }

  std::string_view rest_;
};

/// Reads what `text_of` or a database wrote; nothing for a text that is no value of the type. A text is referred to.
inline std::optional<Field> field_from_text(const ColumnType& type, std::string_view text) {
  if (type.list) {
    const ColumnType element{type.kind, type.bytes};
    std::vector<Field> elements;
    const bool good = JsonList(text).read([&](std::string one, bool quoted) {
      if (!quoted && one == "null") {
        elements.emplace_back();
        return true;
      }
      auto field = field_from_text(element, one);
      if (!field || (!quoted && field->form() == Field::Form::text)) return false;
      elements.push_back(field->form() == Field::Form::text ? Field(std::move(one)) : std::move(*field));
      return true;
    });
    return good ? std::optional(Field(std::move(elements))) : std::nullopt;
  }
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
