// From the structs of a schema to the columns of its table, at compile time.
#pragma once

#include <render_cache/entry/keys.hpp>
#include <render_cache/entry/types.hpp>
#include <render_cache/sql/static_text.hpp>

#include <boost/hana/accessors.hpp>
#include <boost/hana/first.hpp>
#include <boost/hana/second.hpp>
#include <boost/hana/unpack.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace render_cache {

/// What a column holds. How each dialect calls it: `type_name` in sql/table_check.hpp.
enum class Kind : std::uint8_t { text, integer, boolean, real, uuid, timestamp, json };

/// One column of a schema's table.
struct Column {
  std::string_view name;   ///< the member's
  Kind kind = Kind::text;  ///< by the member's type
  std::size_t bytes = 0;  ///< of an integer: the width that holds every value of the member: 2, 4 or 8
  bool nullable = false;  ///< the member is a std::optional
  friend bool operator==(const Column&, const Column&) = default;
};

/// A schema is a struct that names a table and the structs of its key and value:
///
///     struct WikiSchema {
///       using key_type = WikiKey;      // described to Boost.Hana; its columns are unique together
///       using value_type = WikiPage;   // described to Boost.Hana
///       static constexpr std::string_view table = "wiki_cache";
///       static constexpr std::string_view fingerprint_column = "source_hash";
///       static constexpr std::string_view rendered_at_column = "rendered_at";
///     };
///
/// Optional: `static constexpr std::string_view updated_at_column`, a second timestamp, set on every publish;
/// `static void validate(const value_type&)`, which throws when a row that was read makes no sense (JSON that is
/// none): the row then counts as unreadable and is rendered anew.
///
/// The table may have more columns, if they may be null or have defaults.
template <class S>
concept Schema = requires {
  requires Key<typename S::key_type>;
  requires Described<typename S::value_type>;
  { S::table } -> std::convertible_to<std::string_view>;
  { S::fingerprint_column } -> std::convertible_to<std::string_view>;
  { S::rendered_at_column } -> std::convertible_to<std::string_view>;
};

/// The schema names an `updated_at_column`.
template <class S>
concept HasUpdatedAt = Schema<S> && requires {
  { S::updated_at_column } -> std::convertible_to<std::string_view>;
};

/// The schema says which values make no sense.
template <class S>
concept HasValidate = Schema<S> && requires(const typename S::value_type& value) { S::validate(value); };

namespace detail {

template <class T>
struct Optional : std::false_type {
  using content = T;
};
template <class T>
struct Optional<std::optional<T>> : std::true_type {
  using content = T;
};

template <class T>
concept AnyTimePoint = requires {
  typename T::clock;
  typename T::duration;
};

template <class T>
concept Character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> || std::same_as<T, char16_t> ||
                    std::same_as<T, char32_t>;

/// Takes one member's type to its column, or stops the compiler with the way out.
template <class Member>
consteval Column column_of(std::string_view name) {
  using T = typename Optional<Member>::content;
  Column column{.name = name, .nullable = Optional<Member>::value};
  if constexpr (std::same_as<T, std::string>) {
    column.kind = Kind::text;
  } else if constexpr (std::same_as<T, bool>) {
    column.kind = Kind::boolean;
  } else if constexpr (Character<T>) {
    static_assert(!Character<T>, "a character has no column: use std::string, or std::int16_t for a small number");
  } else if constexpr (std::integral<T>) {
    static_assert(std::signed_integral<T> || sizeof(T) < 8,
                  "no database has an unsigned 64-bit integer: use std::int64_t (its largest value is 2^63 - 1)");
    column.kind = Kind::integer;
    column.bytes = std::signed_integral<T> ? (sizeof(T) < 2 ? 2 : sizeof(T)) : 2 * sizeof(T);
  } else if constexpr (std::same_as<T, double>) {
    column.kind = Kind::real;
  } else if constexpr (std::floating_point<T>) {
    static_assert(std::same_as<T, double>, "a float or long double has no column that keeps its exact value: use double");
  } else if constexpr (std::same_as<T, Uuid>) {
    column.kind = Kind::uuid;
  } else if constexpr (std::same_as<T, Timestamp>) {
    column.kind = Kind::timestamp;
  } else if constexpr (AnyTimePoint<T>) {
    static_assert(std::same_as<T, Timestamp>,
                  "a time must be a render_cache::Timestamp (system clock, microseconds): use std::chrono::floor");
  } else if constexpr (std::same_as<T, Json>) {
    column.kind = Kind::json;
  } else if constexpr (std::is_enum_v<T>) {
    static_assert(!std::is_enum_v<T>, "an enumeration has no column: use its underlying integer, or its name as std::string");
  } else if constexpr (Described<T>) {
    static_assert(!Described<T>, "a struct inside a struct has no column: move its members up, or make it one Json member");
  } else if constexpr (std::convertible_to<T, std::string_view>) {
    static_assert(!std::convertible_to<T, std::string_view>,
                  "a text that owns nothing cannot be read from a row: use std::string");
  } else {
    static_assert(std::same_as<T, std::string>,
                  "this member has no column: use std::string, bool, an integer, double, render_cache::Uuid, Timestamp or "
                  "Json, or a std::optional of one of these; put lists and maps into a Json member");
  }
  return column;
}

template <class T, class Accessor>
using member_t = std::remove_cvref_t<decltype(boost::hana::second(std::declval<Accessor>())(std::declval<const T&>()))>;

/// A member's name in characters of our own. Hana's have internal linkage: GCC 14 with AddressSanitizer refuses to link two
/// translation units with an inline variable that refers to them.
template <class Accessor>
constexpr Text member_name() {
  return std::remove_cvref_t<decltype(boost::hana::first(std::declval<Accessor>()))>::c_str();
}

template <Described T>
consteval auto columns_of() {
  return boost::hana::unpack(boost::hana::accessors<T>(), [](auto... accessor) {
    return std::array<Column, sizeof...(accessor)>{
        column_of<member_t<T, decltype(accessor)>>(static_text<member_name<decltype(accessor)>>)...};
  });
}

/// Letters, digits and '_': what can be quoted the same way in each dialect and never needs an escape.
consteval bool is_identifier(std::string_view name) {
  if (name.empty() || name.size() > 63) return false;  // PostgreSQL cuts at 63 bytes without an error
  for (const char c : name) {
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) return false;
  }
  return true;
}

}  // namespace detail

