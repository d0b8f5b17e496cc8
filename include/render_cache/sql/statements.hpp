// Which SQL runs: every statement of the SQL stores, made from the schema's columns while compiling.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/sql/columns.hpp>
#include <render_cache/sql/parts.hpp>
#include <render_cache/sql/static_text.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace render_cache {

/// The statements of one schema in one dialect, each made by the function before it. Each ends with a NUL. The comments name
/// the parameters in their order, and the result: `key` and `value` stand for all members in the order of their struct.
template <Schema S, Dialect D>
struct Sql {
  static_assert(check_schema<S>());

  /// (key, fingerprint) -> the stored fingerprint, rendered_at, value; the value is NULL unless the fingerprints are equal.
  static constexpr detail::Text lookup_text() {
    return "SELECT " + detail::row_if_current<S>(D, detail::parameter(D, key_columns<S>.size() + 1)) +
           detail::from_table(S::table) + " WHERE " + detail::key_equals<S>(D);
  }
  static constexpr std::string_view lookup = detail::static_text<lookup_text>;

  /// (key) -> the stored fingerprint, rendered_at, value, and the age in microseconds by the database's clock.
  static constexpr detail::Text lookup_stale_text() {
    const auto time = detail::column_of_table(S::rendered_at_column);
    const auto age =
        D == Dialect::postgres
            ? "CASE WHEN isfinite(" + time + ") THEN (extract(epoch FROM now() - " + time + ") * 1000000)::bigint END"
            : "CAST(round((julianday('now') - julianday(" + time + ")) * 86400000) AS INTEGER) * 1000";
    return "SELECT " + detail::column_of_table(S::fingerprint_column) + ", " + detail::timestamp_text(D, time) + ", " +
           detail::joined(value_columns<S>, ", ", [](const Column& column, std::size_t) { return detail::output(D, column); }) +
           ", " + age + detail::from_table(S::table) + " WHERE " + detail::key_equals<S>(D);
  }
  static constexpr std::string_view lookup_stale = detail::static_text<lookup_stale_text>;

  /// (key, value, fingerprint)
  static constexpr detail::Text publish_text() {
    constexpr auto sent = detail::sent_columns<S>();
    return "INSERT INTO " + detail::quoted(S::table) + " AS t (" + detail::publish_columns<S>() + ") VALUES (" +
           detail::joined(sent, ", ", [](const Column&, std::size_t index) { return detail::parameter(D, index + 1); }) + ", " +
           detail::times<S>(D) + ")" + detail::on_conflict<S>(D);
  }
  static constexpr std::string_view publish = detail::static_text<publish_text>;

  /// (key)
  static constexpr detail::Text erase_text() {
    return "DELETE" + detail::from_table(S::table) + " WHERE " + detail::key_equals<S>(D);
  }
  static constexpr std::string_view erase = detail::static_text<erase_text>;

  /// (group)
  static constexpr detail::Text erase_group_text() {
    return "DELETE" + detail::from_table(S::table) + " WHERE " + detail::column_of_table(key_columns<S>.front().name) + " = " +
           detail::parameter(D, 1);
  }
  static constexpr std::string_view erase_group = detail::static_text<erase_group_text>;

  /// () -> the start of a sweep, as text
  static constexpr detail::Text sweep_start_text() {
    return "SELECT " + detail::timestamp_text(D, D == Dialect::postgres ? "clock_timestamp()" : detail::now(D));
  }
  static constexpr std::string_view sweep_start = detail::static_text<sweep_start_text>;

  /// (start, limit) -> the first keys in their order, each with whether it was published since the start
  static constexpr detail::Text sweep_first_text() {
    return "SELECT " + detail::keys<S>() + ", " + detail::is_newer<S>(D, 1) + detail::from_table(S::table) + " ORDER BY " +
           detail::keys<S>() + " LIMIT " + detail::parameter(D, 2);
  }
  static constexpr std::string_view sweep_first = detail::static_text<sweep_first_text>;

  /// (key, start, limit) -> the same for the keys that come after the given one
  static constexpr detail::Text sweep_next_text() {
    constexpr auto count = key_columns<S>.size();
    return "SELECT " + detail::keys<S>() + ", " + detail::is_newer<S>(D, count + 1) + detail::from_table(S::table) + " WHERE (" +
           detail::keys<S>() + ") > (" + detail::key_parameters<S>(D) + ") ORDER BY " + detail::keys<S>() + " LIMIT " +
           detail::parameter(D, count + 2);
  }
  static constexpr std::string_view sweep_next = detail::static_text<sweep_next_text>;

  /// (key, start): erases the entry unless it was published since the start. In PostgreSQL see `BatchSql`.
  static constexpr detail::Text erase_older_text() {
    return "DELETE" + detail::from_table(S::table) + " WHERE " + detail::key_equals<S>(D) + " AND NOT " +
           detail::is_newer<S>(D, key_columns<S>.size() + 1);
  }
  static constexpr std::string_view erase_older = detail::static_text<erase_older_text>;
};

