// All in which PostgreSQL differs.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/text_form.hpp>
#include <render_cache/sql/dialect.hpp>
#include <render_cache/sql/statement.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace render_cache {

/// PostgreSQL 12 or newer; what the members mean is said in sql/dialect.hpp.
struct PostgresDialect {
  static constexpr std::string_view name = "postgres";
  static constexpr char quote = '"';
  static constexpr bool numbered_parameters = true;
  static std::string parameter(std::size_t number) { return detail::parameter(number); }
  static constexpr std::size_t max_name_bytes = 63;    // cut there without an error
  static constexpr std::size_t max_key_bytes = 2'704;  // a third of a page

  static std::string type_name(const Column& column) {
    if (column.list) return type_name(element_of(column)) + "[]";
    switch (column.kind) {
      case Kind::text: return "text";
      case Kind::integer: return column.bytes == 2 ? "smallint" : column.bytes == 4 ? "integer" : "bigint";
      case Kind::boolean: return "boolean";
      case Kind::real: return "double precision";
      case Kind::uuid: return "uuid";
      case Kind::timestamp: return "timestamp with time zone";
      case Kind::json: return "jsonb";
      case Kind::bytes: return "bytea";
      case Kind::date: return "date";
    }
    return {};
  }
  static bool type_fits(const Column& column, const std::string& type) {
    if (type == type_name(column)) return true;
    if (column.list) return type.ends_with("[]") && type_fits(element_of(column), type.substr(0, type.size() - 2));
    if (column.kind == Kind::text)
      return type == "character varying" || max_characters(type) >= std::max<std::size_t>(column.bytes, 1);
    if (column.kind == Kind::json) return type == "json";
    if (column.kind == Kind::integer) return type == "bigint" || (type == "integer" && column.bytes == 2);
    return false;
  }
  /// Everywhere else the column's type tells what the text of a parameter is.
  static std::string input(const Column& column, std::string expression) {
    if (column.list) return detail::text({expression, "::", type_name(column)});
    return column.kind == Kind::timestamp ? expression + "::timestamptz" : expression;
  }
  /// Whatever the session's settings. A list as JSON, element by element.
  static std::string output(const Column& column, std::string expression) {
    if (column.list) {
      return detail::text({"CASE WHEN ", expression, " IS NOT NULL THEN array_to_json(ARRAY(SELECT ",
                           output(element_of(column), column.kind == Kind::json ? "u.e::text" : "u.e"), " FROM unnest(",
                           expression, ") WITH ORDINALITY AS u(e, n) ORDER BY u.n)) END"});
    }
    if (column.kind == Kind::bytes) return detail::text({"'\\x' || encode(", expression, ", 'hex')"});
    if (column.kind == Kind::date) return detail::text({"to_char(", expression, ", 'YYYY-MM-DD')"});
    if (column.kind != Kind::timestamp) return expression;
    return detail::text({"to_char(", expression, " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"});
  }

  static constexpr bool keeps_json_text = false;  // jsonb has a form of its own
  static std::string first_part_is(const std::string& stored, const std::string& wanted) {
    return detail::first_part_in_range(stored + " COLLATE \"C\"", wanted + "::text");
  }

  static constexpr std::string_view now = "now()", clock = "clock_timestamp()";
  static std::string age(const std::string& time) {
    return detail::text({"CASE WHEN isfinite(", time, ") THEN (extract(epoch FROM now() - ", time, ") * 1000000)::bigint END"});
  }

  // As it is stored: compressed.
  static std::string bytes(const std::string& expression) { return detail::text({"pg_column_size(", expression, ")"}); }
  // With TOAST, and of all partitions.
  static constexpr std::string_view table_bytes =
      "SELECT coalesce((SELECT sum(pg_table_size(p.relid)) FROM pg_partition_tree(to_regclass(quote_ident($1))) AS p), "
      "nullif(pg_table_size(to_regclass(quote_ident($1))), 0))";

  static std::string upsert(const Table& table, const std::string& rows) {
    return detail::insert_or_update<PostgresDialect>(table, rows, unless_equal);
  }
  static std::string insert_new(const Table& table, const std::string& rows) {
    return detail::insert_on_conflict<PostgresDialect>(table, rows) + "NOTHING";
  }
  static std::string update(const Table& table, const std::string& condition) {
    return detail::update_where<PostgresDialect>(table, condition, [](const Column& column, std::string value) {
      if (!keeps_equal(column)) return input(column, std::move(value));
      // Of the column's own type, as EXCLUDED is.
      return unless_equal(
          column, detail::text({"(CASE WHEN false THEN ", detail::of_table<PostgresDialect>(column), " ELSE ", value, " END)"}));
    });
  }
  static std::string delete_from(const Table& table) {
    return detail::text({"DELETE FROM ", detail::quoted<PostgresDialect>(table.name), " AS t"});
  }

