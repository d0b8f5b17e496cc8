// Which SQL runs: every statement of the SQL stores, made of a table's columns in an engine's dialect.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/sql/columns.hpp>
#include <render_cache/sql/dialect.hpp>
#include <render_cache/sql/statement.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache {

namespace detail {

/// `t."repo_alias" = $1 AND t."page_path" = $2`
template <class Dialect>
std::string key_equals(const Table& table) {
  return joined(table.keys, " AND ", [](const Column& column, std::size_t index) {
    return text({of_table<Dialect>(column), " = ", Dialect::input(column, parameter(index + 1))});
  });
}

/// `t."repo_alias" = q.c1 AND t."page_path" = q.c2`
template <class Dialect>
std::string key_equals_batch(const Table& table) {
  return joined(table.keys, " AND ", [](const Column& column, std::size_t index) {
    return text({of_table<Dialect>(column), " = ", Dialect::input(column, of_batch(index + 1))});
  });
}

template <class Dialect>
std::string from_table(const Table& table) {
  return text({" FROM ", quoted<Dialect>(table.name), " AS t"});
}

template <class Dialect>
std::string output(const Column& column) {
  return Dialect::output(column, of_table<Dialect>(column));
}

/// Fingerprint and time always; the value only where the fingerprint is `wanted`, so that a stale body is not even read.
template <class Dialect>
std::string row_if_current(const Table& table, const std::string& wanted) {
  const auto stored = of_table<Dialect>(table.fingerprint());
  return text({stored, ", ", output<Dialect>(table.rendered_at()), ", ",
               joined(table.values, ", ", [&](const Column& column, std::size_t) {
                 return text({"CASE WHEN ", stored, " = ", wanted, " THEN ", output<Dialect>(column), " END"});
               })});
}

/// `now(), now()`: rendered_at and, if there is one, updated_at.
template <class Dialect>
std::string times(const Table& table) {
  return joined(std::span(table.metadata).subspan(1), ", ", [](const Column&, std::size_t) { return std::string(Dialect::now); });
}

/// Whether the row was published at or after the time in the parameter. A row without time never was.
template <class Dialect>
std::string is_newer(const Table& table, std::size_t number) {
  const auto& time = table.rendered_at();
  return text({"coalesce(", of_table<Dialect>(time), " >= ", Dialect::input(time, parameter(number)), ", false)"});
}

}  // namespace detail

/// The statements of one table in one dialect, each made by the function before it. The comments name the parameters in their
/// order, and the result: `key` and `value` stand for all members in the order of their struct.
template <class Dialect>
struct Sql {
  static_assert(check_dialect<Dialect>());

  explicit Sql(const Table& table)
      : lookup(make_lookup(table)), lookup_stale(make_lookup_stale(table)), publish(make_publish(table)),
        erase(make_erase(table)), erase_group(make_erase_group(table)), sweep_start(make_sweep_start(table)),
        sweep_first(make_sweep_first(table)), sweep_next(make_sweep_next(table)), erase_older(make_erase_older(table)) {}

  /// (key, fingerprint) -> the stored fingerprint, rendered_at, value; the value is NULL unless the fingerprints are equal.
  static Statement make_lookup(const Table& table) {
    return detail::statement<Dialect>(
        detail::text({"SELECT ", detail::row_if_current<Dialect>(table, detail::parameter(table.keys.size() + 1)),
                      detail::from_table<Dialect>(table), " WHERE ", detail::key_equals<Dialect>(table)}));
  }
  Statement lookup;

  /// (key) -> the stored fingerprint, rendered_at, value, and the age in microseconds by the database's clock.
  static Statement make_lookup_stale(const Table& table) {
    return detail::statement<Dialect>(detail::text(
        {"SELECT ", detail::of_table<Dialect>(table.fingerprint()), ", ", detail::output<Dialect>(table.rendered_at()), ", ",
         outputs(table.values), Dialect::age(detail::of_table<Dialect>(table.rendered_at())), detail::from_table<Dialect>(table),
         " WHERE ", detail::key_equals<Dialect>(table)}));
  }
  Statement lookup_stale;

