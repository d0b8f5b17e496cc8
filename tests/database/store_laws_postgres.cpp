#include <render_cache/store/postgres.hpp>

#include <render_cache/laws/store_laws.hpp>
#include <render_cache/sql/create_table.hpp>
#include <render_cache/wiki.hpp>

#include "support/all_kinds.hpp"
#include "support/database.hpp"
#include "support/more_kinds.hpp"
#include "support/postgres_schema.hpp"

namespace store_laws_postgres_tests {

using namespace render_cache;

namespace {

struct PostgresWiki {
  static constexpr bool durable = true;
  test::TestDatabase database{};
  std::size_t migrations = test::migrate_postgres(database.conninfo());
  PostgresStore<WikiSchema> store{database.options()};
  PostgresConnection connection() { return PostgresConnection(database.options()); }
};

struct PostgresAllKinds {
  static constexpr bool durable = true;
  test::TestDatabase database{};
  std::size_t migrations = test::migrate_postgres(database.conninfo());
  pqxx::result table = database.execute(test::all_kinds_postgres);
  PostgresStore<test::AllKindsSchema> store{database.options()};
  PostgresConnection connection() { return PostgresConnection(database.options()); }
};

/// Whatever the session's settings.
struct PostgresMoreKinds {
  static constexpr bool durable = true;
  test::TestDatabase database{};
  PostgresStore<test::MoreKindsSchema> store{test::patient(
      {.conninfo = with_settings(database.conninfo()), .migrations = {create_table<test::MoreKindsSchema, PostgresDialect>()}})};
  PostgresConnection connection() { return PostgresConnection(database.options()); }

  static std::string with_settings(std::string conninfo) {
    return conninfo.insert(conninfo.find("search_path"),
                           "TimeZone=Asia/Kathmandu -c DateStyle=German -c bytea_output=escape -c extra_float_digits=0 -c ");
  }
};

/// Behind an old PgBouncer.
struct PostgresWithoutPreparedStatements {
  static constexpr bool durable = true;
  test::TestDatabase database{};
  std::size_t migrations = test::migrate_postgres(database.conninfo());
  PostgresStore<WikiSchema> store{test::patient({.conninfo = database.conninfo(), .prepared_statements = false})};
  PostgresConnection connection() { return PostgresConnection(database.options()); }
};

/// The table in partitions, as the documentation has them.
struct PostgresPartitions {
  static constexpr bool durable = true;
  test::TestDatabase database{};
  std::size_t migrations = test::migrate_postgres(database.conninfo());
  std::size_t partitions = test::partition_postgres(database.conninfo());
  PostgresStore<WikiSchema> store{test::patient({.conninfo = with_plans(database.conninfo())})};
  PostgresConnection connection() { return PostgresConnection(database.options()); }

  static std::string with_plans(std::string conninfo) {
    return conninfo.insert(conninfo.find("search_path"), "plan_cache_mode=force_generic_plan -c ");
  }
};

RENDER_CACHE_STORE_LAWS(PostgresWiki)
RENDER_CACHE_STORE_LAWS(PostgresPartitions)
RENDER_CACHE_STORE_LAWS(PostgresAllKinds)
RENDER_CACHE_STORE_LAWS(PostgresMoreKinds)
RENDER_CACHE_STORE_LAWS(PostgresWithoutPreparedStatements)

}  // namespace

}  // namespace store_laws_postgres_tests
