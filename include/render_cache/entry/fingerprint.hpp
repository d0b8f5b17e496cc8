// What a source and its renderer are now: named components, compared by equality only.
#pragma once

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/types.hpp>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache {

/// An ordered list of `name=value`, joined by '|': `source=s2:9f86d0...|renderer=markdown/3`. This text is what is
/// stored and compared; it is pinned by golden tests, since a change of it empties every cache in the field.
///
/// In a value, '%', '|' and control characters are written as %XX; all else stands for itself.
/// A name is made of letters, digits and "._-/"; another one throws std::invalid_argument.
///
/// Two fingerprints are equal when their texts are: a component that is absent on one side is a mismatch.
class Fingerprint {
 public:
  /// The value of a component whose subject does not exist (a file, a row): a value of its own, so that creating
  /// or deleting the subject changes the fingerprint. Digests and times never have this form.
  static constexpr std::string_view absent = "absent";

  Fingerprint() = default;

  /// Takes a text as it was stored. Any text will do: one that no fingerprint has written equals none.
  static Fingerprint from_text(std::string text) {
    Fingerprint stored;
    stored.text_ = std::move(text);
    return stored;
  }

  Fingerprint& add(std::string_view name, std::string_view value) {
    begin_component(name);
    if (std::none_of(value.begin(), value.end(), must_be_escaped)) {  // a digest, a version: as a rule
      text_.append(value);
      return *this;
    }
    for (const char c : value) {
      if (must_be_escaped(c)) {
        constexpr std::string_view hex = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        text_.append({'%', hex[byte >> 4], hex[byte & 15]});
      } else {
        text_.push_back(c);
      }
    }
    return *this;
  }
  Fingerprint& add(std::string_view name, const char* value) { return add(name, std::string_view(value)); }

  template <std::integral Number>
    requires(!std::same_as<Number, bool>)
  Fingerprint& add(std::string_view name, Number value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    return add(name, std::string_view(digits, end));
  }

  /// A point in time, in microseconds since the epoch: `t:1700000000000000`.
  Fingerprint& add(std::string_view name, Timestamp time) {
    return add(name, "t:" + std::to_string(time.time_since_epoch().count()));
  }

  template <class T>
  Fingerprint& add(std::string_view name, const std::optional<T>& value) {
    return value ? add(name, *value) : add(name, absent);
  }

  /// Appends all components of `more`; unsettled if that is.
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
  [[nodiscard]] bool settled() const noexcept { return settled_; }

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

  void begin_component(std::string_view name) {
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
    text_.append(name).push_back('=');
  }

  std::string text_;
  bool settled_ = true;
};

/// The names of the components that differ, joined by ',': what a miss reports. Empty when equal.
inline std::string changed_components(const Fingerprint& stored, const Fingerprint& now) {
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
