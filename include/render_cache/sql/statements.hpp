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

/// The stored text and the time always; the value only where the fingerprint is `wanted`, so that a stale body is not even read.
template <class Dialect>
std::string row_if_current(const Table& table, const std::string& wanted) {
  const auto stored = of_table<Dialect>(table.fingerprint());
  return text({stored, ", ", output<Dialect>(table.rendered_at()), ", ",
               joined(table.values, ", ", [&](const Column& column, std::size_t) {
                 return text({"CASE WHEN ", Dialect::first_part_is(stored, wanted), " THEN ", output<Dialect>(column), " END"});
               })});
}

/// `now(), now()`: rendered_at and, if there is one, updated_at.
template <class Dialect>
std::string times(const Table& table) {
  return joined(std::span(table.metadata).subspan(1), ", ", [](const Column&, std::size_t) { return std::string(Dialect::now); });
}

/// `VALUES ($1, $2, $3, now())`
template <class Dialect>
std::string published_row(const Table& table) {
  return text({"VALUES (", parameters<Dialect>(table.sent()), ", ", times<Dialect>(table), ")"});
}

/// Whether the row was published at or after the time in the parameter. A row without time never was, nor one of a time that is yet
/// to come, which a clock left that was wrong: it would be newer than each sweep. A minute is for clocks that differ by less.
template <class Dialect>
std::string is_newer(const Table& table, std::size_t number) {
  const auto& time = table.rendered_at();
  const auto stored = of_table<Dialect>(time);
  return text({"CASE WHEN ", stored, " >= ", Dialect::input(time, parameter(number)), " THEN coalesce(", Dialect::age(stored),
               " >= -60000000, false) ELSE false END"});
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
        sweep_first(make_sweep_first(table)), sweep_next(make_sweep_next(table)), erase_older(make_erase_older(table)),
        groups_first(make_groups_first(table)), groups_next(make_groups_next(table)),
        sweep_group_first(make_sweep_group_first(table)), sweep_group_next(make_sweep_group_next(table)),
        survey_first(make_survey_first(table)), survey_next(make_survey_next(table)) {}

  /// (key, fingerprint) -> the stored text, rendered_at, value; the value is NULL unless the fingerprint is the text's first part.
  static Statement make_lookup(const Table& table) {
    return detail::statement<Dialect>(
        detail::text({"SELECT ", detail::row_if_current<Dialect>(table, detail::parameter(table.keys.size() + 1)),
                      detail::from_table<Dialect>(table), " WHERE ", detail::key_equals<Dialect>(table)}));
  }
  Statement lookup;

  /// (key) -> the stored text, rendered_at, value, and the age in microseconds by the database's clock.
  static Statement make_lookup_stale(const Table& table) {
    return detail::statement<Dialect>(detail::text(
        {"SELECT ", detail::of_table<Dialect>(table.fingerprint()), ", ", detail::output<Dialect>(table.rendered_at()), ", ",
         outputs(table.values), Dialect::age(detail::of_table<Dialect>(table.rendered_at())), detail::from_table<Dialect>(table),
         " WHERE ", detail::key_equals<Dialect>(table)}));
  }
  Statement lookup_stale;

  /// (key, value, stored text)
  static Statement make_publish(const Table& table) {
    return detail::statement<Dialect>(Dialect::upsert(table, detail::published_row<Dialect>(table)));
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
    return detail::statement<Dialect>(detail::text({sweep(table, 1), " ORDER BY ", keys(table), " LIMIT $2"}));
  }
  Statement sweep_first;

  /// (key, start, limit) -> the same for the keys that come after the given one
  static Statement make_sweep_next(const Table& table) {
    const auto count = table.keys.size();
    return detail::statement<Dialect>(
        detail::text({sweep(table, count + 1), " WHERE (", keys(table), ") > (", detail::parameters<Dialect>(table.keys),
                      ") ORDER BY ", keys(table), " LIMIT ", detail::parameter(count + 2)}));
  }
  Statement sweep_next;

  /// (key, start): erases the entry unless it was published since the start. For many in one statement see `BatchSql`.
  static Statement make_erase_older(const Table& table) {
    return detail::statement<Dialect>(detail::text({Dialect::delete_from(table), " WHERE ", detail::key_equals<Dialect>(table),
                                                    " AND NOT ", detail::is_newer<Dialect>(table, table.keys.size() + 1)}));
  }
  Statement erase_older;

  // The groups that have entries are found by a loose index scan: one step in the key's index for each, whatever it holds.

  /// (limit) -> the first groups that have entries, each once, in their order
  static Statement make_groups_first(const Table& table) { return groups(table, "", "$1"); }
  Statement groups_first;

  /// (group, limit) -> those that come after the given one
  static Statement make_groups_next(const Table& table) {
    const auto& group = table.keys.front();
    return groups(table, detail::text({" WHERE ", detail::of_table<Dialect>(group), " > ", Dialect::input(group, "$1")}), "$2");
  }
  Statement groups_next;

  /// (group, start, limit) -> as `sweep_first`, of one group
  static Statement make_sweep_group_first(const Table& table) {
    return detail::statement<Dialect>(
        detail::text({sweep(table, 2), " WHERE ", of_group(table), " ORDER BY ", keys(table), " LIMIT $3"}));
  }
  Statement sweep_group_first;

  /// (key, start, limit) -> the keys of the same group that come after the given one
  static Statement make_sweep_group_next(const Table& table) {
    const auto count = table.keys.size();
    const auto rest = std::span(table.keys).subspan(1);  // none: a group has one key
    const auto given = detail::joined(
        rest, ", ", [](const Column& column, std::size_t index) { return Dialect::input(column, detail::parameter(index + 2)); });
    const auto after =
        rest.empty() ? std::string("1 = 0") : detail::text({"(", detail::names_of_table<Dialect>(rest), ") > (", given, ")"});
    return detail::statement<Dialect>(detail::text({sweep(table, count + 1), " WHERE ", of_group(table), " AND ", after,
                                                    " ORDER BY ", keys(table), " LIMIT ", detail::parameter(count + 2)}));
  }
  Statement sweep_group_next;

  /// (start, 1 or 0, limit) -> as `sweep_first`, and rendered_at, and where 1 is given how many bytes the columns take
  static Statement make_survey_first(const Table& table) {
    return detail::statement<Dialect>(detail::text({survey(table, 1), " ORDER BY ", keys(table), " LIMIT $3"}));
  }
  Statement survey_first;

  /// (key, start, 1 or 0, limit) -> the same for the keys that come after the given one
  static Statement make_survey_next(const Table& table) {
    const auto count = table.keys.size();
    return detail::statement<Dialect>(
        detail::text({survey(table, count + 1), " WHERE (", keys(table), ") > (", detail::parameters<Dialect>(table.keys),
                      ") ORDER BY ", keys(table), " LIMIT ", detail::parameter(count + 3)}));
  }
  Statement survey_next;

 private:
  static std::string survey(const Table& table, std::size_t start) {
    const auto bytes = detail::joined(table.columns(), " + ", [](const Column& column, std::size_t) {
      return detail::text({"coalesce(", Dialect::bytes(detail::of_table<Dialect>(column)), ", 0)"});
    });
    return detail::text({"SELECT ", outputs(table.keys), detail::is_newer<Dialect>(table, start), ", ",
                         detail::output<Dialect>(table.rendered_at()), ", CASE WHEN ", detail::parameter(start + 1), " = 1 THEN ",
                         bytes, " ELSE 0 END", detail::from_table<Dialect>(table)});
  }
  static std::string sweep(const Table& table, std::size_t start) {
    return detail::text(
        {"SELECT ", outputs(table.keys), detail::is_newer<Dialect>(table, start), detail::from_table<Dialect>(table)});
  }
  static std::string of_group(const Table& table) {
    const auto& group = table.keys.front();
    return detail::text({detail::of_table<Dialect>(group), " = ", Dialect::input(group, "$1")});
  }
  static Statement groups(const Table& table, std::string_view from, std::string_view limit) {
    const auto group = detail::of_table<Dialect>(table.keys.front());
    const auto first = [&](std::string_view condition) {
      return detail::text({"(SELECT ", group, detail::from_table<Dialect>(table), condition, " ORDER BY ", group, " LIMIT 1)"});
    };
    return detail::statement<Dialect>(detail::text(
        {"WITH RECURSIVE stored(g, n) AS (SELECT ", first(from), ", 1 UNION ALL SELECT ",
         first(detail::text({" WHERE ", group, " > s.g"})), ", s.n + 1 FROM stored AS s WHERE s.g IS NOT NULL AND s.n < ", limit,
         ") SELECT ", Dialect::output(table.keys.front(), "s.g"), " FROM stored AS s WHERE s.g IS NOT NULL"}));
  }
  static std::string keys(const Table& table) { return detail::names_of_table<Dialect>(table.keys); }
  /// Each with a comma behind it.
  static std::string outputs(std::span<const Column> columns) {
    return detail::joined(columns, "", [](const Column& column, std::size_t) {
      return detail::text({detail::output<Dialect>(column), ", "});
    });
  }
};