/// Batches of any size in one statement; PostgreSQL only. Each parameter is an array with one element a query or entry.
template <Schema S>
struct BatchSql {
  /// (keys, fingerprints) -> the query's number from 1 on, then as `Sql::lookup`; no row where nothing is stored.
  static constexpr detail::Text lookup_many_text() {
    constexpr auto count = key_columns<S>.size() + 1;
    return "SELECT q.n, " + detail::row_if_current<S>(Dialect::postgres, "q.c" + detail::decimal(count)) + " FROM " +
           detail::unnest(detail::key_and_fingerprint_columns<S>()) + " WITH ORDINALITY AS q(" + detail::array_names(count) +
           ", n) JOIN " + detail::quoted(S::table) + " AS t ON " + detail::key_equals_array<S>();
  }
  static constexpr std::string_view lookup_many = detail::static_text<lookup_many_text>;

  /// (keys, values, fingerprints); no key twice ("cannot affect row a second time"), sorted by key against deadlocks.
  static constexpr detail::Text publish_many_text() {
    constexpr auto sent = detail::sent_columns<S>();
    return "INSERT INTO " + detail::quoted(S::table) + " AS t (" + detail::publish_columns<S>() + ") SELECT " +
           detail::joined(sent, ", ", [](const Column&, std::size_t index) { return "q.c" + detail::decimal(index + 1); }) +
           ", " + detail::times<S>(Dialect::postgres) + " FROM " + detail::unnest(sent) + " AS q(" +
           detail::array_names(sent.size()) + ")" + detail::on_conflict<S>(Dialect::postgres);
  }
  static constexpr std::string_view publish_many = detail::static_text<publish_many_text>;

  /// (keys, start): erases those that were not published since the start; the start is no array.
  static constexpr detail::Text erase_older_text() {
    return "DELETE" + detail::from_table(S::table) + " USING " + detail::unnest(key_columns<S>) + " AS q(" +
           detail::array_names(key_columns<S>.size()) + ") WHERE " + detail::key_equals_array<S>() + " AND NOT " +
           detail::is_newer<S>(Dialect::postgres, key_columns<S>.size() + 1);
  }
  static constexpr std::string_view erase_older = detail::static_text<erase_older_text>;
};

/// Clean-up by a query in the same database that lists the live groups, such as `SELECT alias_name FROM global_repos`.
/// It is the operator's own SQL and becomes part of the statements as it is. NULLs among its rows mean nothing.
template <Schema S, Dialect D>
struct GroupSweepSql {
  /// (start) -> how many groups live, how many entries there are, how many of dead groups older and newer than the start
  static std::string survey(std::string_view live_query) {
    return with_live(live_query).append(detail::static_text<survey_text>);
  }
  /// (start, limit): erases up to `limit` entries of dead groups that were not published since the start
  static std::string erase(std::string_view live_query) { return with_live(live_query).append(detail::static_text<erase_text>); }

  static constexpr detail::Text survey_text() {
    return "SELECT (SELECT count(*) FROM render_cache_live), count(*), "
           "coalesce(sum(CASE WHEN e.dead AND NOT e.newer THEN 1 END), 0), "
           "coalesce(sum(CASE WHEN e.dead AND e.newer THEN 1 END), 0) FROM (SELECT " +
           dead() + " AS dead, " + detail::is_newer<S>(D, 1) + " AS newer" + detail::from_table(S::table) + ") AS e";
  }
  static constexpr detail::Text erase_text() {
    const auto older = " NOT " + detail::is_newer<S>(D, 1);  // asked twice: a row may be renewed between the two
    return "DELETE" + detail::from_table(S::table) + " WHERE (" + detail::keys<S>() + ") IN (SELECT " + detail::keys<S>() +
           detail::from_table(S::table) + " WHERE " + dead() + " AND" + older + " LIMIT " + detail::parameter(D, 2) + ") AND" +
           older;
  }

 private:
  static std::string with_live(std::string_view query) {
    query = query.substr(0, query.find_last_not_of("; \t\r\n") + 1);
    return "WITH render_cache_named(g) AS (\n" + std::string(query) +  // a line of its own: the query may end in a comment
           "\n), render_cache_live(g) AS (SELECT g FROM render_cache_named WHERE g IS NOT NULL) ";
  }
  /// PostgreSQL makes a hash of NOT EXISTS, SQLite of NOT IN, and each a scan for every row of the other. The NULLs that
  /// would make NOT IN never true are gone.
  static constexpr detail::Text dead() {
    const auto group = detail::column_of_table(key_columns<S>.front().name);
    if (D == Dialect::sqlite) return group + " NOT IN (SELECT g FROM render_cache_live)";
    return "NOT EXISTS (SELECT 1 FROM render_cache_live AS l WHERE l.g = " + group + ")";
  }
};

}  // namespace render_cache
