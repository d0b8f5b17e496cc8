// Whether the real table is the one that the schema describes, column by column.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/error.hpp>
#include <render_cache/sql/columns.hpp>
#include <render_cache/sql/connection.hpp>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace render_cache {

namespace detail {

/// Texts that differ and that some collation takes for the same: by case, blanks at the end, accents, and how an accent is written.
/// Each database can hold the first four.
inline constexpr std::string_view texts_that_differ[] = {"a", "A", "a ", "e", "\u00e9", "e\u0301"};

/// Whether the column takes texts for the same that differ: one key would then get another's entry.
template <SchemaConnection Connection>
bool equates_texts(Connection& connection, const Table& table, const Column& column) {
  using Dialect = typename Connection::Dialect;
  const auto name = quoted<Dialect>(column.name);
  for (std::size_t count = std::size(texts_that_differ);; --count) {
    std::string texts;
    for (std::size_t i = 0; i < count; ++i) texts.append(" UNION ALL SELECT '").append(texts_that_differ[i]).append("'");
    try {
      // The collation of all is that of the column, which comes first.
      const auto rows = query(connection,
                              text({"SELECT count(DISTINCT p.", name, ") FROM (SELECT t.", name, " FROM ",
                                    quoted<Dialect>(table.name), " AS t WHERE 1 = 0", texts, ") AS p"}),
                              {});
      return rows.at(0).at(0) != std::to_string(count);
    } catch (const InvalidValue&) {  // the database's encoding has no such letter
      if (count <= 4) throw;
    }
  }
}

/// See `render_cache::check_table`.
template <SchemaConnection Connection>
void check_table(Connection& connection, const Table& table) {
  using Dialect = typename Connection::Dialect;
  const std::string table_name{table.name};
  std::string problems;
  const auto note = [&](std::string_view column, const std::string& problem) {
    problems.append(problems.empty() ? "" : "; ").append("column '").append(column).append("' ").append(problem);
  };

  const auto real = query(connection, Dialect::columns_query, {table_name});
  if (real.empty()) throw SchemaMismatch("there is no table '" + table_name + "': apply the migrations first");
  const auto same_name = [](std::string_view name) { return [=](const auto& row) { return row.at(0).value() == name; }; };

  const auto columns = table.columns();
  for (const auto& column : columns) {
    const auto row = std::ranges::find_if(real, same_name(column.name));
    const std::string needed{Dialect::type_name(column)};
    if (row == real.end()) {
      note(column.name, "is missing (" + needed + ")");
      continue;
    }
    if (!Dialect::type_fits(column, row->at(1).value())) {
      note(column.name, "is " + (row->at(1)->empty() ? "without type" : *row->at(1)) + " where " + needed + " is needed" +
                            (column.kind == Kind::text && column.bytes > 0 ? ", or for " + std::to_string(column.bytes) + " bytes"
                                                                           : std::string()));
    } else if (column.key && column.kind == Kind::text && equates_texts(connection, table, column)) {
      note(column.name,
           "has a collation that takes texts for the same that differ, such as 'A' and 'a': one key would get "
           "another's entry");
    }
    if (column.nullable && row->at(2) == "1") note(column.name, "is NOT NULL, and its member is a std::optional");
  }
  for (const auto& row : real) {
    const bool ours = std::ranges::any_of(columns, [&](const Column& column) { return same_name(column.name)(row); });
    if (!ours && row.at(2) == "1" && row.at(3) != "1") {
      note(row.at(0).value(), "is not in the schema, NOT NULL and without a default, so no row can be inserted");
    }
  }

  // A row for each column of each constraint.
  const auto unique = query(connection, Dialect::unique_query, {table_name});
  const auto is_on_key = [&](const auto& constraint) {
    const auto is_of_it = [&](const auto& row) { return row.at(0) == constraint.at(0); };
    const auto is_of_key = [&](const auto& row) {
      return std::ranges::any_of(table.keys, [&](const Column& column) { return row.at(1) == column.name; });
    };
    const auto has = [&](const Column& column) {
      return std::ranges::any_of(unique, [&](const auto& row) { return is_of_it(row) && row.at(1) == column.name; });
    };
    return std::ranges::all_of(table.keys, has) &&
           std::ranges::all_of(unique, [&](const auto& row) { return !is_of_it(row) || is_of_key(row); });
  };
  if (std::ranges::none_of(unique, is_on_key)) {
    std::string key;
    for (const auto& column : table.keys) key.append(key.empty() ? "" : ", ").append(column.name);
    problems.append(problems.empty() ? "" : "; ").append("no primary key or unique constraint on exactly (" + key + ")");
  }
  if (!problems.empty()) throw SchemaMismatch("table '" + table_name + "' is not what its schema says: " + problems);
}

}  // namespace detail

/// Throws SchemaMismatch that names every column of the real table that differs from the schema, and of the key's columns also
/// those whose collation takes texts for the same that differ.
template <class S, SchemaConnection Connection>
void check_table(Connection& connection) {
  detail::check_table(connection, table_of<S>());
}

}  // namespace render_cache
