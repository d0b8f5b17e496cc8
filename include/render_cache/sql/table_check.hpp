// Whether the real table is the one that the schema describes, column by column.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/error.hpp>
#include <render_cache/sql/connection.hpp>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace render_cache {

/// How the dialect calls the type of a column.
constexpr std::string_view type_name(Dialect dialect, const Column& column) {
  if (dialect == Dialect::sqlite) {
    const bool number = column.kind == Kind::integer || column.kind == Kind::boolean;
    return number ? "INTEGER" : column.kind == Kind::real ? "REAL" : "TEXT";
  }
  switch (column.kind) {
    case Kind::text: return "text";
    case Kind::integer: return column.bytes == 2 ? "smallint" : column.bytes == 4 ? "integer" : "bigint";
    case Kind::boolean: return "boolean";
    case Kind::real: return "double precision";
    case Kind::uuid: return "uuid";
    case Kind::timestamp: return "timestamp with time zone";
    case Kind::json: return "jsonb";
  }
  return {};
}

namespace detail {

/// SQLite's type affinity (https://sqlite.org/datatype3.html, 3.1).
inline std::string_view affinity(std::string type) {
  for (char& c : type) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const auto has = [&](std::string_view part) { return type.find(part) != type.npos; };
  if (has("INT")) return "INTEGER";
  if (has("CHAR") || has("CLOB") || has("TEXT")) return "TEXT";
  if (has("BLOB") || type.empty()) return "BLOB";
  if (has("REAL") || has("FLOA") || has("DOUB")) return "REAL";
  return "NUMERIC";
}

/// Whether a column of the real type holds every value of the schema's.
inline bool type_fits(Dialect dialect, const Column& column, const std::string& type) {
  if (dialect == Dialect::sqlite) {
    const auto real = affinity(type);
    return real == type_name(dialect, column) || (column.kind == Kind::boolean && real == "NUMERIC");
  }
  if (type == type_name(dialect, column)) return true;
  if (column.kind == Kind::text) return type == "character varying";
  if (column.kind == Kind::json) return type == "json";
  if (column.kind == Kind::integer) return type == "bigint" || (type == "integer" && column.bytes == 2);
  return false;
}

/// (table) -> name, type, whether NOT NULL, whether it fills itself
constexpr std::string_view columns_query(Dialect dialect) {
  return dialect == Dialect::postgres ? "SELECT attname, format_type(atttypid, NULL), CASE WHEN attnotnull THEN 1 ELSE 0 END, "
                                        "CASE WHEN atthasdef OR attidentity <> '' THEN 1 ELSE 0 END FROM pg_attribute "
                                        "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
                                      : "SELECT name, type, \"notnull\", dflt_value IS NOT NULL OR hidden <> 0 OR "
                                        "(pk = 1 AND upper(type) = 'INTEGER') FROM pragma_table_xinfo(?1)";
}

/// (table) -> a number of a unique constraint, one of its columns
constexpr std::string_view unique_query(Dialect dialect) {
  return dialect == Dialect::postgres
             ? "SELECT i.indexrelid, a.attname FROM pg_index i CROSS JOIN generate_series(0, i.indnkeyatts - 1) AS k "
               "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k] "
               "WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL "
               "AND i.indexprs IS NULL AND i.indimmediate"
             : "SELECT l.seq, c.name FROM pragma_index_list(?1) AS l JOIN pragma_index_info(l.name) AS c "
               "WHERE l.\"unique\" AND NOT l.partial UNION ALL "
               "SELECT -1, name FROM pragma_table_info(?1) WHERE pk > 0";
}

}  // namespace detail

/// Throws SchemaMismatch that names every column of the real table that differs from the schema.
template <Schema S, SchemaConnection Connection>
void check_table(Connection& connection) {
  constexpr auto dialect = Connection::dialect;
  const std::string table{S::table};
  const std::string argument = dialect == Dialect::postgres ? "\"" + table + "\"" : table;
  std::string problems;
  const auto note = [&](std::string_view column, const std::string& problem) {
    problems.append(problems.empty() ? "" : "; ").append("column '").append(column).append("' ").append(problem);
  };

  const auto real = connection.query(std::string(detail::columns_query(dialect)), {argument});
  if (real.empty()) throw SchemaMismatch("there is no table '" + table + "': apply the migrations first");
  const auto same_name = [](std::string_view name) { return [=](const auto& row) { return row.at(0).value() == name; }; };

  for (const auto& column : all_columns<S>) {
    const auto row = std::ranges::find_if(real, same_name(column.name));
    const std::string needed{type_name(dialect, column)};
    if (row == real.end()) {
      note(column.name, "is missing (" + needed + ")");
      continue;
    }
    if (!detail::type_fits(dialect, column, row->at(1).value())) {
      note(column.name, "is " + (row->at(1)->empty() ? "without type" : *row->at(1)) + " where " + needed + " is needed");
    }
    if (column.nullable && row->at(2) == "1") note(column.name, "is NOT NULL, and its member is a std::optional");
  }
  for (const auto& row : real) {
    const bool ours = std::ranges::any_of(all_columns<S>, [&](const Column& column) { return same_name(column.name)(row); });
    if (!ours && row.at(2) == "1" && row.at(3) != "1") {
      note(row.at(0).value(), "is not in the schema, NOT NULL and without a default, so no row can be inserted");
    }
  }

  std::map<std::string, std::set<std::string, std::less<>>> unique;
  for (const auto& row : connection.query(std::string(detail::unique_query(dialect)), {argument})) {
    unique[row.at(0).value()].insert(row.at(1).value_or(""));
  }
  std::set<std::string, std::less<>> key;
  std::string key_text;
  for (const auto& column : key_columns<S>) {
    key.emplace(column.name);
    key_text.append(key_text.empty() ? "" : ", ").append(column.name);
  }
  if (std::ranges::none_of(unique, [&](const auto& constraint) { return constraint.second == key; })) {
    problems.append(problems.empty() ? "" : "; ").append("no primary key or unique constraint on exactly (" + key_text + ")");
  }
  if (!problems.empty()) throw SchemaMismatch("table '" + table + "' is not what its schema says: " + problems);
}

}  // namespace render_cache
