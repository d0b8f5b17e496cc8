#include "laws/wiki_story.hpp"

#include <render_cache/store/sqlite.hpp>
#include <render_cache/wiki_migrations.hpp>

using namespace render_cache;

namespace {

struct Sqlite {
  test::TemporaryDirectory directory{};
  SqliteStore<WikiSchema> store{{.path = directory / "wiki.db", .migrations = wiki_migrations(Dialect::sqlite)}};
};

RENDER_CACHE_WIKI_STORY(Sqlite)

}  // namespace
