#include "laws/wiki_story.hpp"

#include <render_cache/store/postgres.hpp>

#include "support/database.hpp"
#include "support/postgres_schema.hpp"

namespace wiki_story_postgres_tests {

using namespace render_cache;

namespace {

struct Postgres {
  test::TestDatabase database{};
  std::size_t migrations = test::migrate_postgres(database.conninfo());
  PostgresStore<WikiSchema> store{database.options()};
};

RENDER_CACHE_WIKI_STORY(Postgres)

}  // namespace

}  // namespace wiki_story_postgres_tests