  /// (key, value, fingerprint)
  static Statement make_publish(const Table& table) {
    return detail::statement<Dialect>(Dialect::upsert(
        table, detail::text({"VALUES (", detail::parameters<Dialect>(table.sent()), ", ", detail::times<Dialect>(table), ")"})));
  }
  Statement publish;

  /// (key)
  static Statement make_erase(const Table& table) {
    return detail::statement<Dialect>(detail::text({Dialect::delete_from(table), " WHERE ", detail::key_equals<Dialect>(table)}));
  }
  Statement erase;

  /// (group)
  static Statement make_erase_group(const Table& table) {
    const auto& group = table.keys.front();
    return detail::statement<Dialect>(detail::text(
        {Dialect::delete_from(table), " WHERE ", detail::of_table<Dialect>(group), " = ", Dialect::input(group, "$1")}));
  }
  Statement erase_group;

  /// () -> the start of a sweep, as text
  static Statement make_sweep_start(const Table& table) {
    return detail::statement<Dialect>(
        detail::text({"SELECT ", Dialect::output(table.rendered_at(), std::string(Dialect::clock))}));
  }
  Statement sweep_start;

  /// (start, limit) -> the first keys in their order, each with whether it was published since the start
  static Statement make_sweep_first(const Table& table) {
    return detail::statement<Dialect>(detail::text({"SELECT ", outputs(table.keys), detail::is_newer<Dialect>(table, 1),
                                                    detail::from_table<Dialect>(table), " ORDER BY ", keys(table), " LIMIT $2"}));
  }
  Statement sweep_first;

  /// (key, start, limit) -> the same for the keys that come after the given one
  static Statement make_sweep_next(const Table& table) {
    const auto count = table.keys.size();
    return detail::statement<Dialect>(detail::text({"SELECT ", outputs(table.keys), detail::is_newer<Dialect>(table, count + 1),
                                                    detail::from_table<Dialect>(table), " WHERE (", keys(table), ") > (",
                                                    detail::parameters<Dialect>(table.keys), ") ORDER BY ", keys(table),
                                                    " LIMIT ", detail::parameter(count + 2)}));
  }
  Statement sweep_next;

  /// (key, start): erases the entry unless it was published since the start. For many in one statement see `BatchSql`.
  static Statement make_erase_older(const Table& table) {
    return detail::statement<Dialect>(detail::text({Dialect::delete_from(table), " WHERE ", detail::key_equals<Dialect>(table),
                                                    " AND NOT ", detail::is_newer<Dialect>(table, table.keys.size() + 1)}));
  }
  Statement erase_older;

 private:
  static std::string keys(const Table& table) { return detail::names_of_table<Dialect>(table.keys); }
  /// Each with a comma behind it.
  static std::string outputs(std::span<const Column> columns) {
    return detail::joined(columns, "", [](const Column& column, std::size_t) {
      return detail::text({detail::output<Dialect>(column), ", "});
    });
  }
};

/// Batches of any size in one statement, where the engine has them. `keys`, `values` and `fingerprints` are one of each for each
/// query or entry, passed as the dialect's `batch` takes them.
template <class Dialect>
struct BatchSql {
  static_assert(HasBatches<Dialect>);

  explicit BatchSql(const Table& table)
      : lookup_many(make_lookup_many(table)), publish_many(make_publish_many(table)), erase_older(make_erase_older(table)) {}

