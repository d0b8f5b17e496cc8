// The migration that makes a schema's table, for whoever does not want to write the columns twice.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/sql/migration.hpp>
#include <render_cache/sql/table_check.hpp>

#include <cstdint>
#include <string>

namespace render_cache {

/// Makes the table that `check_table` asks for: a column for each member, the key's as the primary key, NOT NULL but for
/// optional members; in SQLite STRICT, with a check of the JSON. Down drops the table.
///
///     SqliteStore<ReportSchema> store({.path = "reports.db", .migrations = {create_table<ReportSchema>(Dialect::sqlite)}});
///
/// Follows the schema, whereas a migration that was applied never changes: once a table is in use, keep this one's text as a
/// script of your own, and add the next script for each change (docs/migrations.md). A changed schema is told by MigrationError.
template <class S>
Migration create_table(Dialect dialect, std::uint32_t version = 1) {
  static_assert(check_schema<S>());
  const auto quoted = [](std::string_view name) { return '"' + std::string(name) + '"'; };
  const auto line = [&](const Column& column, const std::string& more = {}) {
    return "  " + quoted(column.name) + ' ' + std::string(type_name(dialect, column)) + (column.nullable ? "" : " NOT NULL") +
           more;
  };
  std::string lines, key;
  for (const auto& column : key_columns<S>) {
    lines += line(column) + ",\n";
    key += (key.empty() ? "" : ", ") + quoted(column.name);
  }
  const auto first_value = all_columns<S>.begin() + key_columns<S>.size(), end_of_values = first_value + value_columns<S>.size();
  // In SQLite what stands before a large text is read without it, so the values come last.
  for (auto column = end_of_values; column != all_columns<S>.end(); ++column) {
    const bool is_time = column->kind == Kind::timestamp;
    lines += line(*column, is_time ? " DEFAULT (" + std::string(detail::now(dialect)) + ")" : "") + ",\n";
  }
  for (auto column = first_value; column != end_of_values; ++column) {
    const auto name = quoted(column->name);
    const bool unchecked_json = dialect == Dialect::sqlite && column->kind == Kind::json;
    // In SQLite 3.40 json_valid(NULL) is 0.
    const auto valid = (column->nullable ? name + " IS NULL OR " : "") + "json_valid(" + name + ")";
    lines += line(*column, unchecked_json ? " CHECK (" + valid + ")" : "") + ",\n";
  }
  const auto table = quoted(S::table);
  return {version, std::string(S::table),
          "CREATE TABLE " + table + " (\n" + lines + "  PRIMARY KEY (" + key + ")\n)" +
              (dialect == Dialect::sqlite ? " STRICT" : "") + ";\n",
          "DROP TABLE " + table + ";\n"};
}

}  // namespace render_cache
