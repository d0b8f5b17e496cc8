// What the library must know of a member's type: which column it has, how it gets there and back, what it owns.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/field.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace render_cache {

/// Of a type that has a column:
///
///     template <>
///     struct render_cache::MemberTraits<Colour> {
///       static constexpr ColumnType type{Kind::text};
///       static Field to_field(const Colour& colour) { return Field(colour.name()); }   // throws InvalidValue for what it refuses
///       static std::string_view from_field(const Field& field, Colour& colour) {       // says what is wrong, or nothing
///         return colour.parse(field.text()) ? "" : "is no colour";
///       }
///       static std::size_t heap_bytes(const Colour&) { return 0; }   // what it owns: not needed where it is trivially copyable
///     };
///
/// Equal values have equal fields, and no others have. The form of a field follows from the kind: an integer, a boolean, a real,
/// bytes, a list, and for all others a text. A type that is kept in memory only has `heap_bytes` alone.
///
/// There are such traits for std::string, bool, the integers of up to 64 bits with a sign, double, Uuid, Timestamp, Json, Bytes,
/// std::chrono's durations and sys_days, and for std::vector of all these. An enumeration gets them from EnumTraits.
template <class T>
struct MemberTraits {};

/// A type that has a column.
template <class T>
concept Mapped = requires(const T& value, const Field& field, T& member) {
  { MemberTraits<T>::type } -> std::convertible_to<ColumnType>;
  { MemberTraits<T>::to_field(value) } -> std::same_as<Field>;
  { MemberTraits<T>::from_field(field, member) } -> std::convertible_to<std::string_view>;
};

/// Bytes that a value owns on the heap, beyond its own size.
template <class T>
std::size_t heap_bytes(const T& value) noexcept;

namespace detail {

template <class T>
struct Optional : std::false_type {
  using content = T;
};
template <class T>
struct Optional<std::optional<T>> : std::true_type {
  using content = T;
};

/// Whether `heap_bytes` knows what a value owns. Both are defined in entry/keys.hpp.
template <class T>
consteval bool has_weight();

/// An optional that is empty is NULL.
template <class T>
Field to_field(const T& member) {
  if constexpr (Optional<T>::value) {
    return member ? to_field(*member) : Field();
  } else {
    return MemberTraits<T>::to_field(member);
  }
}

/// Says what is wrong, or nothing.
template <class T>
std::string_view from_field(const Field& field, T& member) {
  if constexpr (Optional<T>::value) {
    member.reset();
    return field.is_null() ? std::string_view() : from_field(field, member.emplace());
  } else {
    return field.is_null() ? "is NULL" : MemberTraits<T>::from_field(field, member);
  }
}

}  // namespace detail

/// Of an enumeration, whose values are kept as texts:
///
///     template <>
///     struct render_cache::MemberTraits<Tier> : render_cache::EnumTraits<Tier> {
///       static constexpr Name names[] = {{Tier::core, "core"}, {Tier::extra, "extra"}};
///     };
///
/// A value without a name is refused with InvalidValue, and a stored name that is unknown makes the row unreadable.
template <class Enum>
struct EnumTraits {
  /// A value and what it is stored as.
  struct Name {
    Enum value;  ///< once in the list
    std::string_view text;  ///< once in the list
  };
  static constexpr ColumnType type{Kind::text};

  static Field to_field(Enum value) {
    static_assert(check_names());
    for (const auto& name : MemberTraits<Enum>::names) {
      if (name.value == value) return Field::refer(name.text);
    }
    throw InvalidValue("the value " + std::to_string(static_cast<std::int64_t>(value)) + " of an enumeration has no name");
  }
  static std::string_view from_field(const Field& field, Enum& value) {
    for (const auto& name : MemberTraits<Enum>::names) {
      if (name.text != field.text()) continue;
      value = name.value;
      return {};
    }
    return "is no name of its enumeration";
  }

 private:
  static consteval bool check_names() {
    constexpr bool distinct = [] {
      for (const auto& a : MemberTraits<Enum>::names) {
        for (const auto& b : MemberTraits<Enum>::names) {
          if (&a != &b && (a.value == b.value || a.text == b.text)) return false;
        }
      }
      return true;
    }();
    if constexpr (!distinct) {
      RENDER_CACHE_MISTAKE("each value of an enumeration is listed once in its names, and no two have the same name");
    }
    return true;
  }
};

}  // namespace render_cache