/// The columns of the key's members, in the order of the struct.
template <Schema S>
inline constexpr auto key_columns = detail::columns_of<typename S::key_type>();
/// The columns of the value's members, in the order of the struct.
template <Schema S>
inline constexpr auto value_columns = detail::columns_of<typename S::value_type>();

/// Every column that the schema needs: key, value, fingerprint, rendered_at and, if there is one, updated_at.
template <Schema S>
inline constexpr auto all_columns = [] {
  std::array<Column, key_columns<S>.size() + value_columns<S>.size() + (HasUpdatedAt<S> ? 3 : 2)> all;
  std::size_t at = 0;
  for (const auto& column : key_columns<S>) all[at++] = column;
  for (const auto& column : value_columns<S>) all[at++] = column;
  all[at++] = {.name = S::fingerprint_column, .kind = Kind::text};
  all[at++] = {.name = S::rendered_at_column, .kind = Kind::timestamp};
  if constexpr (HasUpdatedAt<S>) all[at++] = {.name = S::updated_at_column, .kind = Kind::timestamp};
  return all;
}();

namespace detail {

template <Schema S>
consteval bool names_are_identifiers() {
  bool good = is_identifier(S::table);
  for (const auto& column : all_columns<S>) good = good && is_identifier(column.name);
  return good;
}

template <Schema S>
consteval bool names_are_distinct() {
  for (std::size_t i = 0; i < all_columns<S>.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (all_columns<S>[i].name == all_columns<S>[j].name) return false;
    }
  }
  return true;
}

template <Schema S>
consteval bool key_can_be_unique() {
  for (const auto& column : key_columns<S>) {
    const bool can =
        column.kind == Kind::text || column.kind == Kind::integer || column.kind == Kind::boolean || column.kind == Kind::uuid;
    if (column.nullable || !can) return false;
  }
  return true;
}

}  // namespace detail

/// Says in words what a type lacks to be a schema. Each SQL store checks its own.
template <class S>
consteval bool check_schema() {
  static_assert(
      requires {
        typename S::key_type;
        typename S::value_type;
      }, "a schema names its structs: add `using key_type = ...; using value_type = ...;`");
  static_assert(Key<typename S::key_type>, "key_type must be a struct described with BOOST_HANA_ADAPT_STRUCT, with operator==");
  static_assert(Described<typename S::value_type>, "value_type must be a struct described with BOOST_HANA_ADAPT_STRUCT");
  static_assert(
      requires {
        S::table;
        S::fingerprint_column;
        S::rendered_at_column;
      },
      "a schema names its table and columns: add `static constexpr std::string_view table, fingerprint_column, "
      "rendered_at_column`");
  static_assert(detail::names_are_identifiers<S>(),
                "table and column names are 1 to 63 letters, digits and '_' (the table without its database schema)");
  static_assert(detail::names_are_distinct<S>(), "two columns of the schema have the same name");
  static_assert(detail::key_can_be_unique<S>(), "a key's fields may be texts, integers, bools and UUIDs, and not optional");
  return Schema<S>;
}

}  // namespace render_cache
