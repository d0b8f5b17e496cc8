// The parts that statements are made of, in both dialects.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/sql/columns.hpp>
#include <render_cache/sql/static_text.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace render_cache {

/// Which database's SQL.
enum class Dialect : std::uint8_t { postgres, sqlite };

namespace detail {

constexpr Text quoted(std::string_view name) { return "\"" + Text(name) + "\""; }

constexpr Text column_of_table(std::string_view name) { return "t." + quoted(name); }

/// The parameter of a number from 1 on: `$1`, `?1`.
constexpr Text parameter(Dialect dialect, std::size_t number) {
  return Text(dialect == Dialect::postgres ? "$" : "?") + decimal(number);
}

/// The start of the transaction by the database's own clock. SQLite's clock has milliseconds.
constexpr std::string_view now(Dialect dialect) {
  return dialect == Dialect::postgres ? "now()" : "strftime('%Y-%m-%dT%H:%M:%fZ','now')";
}

/// Timestamps travel as ISO 8601 in UTC, whatever the session's time zone and date style (sql/text_form.hpp).
constexpr Text timestamp_text(Dialect dialect, const Text& expression) {
  if (dialect == Dialect::sqlite) return expression;
  return "to_char(" + expression + " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
}

constexpr Text output(Dialect dialect, const Column& column) {
  const auto name = column_of_table(column.name);
  return column.kind == Kind::timestamp ? timestamp_text(dialect, name) : name;
}

/// `each(column, index)` for every column, with `between` in between.
template <class Columns, class Each>
constexpr Text joined(const Columns& columns, std::string_view between, Each each) {
  Text text;
  for (std::size_t index = 0; index < columns.size(); ++index) {
    if (index != 0) text += between;
    text += each(columns[index], index);
  }
  return text;
}

/// `t."repo_alias", t."page_path"`
template <Schema S>
constexpr Text keys() {
  return joined(key_columns<S>, ", ", [](const Column& column, std::size_t) { return column_of_table(column.name); });
}

/// `$1, $2`
template <Schema S>
constexpr Text key_parameters(Dialect dialect) {
  return joined(key_columns<S>, ", ", [=](const Column&, std::size_t index) { return parameter(dialect, index + 1); });
}

/// `t."repo_alias" = $1 AND t."page_path" = $2`
template <Schema S>
constexpr Text key_equals(Dialect dialect) {
  return joined(key_columns<S>, " AND ", [=](const Column& column, std::size_t index) {
    return column_of_table(column.name) + " = " + parameter(dialect, index + 1);
  });
}

constexpr Text from_table(std::string_view table) { return " FROM " + quoted(table) + " AS t"; }

/// Fingerprint and time always; the value only where the fingerprint is `wanted`, so that a stale body is not even read.
template <Schema S>
constexpr Text row_if_current(Dialect dialect, std::string_view wanted) {
  const auto stored = column_of_table(S::fingerprint_column);
  return stored + ", " + timestamp_text(dialect, column_of_table(S::rendered_at_column)) + ", " +
         joined(value_columns<S>, ", ", [&](const Column& column, std::size_t) {
           return "CASE WHEN " + stored + " = " + Text(wanted) + " THEN " + output(dialect, column) + " END";
         });
}

/// All columns, in the order of `all_columns`.
template <Schema S>
constexpr Text publish_columns() {
  const auto name = [](const Column& column, std::size_t) { return quoted(column.name); };
  return joined(all_columns<S>, ", ", name);
}

template <Schema S>
constexpr Text times(Dialect dialect) {
  return Text(now(dialect)) + (HasUpdatedAt<S> ? ", " + Text(now(dialect)) : Text());
}

/// The rest of an upsert. No WHERE: a refresh renews the row even if nothing changed. In PostgreSQL an unchanged text
/// is set to itself, for then its TOAST value is kept and not written again.
template <Schema S>
constexpr Text on_conflict(Dialect dialect) {
  const auto key = joined(key_columns<S>, ", ", [](const Column& column, std::size_t) { return quoted(column.name); });
  Text text = " ON CONFLICT (" + key + ") DO UPDATE SET ";
  for (std::size_t index = key_columns<S>.size(); index < all_columns<S>.size(); ++index) {
    const auto& column = all_columns<S>[index];
    const bool is_value = index < key_columns<S>.size() + value_columns<S>.size();
    const auto old = column_of_table(column.name), fresh = "EXCLUDED." + quoted(column.name);
    // Byte by byte, whatever the column's collation; type json has no equality of its own.
    const std::string_view comparable = column.kind == Kind::json ? "::text COLLATE \"C\"" : " COLLATE \"C\"";
    if (index != key_columns<S>.size()) text += ", ";
    text += quoted(column.name) + " = ";
    if (dialect == Dialect::postgres && is_value && (column.kind == Kind::text || column.kind == Kind::json)) {
      text += "CASE WHEN " + old + comparable + " = " + fresh + comparable + " THEN " + old + " ELSE " + fresh + " END";
    } else {
      text += fresh;
    }
  }
  return text;
}

/// Whether the row was published at or after the time in the parameter. A row without time never was.
template <Schema S>
constexpr Text is_newer(Dialect dialect, std::size_t number) {
  const auto time = parameter(dialect, number) + (dialect == Dialect::postgres ? "::timestamptz" : "");
  return "coalesce(" + column_of_table(S::rendered_at_column) + " >= " + time + ", false)";
}

/// The array types in which PostgreSQL takes the columns of a batch.
constexpr std::string_view array_type(Kind kind) {
  switch (kind) {
    case Kind::text: return "text[]";
    case Kind::integer: return "bigint[]";
    case Kind::boolean: return "boolean[]";
    case Kind::real: return "float8[]";
    case Kind::uuid: return "uuid[]";
    case Kind::timestamp: return "timestamptz[]";
    case Kind::json: return "json[]";  // assigned to a jsonb column it is converted
  }
  return {};
}

/// `unnest($1::text[], $2::text[])`, numbered from 1 on.
template <class Columns>
constexpr Text unnest(const Columns& columns) {
  return "unnest(" +
         joined(columns, ", ",
                [](const Column& column, std::size_t index) {
                  return parameter(Dialect::postgres, index + 1) + "::" + Text(array_type(column.kind));
                }) +
         ")";
}

/// `c1, c2, c3`: what the arrays are called, so that no column's name can get in their way.
constexpr Text array_names(std::size_t count) {
  Text names;
  for (std::size_t number = 1; number <= count; ++number) names += (number == 1 ? Text("c") : Text(", c")) + decimal(number);
  return names;
}

/// `t."repo_alias" = q.c1 AND t."page_path" = q.c2`
template <Schema S>
constexpr Text key_equals_array() {
  return joined(key_columns<S>, " AND ", [](const Column& column, std::size_t index) {
    return column_of_table(column.name) + " = q.c" + decimal(index + 1);
  });
}

template <Schema S>
constexpr auto key_and_fingerprint_columns() {
  std::array<Column, key_columns<S>.size() + 1> columns;
  std::copy_n(key_columns<S>.begin(), key_columns<S>.size(), columns.begin());
  columns.back() = {.name = S::fingerprint_column, .kind = Kind::text};
  return columns;
}

/// Key, value and fingerprint: what a publish sends.
template <Schema S>
constexpr auto sent_columns() {
  std::array<Column, key_columns<S>.size() + value_columns<S>.size() + 1> columns;
  std::copy_n(all_columns<S>.begin(), columns.size(), columns.begin());
  return columns;
}

}  // namespace detail
}  // namespace render_cache
