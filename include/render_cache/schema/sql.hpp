// Which SQL runs: every statement of the SQL stores, made from the schema's columns while compiling.
#pragma once

#include <render_cache/detail/static_text.hpp>
#include <render_cache/schema/columns.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace render_cache {

enum class Dialect : std::uint8_t { postgres, sqlite };

namespace detail {

constexpr Text quoted(std::string_view name) {
  return "\"" + Text(name) + "\"";
}

constexpr Text column_of_table(std::string_view name) {
  return "t." + quoted(name);
}

/// The parameter of a number from 1 on: `$1`, `?1`.
constexpr Text parameter(Dialect dialect, std::size_t number) {
  return Text(dialect == Dialect::postgres ? "$" : "?") + decimal(number);
}

/// The start of the transaction by the database's own clock. SQLite's clock has milliseconds.
constexpr std::string_view now(Dialect dialect) {
  return dialect == Dialect::postgres ? "now()" : "strftime('%Y-%m-%dT%H:%M:%fZ','now')";
}

/// Timestamps travel as ISO 8601 in UTC, whatever the session's time zone and date style (schema/text_form.hpp).
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

constexpr Text from_table(std::string_view table) {
  return " FROM " + quoted(table) + " AS t";
}

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
    const std::string_view comparable = column.kind == Kind::json ? "::text" : "";  // type json has no equality
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
  return "unnest(" + joined(columns, ", ", [](const Column& column, std::size_t index) {
    return parameter(Dialect::postgres, index + 1) + "::" + Text(array_type(column.kind));
  }) + ")";
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

/// The statements of one schema in one dialect. Each text ends with a NUL. The comments name the parameters in their
/// order: `key` and `value` stand for all members in the order of their struct.
template <Schema S, Dialect D>
struct Sql {
  static_assert(check_schema<S>());

  /// (key, fingerprint) -> the stored fingerprint, rendered_at, value; the value is NULL unless the fingerprints are equal.
  static constexpr std::string_view lookup = detail::static_text([] {
    return "SELECT " + detail::row_if_current<S>(D, detail::parameter(D, key_columns<S>.size() + 1)) +
           detail::from_table(S::table) + " WHERE " + detail::key_equals<S>(D);
  });

  /// (key) -> the stored fingerprint, rendered_at, value, and the age in microseconds by the database's clock.
  static constexpr std::string_view lookup_stale = detail::static_text([] {
    const auto time = detail::column_of_table(S::rendered_at_column);
    const auto age = D == Dialect::postgres
        ? "CASE WHEN isfinite(" + time + ") THEN (extract(epoch FROM now() - " + time + ") * 1000000)::bigint END"
        : "CAST(round((julianday('now') - julianday(" + time + ")) * 86400000) AS INTEGER) * 1000";
    return "SELECT " + detail::column_of_table(S::fingerprint_column) + ", " + detail::timestamp_text(D, time) + ", " +
           detail::joined(value_columns<S>, ", ",
                          [](const Column& column, std::size_t) { return detail::output(D, column); }) +
           ", " + age + detail::from_table(S::table) + " WHERE " + detail::key_equals<S>(D);
  });

  /// (key, value, fingerprint)
  static constexpr std::string_view publish = detail::static_text([] {
    constexpr auto sent = detail::sent_columns<S>();
    return "INSERT INTO " + detail::quoted(S::table) + " AS t (" + detail::publish_columns<S>() + ") VALUES (" +
           detail::joined(sent, ", ", [](const Column&, std::size_t index) { return detail::parameter(D, index + 1); }) +
           ", " + detail::times<S>(D) + ")" + detail::on_conflict<S>(D);
  });

  /// (key)
  static constexpr std::string_view erase = detail::static_text([] {
    return "DELETE" + detail::from_table(S::table) + " WHERE " + detail::key_equals<S>(D);
  });

  /// (group)
  static constexpr std::string_view erase_group = detail::static_text([] {
    return "DELETE" + detail::from_table(S::table) + " WHERE " +
           detail::column_of_table(key_columns<S>.front().name) + " = " + detail::parameter(D, 1);
  });

  /// () -> the start of a sweep, as text
  static constexpr std::string_view sweep_start = detail::static_text([] {
    return "SELECT " + detail::timestamp_text(D, D == Dialect::postgres ? "clock_timestamp()" : detail::now(D));
  });

  /// (start, limit) -> the first keys in their order, each with whether it was published since the start
  static constexpr std::string_view sweep_first = detail::static_text([] {
    return "SELECT " + detail::keys<S>() + ", " + detail::is_newer<S>(D, 1) + detail::from_table(S::table) + " ORDER BY " +
           detail::keys<S>() + " LIMIT " + detail::parameter(D, 2);
  });