/// Batches of any size in one statement, where the engine has them. `keys`, `values`, `fingerprints` and `stored texts` are one of
/// each for each query or entry, passed as the dialect's `batch` takes them.
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

  /// (keys, values, stored texts); no key twice ("cannot affect row a second time"), sorted by key against deadlocks.
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

/// Publishing over what was seen alone, where the engine can.
template <class Dialect>
struct ReplaceSql {
  static_assert(HasConditionalWrites<Dialect>);

  explicit ReplaceSql(const Table& table) : insert_new(make_insert_new(table)), replace(make_replace(table)) {}

  /// (key, value, stored text): changes nothing where the key has a row
  static Statement make_insert_new(const Table& table) {
    return detail::statement<Dialect>(Dialect::insert_new(table, detail::published_row<Dialect>(table)));
  }
  Statement insert_new;

  /// (key, value, stored text, the stored text that was seen, "" for NULL): changes nothing where that is not there any more. The cast is
  /// for what is no text in a table of SQLite's that is not STRICT.
  static Statement make_replace(const Table& table) {
    return detail::statement<Dialect>(
        Dialect::update(table, detail::text({"CAST(coalesce(", detail::of_table<Dialect>(table.fingerprint()),
                                             ", '') AS text) = ", detail::parameter(table.sent().size() + 1)})));
  }
  Statement replace;
};

/// () -> the groups that live, one a row: what an operator's query in the same database names, such as `SELECT alias_name FROM
/// global_repos`, or the first `limit` of them. NULLs mean nothing. The query becomes part of the statement as it is: inside FROM no
/// database lets it change anything, and a union has as many columns on both sides, of types that can be compared.
template <class Dialect>
std::string live_groups_sql(const Table& table, std::string_view query, std::size_t limit) {
  static_assert(check_dialect<Dialect>());
  query = query.substr(0, query.find_last_not_of("; \t\r\n") + 1);
  return detail::text({"SELECT ", Dialect::output(table.keys.front(), "live.g"), " FROM (SELECT ",
                       detail::of_table<Dialect>(table.keys.front()), " AS g", detail::from_table<Dialect>(table),
                       " WHERE 1 = 0 UNION ALL SELECT * FROM (\n",
                       query,  // a line of its own: it may end in a comment
                       "\n) AS named) AS live WHERE live.g IS NOT NULL LIMIT ", std::to_string(limit)});
}

}  // namespace render_cache
