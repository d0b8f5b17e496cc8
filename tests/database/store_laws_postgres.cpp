#include <render_cache/store/postgres.hpp>

#include <render_cache/laws/store_laws.hpp>
#include <render_cache/wiki.hpp>

#include "support/all_kinds.hpp"
#include "support/database.hpp"
#include "support/postgres_schema.hpp"

using namespace render_cache;

namespace {

struct PostgresWiki {
  static constexpr bool durable = true;
  test::TestDatabase database{};
  std::size_t migrations = test::migrate_postgres(database.conninfo());
  PostgresStore<WikiSchema> store{{.conninfo = database.conninfo()}};
};

struct PostgresAllKinds {
  static constexpr bool durable = true;
  test::TestDatabase database{};
  pqxx::result table = database.execute(test::all_kinds_postgres);
  PostgresStore<test::AllKindsSchema> store{{.conninfo = database.conninfo()}};
};

/// Behind an old PgBouncer.
struct PostgresWithoutPreparedStatements {
  static constexpr bool durable = true;
  test::TestDatabase database{};
  std::size_t migrations = test::migrate_postgres(database.conninfo());
  PostgresStore<WikiSchema> store{{.conninfo = database.conninfo(), .prepared_statements = false}};
};

RENDER_CACHE_STORE_LAWS(PostgresWiki)
RENDER_CACHE_STORE_LAWS(PostgresAllKinds)
RENDER_CACHE_STORE_LAWS(PostgresWithoutPreparedStatements)

}  // namespace