  /// (keys, fingerprints) -> the query's number from 1 on, then as `Sql::lookup`; no row where nothing is stored.
  static Statement make_lookup_many(const Table& table) {
    auto asked = table.keys;
    asked.push_back(table.fingerprint());
    return detail::statement<Dialect>(detail::text(
        {"SELECT q.n, ", detail::row_if_current<Dialect>(table, detail::of_batch(asked.size())), " FROM ", Dialect::batch(asked),
         " JOIN ", detail::quoted<Dialect>(table.name), " AS t ON ", detail::key_equals_batch<Dialect>(table)}));
  }
  Statement lookup_many;

  /// (keys, values, fingerprints); no key twice ("cannot affect row a second time"), sorted by key against deadlocks.
  static Statement make_publish_many(const Table& table) {
    const auto sent = table.sent();
    const auto values = detail::joined(
        sent, ", ", [](const Column& column, std::size_t index) { return Dialect::input(column, detail::of_batch(index + 1)); });
    return detail::statement<Dialect>(Dialect::upsert(
        table, detail::text({"SELECT ", values, ", ", detail::times<Dialect>(table), " FROM ", Dialect::batch(sent)})));
  }
  Statement publish_many;

  /// (keys, start): erases those that were not published since the start; the start is one for all.
  static Statement make_erase_older(const Table& table) {
    return detail::statement<Dialect>(
        Dialect::delete_joined(table, Dialect::batch(table.keys),
                               detail::text({detail::key_equals_batch<Dialect>(table), " AND NOT ",
                                             detail::is_newer<Dialect>(table, Dialect::batch_arguments(table.keys) + 1)})));
  }
  Statement erase_older;
};

/// Clean-up by a query in the same database that lists the live groups, such as `SELECT alias_name FROM global_repos`.
/// It is the operator's own SQL and becomes part of the statements as it is. NULLs among its rows mean nothing.
template <class Dialect>
struct GroupSweepSql {
  static_assert(check_dialect<Dialect>());

  /// (start) -> how many groups live, how many entries there are, how many of dead groups older and newer than the start
  static Statement survey(const Table& table, std::string_view live_query) {
    return with_live(live_query, detail::text({"SELECT (SELECT count(*) FROM render_cache_live), count(*), "
                                               "coalesce(sum(CASE WHEN e.dead AND NOT e.newer THEN 1 END), 0), "
                                               "coalesce(sum(CASE WHEN e.dead AND e.newer THEN 1 END), 0) FROM (SELECT ",
                                               dead(table), " AS dead, ", detail::is_newer<Dialect>(table, 1), " AS newer",
                                               detail::from_table<Dialect>(table), ") AS e"}));
  }
  /// (start, limit): erases up to `limit` entries of dead groups that were not published since the start
  static Statement erase(const Table& table, std::string_view live_query) {
    const auto keys = detail::names_of_table<Dialect>(table.keys);
    const auto older =
        detail::text({" NOT ", detail::is_newer<Dialect>(table, 1)});  // asked twice: a row may be renewed between the two
    return with_live(live_query, detail::text({Dialect::delete_from(table), " WHERE (", keys, ") IN (SELECT ", keys,
                                               detail::from_table<Dialect>(table), " WHERE ", dead(table), " AND", older,
                                               " LIMIT $2) AND", older}));
  }

 private:
  // Inside FROM no database lets a query change anything, and a union has as many columns on both sides.
  static Statement with_live(std::string_view query, const std::string& rest) {
    query = query.substr(0, query.find_last_not_of("; \t\r\n") + 1);
    auto made = detail::statement<Dialect>(rest);
    made.text.insert(
        0, detail::text({"WITH render_cache_named(g) AS (SELECT NULL WHERE 1 = 0 UNION ALL SELECT * FROM (\n",
                         query,  // a line of its own: it may end in a comment
                         "\n) AS named), render_cache_live(g) AS (SELECT g FROM render_cache_named WHERE g IS NOT NULL) "}));
    return made;
  }
  static std::string dead(const Table& table) {
    return Dialect::not_listed(detail::of_table<Dialect>(table.keys.front()), "render_cache_live");
  }
};

}  // namespace render_cache
