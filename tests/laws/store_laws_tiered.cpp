#include <render_cache/store/tiered.hpp>

#include <render_cache/laws/store_laws.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/store/sqlite.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "support/temporary_directory.hpp"

namespace store_laws_tiered_tests {

using namespace render_cache;

namespace {

struct MemoryBeforeSqlite {
  static constexpr bool durable = true;
  test::TemporaryDirectory directory{};
  MemoryStore<WikiSchema> near{};
  SqliteStore<WikiSchema> far{{.path = directory / "wiki.db", .migrations = wiki_migrations<SqliteDialect>()}};
  TieredStore<MemoryStore<WikiSchema>, SqliteStore<WikiSchema>> store{near, far};
};

/// So small that everything is evicted at once: the far store has to do.
struct TinyMemoryBeforeSqlite {
  static constexpr bool durable = true;
  test::TemporaryDirectory directory{};
  MemoryStore<WikiSchema> near{{.capacity = 1024}};
  SqliteStore<WikiSchema> far{{.path = directory / "wiki.db", .migrations = wiki_migrations<SqliteDialect>()}};
  TieredStore<MemoryStore<WikiSchema>, SqliteStore<WikiSchema>> store{near, far};
};

RENDER_CACHE_STORE_LAWS(MemoryBeforeSqlite)
RENDER_CACHE_STORE_LAWS(TinyMemoryBeforeSqlite)

}  // namespace

}  // namespace store_laws_tiered_tests
