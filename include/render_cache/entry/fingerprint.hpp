// What a source and its renderer are now: named components, compared by equality only.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/types.hpp>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache {

namespace detail {

template <class>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

}  // namespace detail

/// Stands for what does not exist; see `Fingerprint::absent`.
struct Absent {};

/// An ordered list of `name=value`, joined by '|': `source=s2:9f86d0...|renderer=markdown/3`. This text is what is
/// stored and compared; it is pinned by golden tests, since a change of it empties every cache in the field.
///
/// A name is made of letters, digits and "._-/"; another one throws std::invalid_argument.
///
/// Two fingerprints are equal when their texts are: a component that is absent on one side is a mismatch. Two values of one type
/// never have the same text, whatever an author wrote into them; values of different types may (7 and "7"), so give a component
/// one type.
class Fingerprint {
 public:
  /// The value of a component whose subject does not exist (a file, a row): a value of its own, so that creating
  /// or deleting the subject changes the fingerprint. No text, number or time has its form.
  static constexpr Absent absent{};

  /// No components yet.
  Fingerprint() = default;

  /// Takes a text as it was stored. Any text will do: one that no fingerprint has written equals none.
  static Fingerprint from_text(std::string text) {
    Fingerprint stored;
    stored.text_ = std::move(text);
    return stored;
  }

  /// Appends a component:
  ///
  ///     a text                       as it is; '%', '|', control characters and the word "absent" are escaped as %XX
  ///     bool, a whole number         true, -7
  ///     a floating-point number      d:0.1, the shortest text that only this number has
  ///     a Timestamp                  t:1700000000000000, in microseconds since the epoch
  ///     an empty optional, `absent`  absent
  ///     a Fingerprint                %(2)|name:its-first=...|name:its-second=...; unsettled if that is
  template <class Value>
  Fingerprint& add(std::string_view name, const Value& value) {
    if constexpr (std::convertible_to<const Value&, std::string_view>) {
      const std::string_view text = value;
      if (is_ours(text)) return add(name, std::string(text));
      begin_component(name);
      append_text(text);
    } else if constexpr (std::same_as<Value, bool>) {
      begin_component(name).append(value ? "true" : "false");
    } else if constexpr (std::integral<Value>) {
      append_number(begin_component(name), value);
    } else if constexpr (std::floating_point<Value>) {
      append_number(begin_component(name).append("d:"), value);
    } else if constexpr (std::same_as<Value, Timestamp>) {
      append_number(begin_component(name).append("t:"), value.time_since_epoch().count());
    } else if constexpr (std::same_as<Value, Absent> || std::same_as<Value, std::nullopt_t>) {
      begin_component(name).append("absent");
    } else if constexpr (detail::is_optional<Value>) {
      if constexpr (detail::is_optional<typename Value::value_type>) {
        RENDER_CACHE_MISTAKE(
            "an optional of an optional has two kinds of nothing, and one text for both: add a component for each");
      }
      if (value) {
        add(name, *value);
      } else {
        add(name, absent);
      }
    } else if constexpr (std::same_as<Value, Fingerprint>) {
      append_part(name, value);
    } else {
      RENDER_CACHE_MISTAKE(
          "a fingerprint takes a text, bool, a number, a Timestamp, an optional of these, absent or a Fingerprint: "
          "write the exact value as one of them");
    }
    return *this;
  }

  /// Appends all components of `more`, under their own names; unsettled if that is.
  Fingerprint& add(const Fingerprint& more) {
    if (!text_.empty() && !more.text_.empty()) text_.push_back('|');
    text_ += more.text_;
    settled_ = settled_ && more.settled_;
    return *this;
  }

  /// Marks the sample as too new to trust: a later change might leave no trace in it (a file time whose clock
  /// tick is not over). What is rendered under it is returned and not stored.
  Fingerprint& mark_unsettled() noexcept {
    settled_ = false;
    return *this;
  }
  /// Whether the sample can be trusted: false after `mark_unsettled`.
  [[nodiscard]] bool settled() const noexcept { return settled_; }

