#include <render_cache/store/sqlite.hpp>

#include <render_cache/laws/store_laws.hpp>
#include <render_cache/sql/create_table.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "support/all_kinds.hpp"
#include "support/more_kinds.hpp"
#include "support/temporary_directory.hpp"

#include <chrono>

namespace store_laws_sqlite_tests {

using namespace render_cache;

namespace {

/// Of somebody else's.
SqliteConnection connect(const test::TemporaryDirectory& directory, const char* file) {
  return {directory / file, SqliteConnection::Access::write, std::chrono::seconds(5)};
}

struct SqliteWiki {
  static constexpr bool durable = true;
  test::TemporaryDirectory directory{};
  SqliteStore<WikiSchema> store{{.path = directory / "wiki.db", .migrations = wiki_migrations<SqliteDialect>()}};
  SqliteConnection connection() { return connect(directory, "wiki.db"); }
};

struct SqliteAllKinds {
  static constexpr bool durable = true;
  test::TemporaryDirectory directory{};
  SqliteStore<test::AllKindsSchema> store{
      {.path = directory / "all.db", .migrations = {{1, "all_kinds", test::all_kinds_sqlite, "DROP TABLE all_kinds"}}}};
  SqliteConnection connection() { return connect(directory, "all.db"); }
};

struct SqliteMoreKinds {
  static constexpr bool durable = true;
  test::TemporaryDirectory directory{};
  SqliteStore<test::MoreKindsSchema> store{
      {.path = directory / "more.db", .migrations = {create_table<test::MoreKindsSchema, SqliteDialect>()}}};
  SqliteConnection connection() { return connect(directory, "more.db"); }
};

RENDER_CACHE_STORE_LAWS(SqliteWiki)
RENDER_CACHE_STORE_LAWS(SqliteAllKinds)
RENDER_CACHE_STORE_LAWS(SqliteMoreKinds)

}  // namespace

}  // namespace store_laws_sqlite_tests
