// The migration that makes a schema's table, for whoever does not want to write the columns twice.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/sql/columns.hpp>
#include <render_cache/sql/dialect.hpp>
#include <render_cache/sql/migration.hpp>
#include <render_cache/sql/statement.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace render_cache {

namespace detail {

template <class Dialect>
Migration create_table(const Table& table, std::uint32_t version) {
  static_assert(check_dialect<Dialect>());
  const auto line = [](const Column& column, const std::string& more) {
    return "  " + quoted<Dialect>(column.name) + ' ' + Dialect::type_name(column) + (column.nullable ? "" : " NOT NULL") + more +
           ",\n";
  };
  std::string lines;
  for (const auto& column : table.keys) lines += line(column, Dialect::constraint(column));
  // In SQLite what stands before a large text is read without it, so the values come last.
  for (const auto& column : table.metadata) {
    lines += line(column, column.kind == Kind::timestamp ? " DEFAULT (" + std::string(Dialect::now) + ")" : std::string());
  }
  for (const auto& column : table.values) lines += line(column, Dialect::constraint(column));
  const auto name = quoted<Dialect>(table.name);
  return {version, std::string(table.name),
          "CREATE TABLE " + name + " (\n" + lines + "  " + Dialect::key_constraint(table) + "\n)" +
              std::string(Dialect::table_options) + ";\n",
          "DROP TABLE " + name + ";\n"};
}

}  // namespace detail

/// Makes the table that `check_table` asks for: a column for each member, the key's as the primary key, NOT NULL but for
/// optional members; in SQLite STRICT, with a check of the JSON. Down drops the table.
///
///     SqliteStore<ReportSchema> store({.path = "reports.db", .migrations = {create_table<ReportSchema, SqliteDialect>()}});
///
/// Follows the schema, whereas a migration that was applied never changes: once a table is in use, keep this one's text as a
/// script of your own, and add the next script for each change (docs/migrations.md). A changed schema is told by MigrationError.
template <class S, class Dialect>
Migration create_table(std::uint32_t version = 1) {
  return detail::create_table<Dialect>(table_of<S>(), version);
}

}  // namespace render_cache
