#include <render_cache/store/sqlite.hpp>

#include <render_cache/laws/store_laws.hpp>
#include <render_cache/sql/create_table.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "support/all_kinds.hpp"
#include "support/more_kinds.hpp"
#include "support/temporary_directory.hpp"

using namespace render_cache;

namespace {

struct SqliteWiki {
  static constexpr bool durable = true;
  test::TemporaryDirectory directory{};
  SqliteStore<WikiSchema> store{{.path = directory / "wiki.db", .migrations = wiki_migrations<SqliteDialect>()}};
};

struct SqliteAllKinds {
  static constexpr bool durable = true;
  test::TemporaryDirectory directory{};
  SqliteStore<test::AllKindsSchema> store{
      {.path = directory / "all.db", .migrations = {{1, "all_kinds", test::all_kinds_sqlite, "DROP TABLE all_kinds"}}}};
};

struct SqliteMoreKinds {
  static constexpr bool durable = true;
  test::TemporaryDirectory directory{};
  SqliteStore<test::MoreKindsSchema> store{
      {.path = directory / "more.db", .migrations = {create_table<test::MoreKindsSchema, SqliteDialect>()}}};
};

RENDER_CACHE_STORE_LAWS(SqliteWiki)
RENDER_CACHE_STORE_LAWS(SqliteAllKinds)
RENDER_CACHE_STORE_LAWS(SqliteMoreKinds)

}  // namespace