  static std::string constraint(const Column&) { return {}; }
  static std::string key_constraint(const Table& table) {
    return detail::text({"PRIMARY KEY (", detail::names<PostgresDialect>(table.keys), ")"});
  }
  static constexpr std::string_view table_options = "";
  static constexpr std::string_view table_exists = "SELECT 1 WHERE to_regclass(quote_ident($1)) IS NOT NULL";
  static constexpr std::string_view columns_query =
      "SELECT attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 1 ELSE 0 END, "
      "CASE WHEN atthasdef OR attidentity <> '' THEN 1 ELSE 0 END FROM pg_attribute "
      "WHERE attrelid = to_regclass(quote_ident($1)) AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
  /// An index whose collation equates what differs would replace one key's row for another's.
  static constexpr std::string_view unique_query =
      "SELECT i.indexrelid, a.attname FROM pg_index i CROSS JOIN generate_series(0, i.indnkeyatts - 1) AS k "
      "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k] "
      "WHERE i.indrelid = to_regclass(quote_ident($1)) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL "
      "AND i.indexprs IS NULL AND i.indimmediate AND NOT EXISTS (SELECT 1 FROM pg_collation AS c "
      "WHERE c.oid = ANY (i.indcollation) AND NOT c.collisdeterministic)";

  static constexpr bool transactional_ddl = true;
  /// Waits for another node as long as that takes, for a table's lock a minute. A migration is durable although the cache's
  /// sessions may commit asynchronously. The lock is a number: the first 64 bits of a name in hexadecimal digits.
  static std::string begin_migration(const std::string& lock) {
    return detail::text(
        {"BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL synchronous_commit = on; "
         "SELECT pg_advisory_xact_lock(('x",
         lock, "')::bit(64)::bigint); SET LOCAL lock_timeout = '1min'"});
  }
  static std::string end_migration(const std::string&) { return "COMMIT"; }
  static std::string abandon_migration(const std::string&) { return "ROLLBACK"; }

  // Not logged: after a crash, and on a standby that takes over, there are none, and nobody misses them.
  static std::string create_lease_table(std::string_view table) {
    return detail::text({"CREATE UNLOGGED TABLE ", table,
                         " (name text COLLATE \"C\" PRIMARY KEY, owner text NOT NULL, deadline bigint NOT NULL) "
                         "WITH (fillfactor = 50)"});
  }
  static constexpr std::string_view clock_milliseconds = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)";
  static constexpr std::string_view skip_locked = " FOR UPDATE SKIP LOCKED";

  /// An array for each column, cast to its type: `unnest($1, $2) WITH ORDINALITY AS q(c1, c2, n)`
  static std::string batch(std::span<const Column> columns) {
    const auto array = [](const Column& column, std::size_t index) {
      return detail::text({detail::parameter(index + 1), "::", array_type(column), "[]"});
    };
    const auto called = [](const Column&, std::size_t index) { return detail::text({"c", std::to_string(index + 1)}); };
    return detail::text({"unnest(", detail::joined(columns, ", ", array), ") WITH ORDINALITY AS q(",
                         detail::joined(columns, ", ", called), ", n)"});
  }
  static std::size_t batch_arguments(std::span<const Column> columns) { return columns.size(); }
  static std::string delete_joined(const Table& table, const std::string& batch, const std::string& condition) {
    return detail::text({delete_from(table), " USING ", batch, " WHERE ", condition});
  }

 private:
  static bool keeps_equal(const Column& column) {
    return !column.list && (column.kind == Kind::text || column.kind == Kind::json || column.kind == Kind::bytes);
  }
  /// An unchanged text is set to itself, for then its TOAST value is kept and not written again.
  static std::string unless_equal(const Column& column, std::string given) {
    if (!keeps_equal(column)) return given;
    const auto old = detail::of_table<PostgresDialect>(column);
    // Byte by byte, whatever the column's collation; type json has no equality of its own.
    const std::string_view comparable = column.kind == Kind::bytes  ? ""
                                        : column.kind == Kind::json ? "::text COLLATE \"C\""
                                                                    : " COLLATE \"C\"";
    return detail::text({"CASE WHEN ", old, comparable, " = ", given, comparable, " THEN ", old, " ELSE ", given, " END"});
  }
  /// Of `character varying(10)`; 0 of another type.
  static std::size_t max_characters(std::string_view type) {
    constexpr std::string_view limited = "character varying(";
    if (!type.starts_with(limited) || !type.ends_with(')')) return 0;
    return detail::parse_number<std::size_t>(type.substr(limited.size(), type.size() - limited.size() - 1)).value_or(0);
  }
  static Column element_of(Column column) {
    column.list = false;
    return column;
  }
  /// Of the elements in which a batch takes a column. A list is a text in it, which `input` casts: unnest makes one list of an array
  /// of arrays.
  static std::string array_type(const Column& column) {
    if (column.list) return "text";
    switch (column.kind) {
      case Kind::integer: return "bigint";
      case Kind::json: return "json";  // assigned to a jsonb column it is converted
      case Kind::text:
      case Kind::boolean:
      case Kind::real:
      case Kind::uuid:
      case Kind::timestamp:
      case Kind::bytes:
      case Kind::date: break;
    }
    return type_name(column);
  }
};

static_assert(check_dialect<PostgresDialect>());
static_assert(HasBatches<PostgresDialect> && HasConditionalWrites<PostgresDialect>);

}  // namespace render_cache