  /// (key, start, limit) -> the same for the keys that come after the given one
  static constexpr std::string_view sweep_next = detail::static_text([] {
    constexpr auto count = key_columns<S>.size();
    return "SELECT " + detail::keys<S>() + ", " + detail::is_newer<S>(D, count + 1) + detail::from_table(S::table) +
           " WHERE (" + detail::keys<S>() + ") > (" + detail::key_parameters<S>(D) + ") ORDER BY " + detail::keys<S>() +
           " LIMIT " + detail::parameter(D, count + 2);
  });

  /// (key, start): erases the entry unless it was published since the start. In PostgreSQL see `BatchSql`.
  static constexpr std::string_view erase_older = detail::static_text([] {
    return "DELETE" + detail::from_table(S::table) + " WHERE " + detail::key_equals<S>(D) + " AND NOT " +
           detail::is_newer<S>(D, key_columns<S>.size() + 1);
  });
};

/// Batches of any size in one statement; PostgreSQL only. Each parameter is an array with one element a query or entry.
template <Schema S>
struct BatchSql {
  /// (keys, fingerprints) -> the query's number from 1 on, then as `Sql::lookup`; no row where nothing is stored.
  static constexpr std::string_view lookup_many = detail::static_text([] {
    constexpr auto count = key_columns<S>.size() + 1;
    return "SELECT q.n, " + detail::row_if_current<S>(Dialect::postgres, "q.c" + detail::decimal(count)) + " FROM " +
           detail::unnest(detail::key_and_fingerprint_columns<S>()) + " WITH ORDINALITY AS q(" +
           detail::array_names(count) + ", n) JOIN " + detail::quoted(S::table) + " AS t ON " +
           detail::key_equals_array<S>();
  });

  /// (keys, values, fingerprints); no key twice ("cannot affect row a second time"), sorted by key against deadlocks.
  static constexpr std::string_view publish_many = detail::static_text([] {
    constexpr auto sent = detail::sent_columns<S>();
    return "INSERT INTO " + detail::quoted(S::table) + " AS t (" + detail::publish_columns<S>() + ") SELECT " +
           detail::joined(sent, ", ", [](const Column&, std::size_t index) { return "q.c" + detail::decimal(index + 1); }) +
           ", " + detail::times<S>(Dialect::postgres) + " FROM " + detail::unnest(sent) + " AS q(" +
           detail::array_names(sent.size()) + ")" + detail::on_conflict<S>(Dialect::postgres);
  });

  /// (keys, start): erases those that were not published since the start; the start is no array.
  static constexpr std::string_view erase_older = detail::static_text([] {
    return "DELETE" + detail::from_table(S::table) + " USING " + detail::unnest(key_columns<S>) + " AS q(" +
           detail::array_names(key_columns<S>.size()) + ") WHERE " + detail::key_equals_array<S>() + " AND NOT " +
           detail::is_newer<S>(Dialect::postgres, key_columns<S>.size() + 1);
  });
};

/// Clean-up by a query in the same database that lists the live groups, such as `SELECT alias_name FROM global_repos`.
/// It is the operator's own SQL and becomes part of the statements as it is. NULLs among its rows mean nothing.
template <Schema S, Dialect D>
struct GroupSweepSql {
  /// (start) -> how many groups live, how many entries there are, how many of dead groups older and newer than the start
  static std::string survey(std::string_view live_query) {
    static constexpr auto counts = detail::static_text([] {
      return "SELECT (SELECT count(*) FROM render_cache_live), count(*), "
             "coalesce(sum(CASE WHEN e.dead AND NOT e.newer THEN 1 END), 0), "
             "coalesce(sum(CASE WHEN e.dead AND e.newer THEN 1 END), 0) FROM (SELECT " +
             dead() + " AS dead, " + detail::is_newer<S>(D, 1) + " AS newer" + detail::from_table(S::table) + ") AS e";
    });
    return with_live(live_query).append(counts);
  }

  /// (start, limit): erases up to `limit` entries of dead groups that were not published since the start
  static std::string erase(std::string_view live_query) {
    static constexpr auto erase_dead = detail::static_text([] {
      const auto older = " NOT " + detail::is_newer<S>(D, 1);  // asked twice: a row may be renewed between the two
      return "DELETE" + detail::from_table(S::table) + " WHERE (" + detail::keys<S>() + ") IN (SELECT " +
             detail::keys<S>() + detail::from_table(S::table) + " WHERE " + dead() + " AND" + older + " LIMIT " +
             detail::parameter(D, 2) + ") AND" + older;
    });
    return with_live(live_query).append(erase_dead);
  }

 private:
  static std::string with_live(std::string_view query) {
    query = query.substr(0, query.find_last_not_of("; \t\r\n") + 1);
    return "WITH render_cache_named(g) AS (\n" + std::string(query) +  // a line of its own: the query may end in a comment
           "\n), render_cache_live(g) AS (SELECT g FROM render_cache_named WHERE g IS NOT NULL) ";
  }
  static constexpr detail::Text dead() {
    return "NOT EXISTS (SELECT 1 FROM render_cache_live AS l WHERE l.g = " +
           detail::column_of_table(key_columns<S>.front().name) + ")";
  }
};

}  // namespace render_cache
