// From the structs of a schema to the columns of its table, at compile time.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/keys.hpp>
#include <render_cache/entry/types.hpp>
#include <render_cache/sql/schema.hpp>
#include <render_cache/sql/static_text.hpp>

#include <boost/hana/accessors.hpp>
#include <boost/hana/first.hpp>
#include <boost/hana/second.hpp>
#include <boost/hana/unpack.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
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

namespace detail {

/// Takes one member's type to its column.
template <class Member>
consteval Column column_of(std::string_view name) {
  using T = typename Optional<Member>::content;
  Column column{.name = name, .nullable = Optional<Member>::value};
  if constexpr (std::same_as<T, bool>) {
    column.kind = Kind::boolean;
  } else if constexpr (std::integral<T>) {
    column.kind = Kind::integer;
    column.bytes = std::signed_integral<T> ? (sizeof(T) < 2 ? 2 : sizeof(T)) : 2 * sizeof(T);
  } else if constexpr (std::same_as<T, double>) {
    column.kind = Kind::real;
  } else if constexpr (std::same_as<T, Uuid>) {
    column.kind = Kind::uuid;
  } else if constexpr (std::same_as<T, Timestamp>) {
    column.kind = Kind::timestamp;
  } else if constexpr (std::same_as<T, Json>) {
    column.kind = Kind::json;
  } else {
    static_assert(std::same_as<T, std::string>);
    column.kind = Kind::text;
  }
  return column;
}

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

}  // namespace render_cache
