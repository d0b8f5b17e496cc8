// From the structs of a schema to the columns of its table, and from there on without the types.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/keys.hpp>
#include <render_cache/entry/member_types.hpp>
#include <render_cache/sql/schema.hpp>
#include <render_cache/sql/stored_text.hpp>

#include <boost/hana/accessors.hpp>
#include <boost/hana/first.hpp>
#include <boost/hana/second.hpp>
#include <boost/hana/unpack.hpp>

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <vector>

namespace render_cache {

/// One column of a schema's table.
struct Column {
  std::string_view name;   ///< the member's
  Kind kind = Kind::text;  ///< by the member's type
  std::size_t bytes = 0;  ///< of an integer: the width that holds every value: 2, 4 or 8; of the fingerprint: its limit
  bool nullable = false;  ///< the member is a std::optional
  bool key = false;       ///< the member is one of the key's
  bool list = false;      ///< the member is a std::vector of what the kind says
  friend bool operator==(const Column&, const Column&) = default;
};

/// A schema's table without its types: what statements are made of, by functions that are compiled once for all schemas.
struct Table {
  std::string_view name;
  std::vector<Column> keys;     ///< in the order of the struct
  std::vector<Column> values;   ///< in the order of the struct
  std::vector<Column> metadata;  ///< the fingerprint, rendered_at and, if there is one, updated_at

  /// The fingerprint's column.
  [[nodiscard]] const Column& fingerprint() const { return metadata[0]; }
  /// The column of the time of the last publish.
  [[nodiscard]] const Column& rendered_at() const { return metadata[1]; }
  /// Key, value and fingerprint: what a publish sends.
  [[nodiscard]] std::vector<Column> sent() const {
    auto columns = keys;
    columns.insert(columns.end(), values.begin(), values.end());
    columns.push_back(fingerprint());
    return columns;
  }
  /// Every column that the schema needs: key, value, metadata.
  [[nodiscard]] std::vector<Column> columns() const {
    auto columns = sent();
    columns.insert(columns.end(), metadata.begin() + 1, metadata.end());
    return columns;
  }
};

namespace detail {

/// Takes one member's type to its column.
template <class Member>
constexpr Column column_of(std::string_view name) {
  constexpr ColumnType type = MemberTraits<typename Optional<Member>::content>::type;
  return {.name = name, .kind = type.kind, .bytes = type.bytes, .nullable = Optional<Member>::value, .list = type.list};
}

template <Described T>
std::vector<Column> columns_of() {
  return boost::hana::unpack(boost::hana::accessors<T>(), [](auto... accessor) {
    return std::vector<Column>{
        column_of<member_t<T, decltype(accessor)>>(std::remove_cvref_t<decltype(boost::hana::first(accessor))>::c_str())...};
  });
}

}  // namespace detail

/// The table that a schema describes.
template <class S>
Table table_of() {
  static_assert(check_schema<S>());
  Table table{.name = S::table,
              .keys = detail::columns_of<typename S::key_type>(),
              .values = detail::columns_of<typename S::value_type>(),
              .metadata = {{.name = S::fingerprint_column, .bytes = max_stored_text_bytes},
                           {.name = S::rendered_at_column, .kind = Kind::timestamp}}};
  for (auto& column : table.keys) column.key = true;
  if constexpr (HasUpdatedAt<S>) table.metadata.push_back({.name = S::updated_at_column, .kind = Kind::timestamp});
  return table;
}

}  // namespace render_cache
