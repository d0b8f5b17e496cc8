#include "laws/two_nodes.hpp"

#include <render_cache/store/postgres.hpp>

#include "support/database.hpp"
#include "support/postgres_schema.hpp"

namespace two_nodes_postgres_tests {

using namespace render_cache;

namespace {

struct Postgres {
  test::TestDatabase database{};
  std::size_t migrations = test::migrate_postgres(database.conninfo());
  PostgresStore<WikiSchema> one{database.options()}, other{database.options()};
};

RENDER_CACHE_TWO_NODES_STORY(Postgres)

}  // namespace

}  // namespace two_nodes_postgres_tests