  /// What is stored and compared.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  /// The components in order, values as written (escaped). Text without '=' is a component without value.
  [[nodiscard]] std::vector<std::pair<std::string_view, std::string_view>> components() const {
    std::vector<std::pair<std::string_view, std::string_view>> all;
    for (std::string_view rest = text_; !rest.empty();) {
      const auto component = rest.substr(0, rest.find('|'));
      rest.remove_prefix(std::min(component.size() + 1, rest.size()));
      const auto equals = component.find('=');
      all.emplace_back(component.substr(0, equals), equals == component.npos ? std::string_view{} : component.substr(equals + 1));
    }
    return all;
  }

  friend bool operator==(const Fingerprint& a, const Fingerprint& b) noexcept { return a.text_ == b.text_; }

 private:
  static constexpr bool must_be_escaped(char c) noexcept {
    return c == '%' || c == '|' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  }

  void append_escaped(char c) {
    constexpr std::string_view hex = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    text_.append({'%', hex[byte >> 4], hex[byte & 15]});
  }

  void append_text(std::string_view text) {
    if (text == "absent") {  // an author's word, and not what stands for nothing
      append_escaped(text.front());
      text.remove_prefix(1);
    }
    if (std::none_of(text.begin(), text.end(), must_be_escaped)) {  // a digest, a version: as a rule
      text_.append(text);
      return;
    }
    for (const char c : text) {
      if (must_be_escaped(c)) {
        append_escaped(c);
      } else {
        text_.push_back(c);
      }
    }
  }

  template <class Number>
  static void append_number(std::string& text, Number number) {
    char digits[64];
    text.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
  }

  /// How many components come, so that no other split of the same ones has this text, and then they. "%(" and a ':' in a name
  /// are written by nothing else.
  void append_part(std::string_view name, const Fingerprint part) {  // a copy: it may be this one
    const auto components = part.components();
    append_number(begin_component(name).append("%("), components.size());
    text_.push_back(')');
    for (const auto& [each, value] : components)
      text_.append("|").append(name).append(":").append(each).append("=").append(value);
    settled_ = settled_ && part.settled_;
  }

  /// Whether it is part of `text_`, and would not outlive its growth.
  [[nodiscard]] bool is_ours(std::string_view part) const noexcept {
    return std::less_equal<>{}(text_.data(), part.data()) && std::less<>{}(part.data(), text_.data() + text_.size());
  }

  /// Returns the text, which ends where the component's value begins.
  std::string& begin_component(std::string_view name) {
    if (is_ours(name)) return begin_component(std::string(name));
    constexpr auto allowed = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' ||
             c == '/';
    };
    bool fits = !name.empty();
    for (const char c : name) fits = fits && allowed(c);
    if (!fits) {
      throw std::invalid_argument("fingerprint component name '" + std::string(name) +
                                  "' must be made of letters, digits and \"._-/\"");
    }
    if (text_.empty()) {
      text_.reserve(128);  // a digest and a renderer's version: one allocation
    } else {
      text_.push_back('|');
    }
    return text_.append(name).append("=");
  }

  std::string text_;
  bool settled_ = true;
};

/// The names of the components that differ, joined by ',': what a miss reports. Empty when equal.
[[gnu::cold]] inline std::string changed_components(const Fingerprint& stored, const Fingerprint& now) {
  const auto before = stored.components();
  const auto after = now.components();
  const auto contains = [](const auto& components, const auto& wanted) {
    for (const auto& component : components) {
      if (component == wanted) return true;
    }
    return false;
  };
  std::string names;
  const auto note = [&](std::string_view name) {
    for (std::string_view rest = names; !rest.empty();) {
      const auto known = rest.substr(0, rest.find(','));
      if (known == name) return;
      rest.remove_prefix(std::min(known.size() + 1, rest.size()));
    }
    if (!names.empty()) names.push_back(',');
    names += name;
  };
  for (const auto& component : after) {
    if (!contains(before, component)) note(component.first);
  }
  for (const auto& component : before) {
    if (!contains(after, component)) note(component.first);
  }
  return names.empty() && !(stored == now) ? std::string("order") : names;
}

}  // namespace render_cache
