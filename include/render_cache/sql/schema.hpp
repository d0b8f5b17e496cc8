// What a schema must say: the table, and the structs whose members are its columns.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/keys.hpp>
#include <render_cache/entry/member_types.hpp>
#include <render_cache/entry/types.hpp>

#include <boost/hana/accessors.hpp>
#include <boost/hana/first.hpp>
#include <boost/hana/unpack.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace render_cache {

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
/// `static void validate(const value_type&)`, which throws for a value that makes no sense (JSON that is none). Such a one is not
/// stored, and a row that holds one, from another program, counts as unreadable and is rendered anew. A row that is as a publish has
/// written it is not asked about again: a `validate` that refuses more than before goes with another version of the renderer.
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

/// The most bytes that a table's or a column's name may have, in every engine alike: PostgreSQL cuts there without an error.
inline constexpr std::size_t max_name_bytes = 63;

namespace detail {

template <class T>
concept AnyTimePoint = requires {
  typename T::clock;
  typename T::duration;
};

/// What keeps a member's type from being a column's.
enum class MemberFault : std::uint8_t {
  none,
  character,
  unsigned_64_bit,
  not_a_double,
  time,
  enumeration,
  structure,
  view,
  unknown
};

template <class Member>
consteval MemberFault member_fault() {
  using T = typename Optional<Member>::content;
  using enum MemberFault;
  if constexpr (Mapped<T>) return none;
  if constexpr (Character<T>) return character;
  if constexpr (std::integral<T>) return unsigned_64_bit;
  if constexpr (std::floating_point<T>) return not_a_double;
  if constexpr (AnyTimePoint<T>) return time;
  if constexpr (std::is_enum_v<T>) return enumeration;
  if constexpr (Described<T>) return structure;
  if constexpr (std::convertible_to<T, std::string_view>) return view;
  return unknown;
}

/// The first fault among the members of a described struct.
template <class T>
consteval MemberFault fault_in() {
  return boost::hana::unpack(boost::hana::accessors<T>(), [](auto... accessor) {
    auto found = MemberFault::none;
    static_cast<void>((... || ((found = member_fault<member_t<T, decltype(accessor)>>()) != MemberFault::none)));
    return found;
  });
}

/// Letters, digits and '_': what can be quoted the same way in each dialect and never needs an escape.
constexpr bool is_identifier(std::string_view name) {
  if (name.empty() || name.size() > max_name_bytes) return false;
  for (const char c : name) {
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) return false;
  }
  return true;
}

template <class T>
consteval auto member_names() {
  return boost::hana::unpack(boost::hana::accessors<T>(), [](auto... accessor) {
    return std::array<std::string_view, sizeof...(accessor)>{
        std::remove_cvref_t<decltype(boost::hana::first(accessor))>::c_str()...};
  });
}

/// Whether every name of the schema's columns satisfies `good(name, how often it occurs)`.
template <class S, class Good>
consteval bool every_name(Good good) {
  constexpr auto keys = member_names<typename S::key_type>();
  constexpr auto values = member_names<typename S::value_type>();
  std::array<std::string_view, keys.size() + values.size() + 3> names;
  std::size_t count = 0;
  for (const auto name : keys) names[count++] = name;
  for (const auto name : values) names[count++] = name;
  names[count++] = S::fingerprint_column;
  names[count++] = S::rendered_at_column;
  if constexpr (HasUpdatedAt<S>) names[count++] = S::updated_at_column;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t times = 0;
    for (std::size_t j = 0; j < count; ++j) {
      if (names[j] == names[i]) ++times;
    }
    if (!good(names[i], times)) return false;
  }
  return true;
}

/// Says in words why a struct's members have no columns.
template <class T>
consteval bool check_members() {
  using enum MemberFault;
  constexpr auto fault = fault_in<T>();
  if constexpr (fault == character) {
    RENDER_CACHE_MISTAKE("a character has no column: use std::string, or std::int16_t for a small number");
  } else if constexpr (fault == unsigned_64_bit) {
    RENDER_CACHE_MISTAKE("no database has an unsigned 64-bit integer: use std::int64_t (its largest value is 2^63 - 1)");
  } else if constexpr (fault == not_a_double) {
    RENDER_CACHE_MISTAKE("a float or long double has no column that keeps its exact value: use double");
  } else if constexpr (fault == time) {
    RENDER_CACHE_MISTAKE(
        "a time must be a render_cache::Timestamp (system clock, microseconds) or std::chrono::sys_days: use std::chrono::floor");
  } else if constexpr (fault == enumeration) {
    RENDER_CACHE_MISTAKE(
        "an enumeration needs names: specialise render_cache::MemberTraits for it, derived from EnumTraits, with its names");
  } else if constexpr (fault == structure) {
    RENDER_CACHE_MISTAKE("a struct inside a struct has no column: move its members up, or make it one Json member");
  } else if constexpr (fault == view) {
    RENDER_CACHE_MISTAKE("a text that owns nothing cannot be read from a row: use std::string");
  } else if constexpr (fault == unknown) {
    RENDER_CACHE_MISTAKE(
        "a member has no column: specialise render_cache::MemberTraits for its type, or use std::string, bool, an integer, "
        "double, Uuid, "
        "Timestamp, Json, Bytes, a duration, sys_days, a std::vector of one or a std::optional; put maps into a Json member");
  }
  return fault == none;
}

}  // namespace detail

/// Says in words what a type lacks to be a schema. Each SQL store checks its own.
template <class S>
consteval bool check_schema() {
  if constexpr (!requires {
                  typename S::key_type;
                  typename S::value_type;
                }) {
    RENDER_CACHE_MISTAKE("a schema names its structs: add `using key_type = ...; using value_type = ...;`");
  } else if constexpr (!Key<typename S::key_type>) {
    check_key_type<typename S::key_type>();
  } else if constexpr (!Described<typename S::value_type>) {
    RENDER_CACHE_MISTAKE(
        "describe the value to Boost.Hana: add BOOST_HANA_ADAPT_STRUCT(MyValue, its_first_member, ...) after it");
  } else if constexpr (!requires {
                         { S::table } -> std::convertible_to<std::string_view>;
                       }) {
    RENDER_CACHE_MISTAKE("a schema names its table: add `static constexpr std::string_view table = ...;`");
  } else if constexpr (!Schema<S>) {
    RENDER_CACHE_MISTAKE(
        "a schema names two columns: add `static constexpr std::string_view fingerprint_column, rendered_at_column`");
  } else if constexpr (detail::check_members<typename S::value_type>()) {
    check_key_type<typename S::key_type>();
    detail::check_members<typename S::key_type>();
    if constexpr (!std::default_initializable<typename S::value_type> || !std::default_initializable<typename S::key_type>) {
      RENDER_CACHE_MISTAKE("keys and values are read into new ones: give the struct a default constructor");
    } else if constexpr (!detail::is_identifier(S::table) ||
                         !detail::every_name<S>([](std::string_view name, std::size_t) { return detail::is_identifier(name); })) {
      RENDER_CACHE_MISTAKE(
          "table and column names are 1 to 63 letters, digits and underscores (the table without its database schema)");
    } else if constexpr (!detail::every_name<S>([](std::string_view, std::size_t times) { return times == 1; })) {
      RENDER_CACHE_MISTAKE("two columns of the schema have the same name: rename one");
    }
  }
  return true;
}

}  // namespace render_cache
