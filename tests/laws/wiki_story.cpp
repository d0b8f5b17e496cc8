#include "laws/wiki_story.hpp"

#include <render_cache/store/memory.hpp>
#include <render_cache/store/sqlite.hpp>
#include <render_cache/store/tiered.hpp>
#include <render_cache/wiki_migrations.hpp>

namespace wiki_story_laws {

using namespace render_cache;

namespace {

struct Sqlite {
  test::TemporaryDirectory directory{};
  SqliteStore<WikiSchema> store{{.path = directory / "wiki.db", .migrations = wiki_migrations<SqliteDialect>()}};
};

struct Memory {
  MemoryStore<WikiSchema> store{};
};

struct Tiered {
  test::TemporaryDirectory directory{};
  MemoryStore<WikiSchema> near{};
  SqliteStore<WikiSchema> far{{.path = directory / "wiki.db", .migrations = wiki_migrations<SqliteDialect>()}};
  TieredStore<MemoryStore<WikiSchema>, SqliteStore<WikiSchema>> store{near, far};
};

RENDER_CACHE_WIKI_STORY(Sqlite)
RENDER_CACHE_WIKI_STORY(Memory)
RENDER_CACHE_WIKI_STORY(Tiered)

}  // namespace

}  // namespace wiki_story_laws
