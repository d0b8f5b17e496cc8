// All in which SQLite differs.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/sql/dialect.hpp>
#include <render_cache/sql/statement.hpp>

#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>

namespace render_cache {

/// SQLite 3.37 or newer; what the members mean is said in sql/dialect.hpp.
struct SqliteDialect {
  static constexpr std::string_view name = "sqlite";
  static constexpr char quote = '"';
  static constexpr bool numbered_parameters = true;
  static std::string parameter(std::size_t number) { return detail::text({"?", std::to_string(number)}); }
  static constexpr std::size_t max_name_bytes = 1'000'000, max_key_bytes = 1'000'000;  // a statement's length

  static std::string type_name(const Column& column) {
    if (column.list) return "TEXT";
    switch (column.kind) {
      case Kind::integer:
      case Kind::boolean: return "INTEGER";
      case Kind::real: return "REAL";
      case Kind::bytes: return "BLOB";
      case Kind::text:
      case Kind::uuid:
      case Kind::timestamp:
      case Kind::json:
      case Kind::date: break;
    }
    return "TEXT";
  }
  static bool type_fits(const Column& column, const std::string& type) {
    const auto real = affinity(type);
    return real == type_name(column) || (column.kind == Kind::boolean && !column.list && real == "NUMERIC");
  }
  static std::string input(const Column&, std::string expression) { return expression; }
  static std::string output(const Column&, std::string expression) { return expression; }

  static constexpr bool keeps_json_text = true;
  static std::string first_part_is(const std::string& stored, const std::string& wanted) {
    return detail::first_part_in_range(stored + " COLLATE BINARY", wanted);
  }

  /// In milliseconds: SQLite's clock has no more.
  static constexpr std::string_view now = "strftime('%Y-%m-%dT%H:%M:%fZ','now')", clock = now;
  static std::string age(const std::string& time) {
    return detail::text({"CAST(round((julianday('now') - julianday(", time, ")) * 86400000) AS INTEGER) * 1000"});
  }

  static std::string bytes(const std::string& expression) { return detail::text({"length(CAST(", expression, " AS BLOB))"}); }
  // The whole file's pages, other tables and indexes among them.
  static constexpr std::string_view table_bytes =
      "SELECT (pages.page_count - free.freelist_count) * size.page_size FROM pragma_page_count AS pages, "
      "pragma_freelist_count AS free, pragma_page_size AS size WHERE $1 <> ''";

  static std::string upsert(const Table& table, const std::string& rows) {
    return detail::insert_or_update<SqliteDialect>(table, rows, given);
  }
  static std::string insert_new(const Table& table, const std::string& rows) {
    return detail::insert_on_conflict<SqliteDialect>(table, rows) + "NOTHING";
  }
  static std::string update(const Table& table, const std::string& condition) {
    return detail::update_where<SqliteDialect>(table, condition, given);
  }
  static std::string delete_from(const Table& table) {
    return detail::text({"DELETE FROM ", detail::quoted<SqliteDialect>(table.name), " AS t"});
  }

  /// In SQLite 3.40 json_valid(NULL) is 0.
  static std::string constraint(const Column& column) {
    if (column.kind != Kind::json && !column.list) return {};
    const auto quoted = detail::quoted<SqliteDialect>(column.name);
    return detail::text({" CHECK (", column.nullable ? quoted + " IS NULL OR " : "", "json_valid(", quoted, "))"});
  }
  static std::string key_constraint(const Table& table) {
    return detail::text({"PRIMARY KEY (", detail::names<SqliteDialect>(table.keys), ")"});
  }
  static constexpr std::string_view table_options = " STRICT";
  static constexpr std::string_view table_exists = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1";
  static constexpr std::string_view columns_query =
      "SELECT name, type, \"notnull\", dflt_value IS NOT NULL OR hidden <> 0 OR (pk = 1 AND upper(type) = 'INTEGER') "
      "FROM pragma_table_xinfo($1)";
  static constexpr std::string_view unique_query =
      "SELECT l.seq, c.name FROM pragma_index_list($1) AS l JOIN pragma_index_info(l.name) AS c "
      "WHERE l.\"unique\" AND NOT l.partial UNION ALL SELECT -1, name FROM pragma_table_info($1) WHERE pk > 0";

  static constexpr bool transactional_ddl = true;
  static std::string begin_migration(const std::string&) { return "BEGIN IMMEDIATE"; }
  static std::string end_migration(const std::string&) { return "COMMIT"; }
  static std::string abandon_migration(const std::string&) { return "ROLLBACK"; }

  static std::string create_lease_table(std::string_view table) {
    return detail::text({"CREATE TABLE ", table,
                         " (name TEXT PRIMARY KEY, owner TEXT NOT NULL, deadline INTEGER NOT NULL) STRICT, WITHOUT ROWID"});
  }
  static constexpr std::string_view clock_milliseconds = "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)";
  static constexpr std::string_view skip_locked = "";  // there is one writer at a time

 private:
  static std::string given(const Column&, std::string value) { return value; }
  /// https://sqlite.org/datatype3.html, 3.1
  static std::string_view affinity(std::string type) {
    for (char& c : type) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const auto has = [&](std::string_view part) { return type.find(part) != type.npos; };
    if (has("INT")) return "INTEGER";
    if (has("CHAR") || has("CLOB") || has("TEXT")) return "TEXT";
    if (has("BLOB") || type.empty()) return "BLOB";
    if (has("REAL") || has("FLOA") || has("DOUB")) return "REAL";
    return "NUMERIC";
  }
};

static_assert(check_dialect<SqliteDialect>());
static_assert(HasConditionalWrites<SqliteDialect>);

}  // namespace render_cache
