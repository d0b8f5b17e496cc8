// What a PostgresStore runs again and again.
#pragma once

#include <render_cache/sql/columns.hpp>
#include <render_cache/sql/dialect/postgres.hpp>
#include <render_cache/sql/leases.hpp>
#include <render_cache/sql/statements.hpp>
#include <render_cache/store/postgres/connection.hpp>

namespace render_cache::detail {

/// Of one table.
struct PostgresStatements {
  explicit PostgresStatements(const Table& table)
      : PostgresStatements(Sql<PostgresDialect>(table), BatchSql<PostgresDialect>(table), ReplaceSql<PostgresDialect>(table),
                           LeaseSql<PostgresDialect>(table)) {}
  PostgresStatements(const Sql<PostgresDialect>& sql, const BatchSql<PostgresDialect>& batch,
                     const ReplaceSql<PostgresDialect>& over, const LeaseSql<PostgresDialect>& leases)
      : lookup("lookup", sql.lookup.text), lookup_many("lookup_many", batch.lookup_many.text),
        lookup_stale("lookup_stale", sql.lookup_stale.text), publish("publish", sql.publish.text),
        publish_many("publish_many", batch.publish_many.text), insert_new("insert_new", over.insert_new.text),
        replace("replace", over.replace.text), erase("erase", sql.erase.text), erase_group("erase_group", sql.erase_group.text),
        sweep_start("sweep_start", sql.sweep_start.text), sweep_first("sweep_first", sql.sweep_first.text),
        sweep_next("sweep_next", sql.sweep_next.text), erase_older("erase_older", batch.erase_older.text),
        groups_first("groups_first", sql.groups_first.text), groups_next("groups_next", sql.groups_next.text),
        sweep_group_first("sweep_group_first", sql.sweep_group_first.text),
        sweep_group_next("sweep_group_next", sql.sweep_group_next.text), survey_first("survey_first", sql.survey_first.text),
        survey_next("survey_next", sql.survey_next.text), acquire_lease("acquire_lease", leases.acquire.text),
        renew_lease("renew_lease", leases.renew.text), release_lease("release_lease", leases.release.text),
        clean_up_leases("clean_up_leases", leases.clean_up.text) {}
  PostgresStatement lookup, lookup_many, lookup_stale, publish, publish_many, insert_new, replace, erase, erase_group,
      sweep_start, sweep_first, sweep_next, erase_older, groups_first, groups_next, sweep_group_first, sweep_group_next,
      survey_first, survey_next, acquire_lease, renew_lease, release_lease, clean_up_leases;
};

}  // namespace render_cache::detail
