#include <mariadb/store.hpp>

#include <render_cache/laws/store_laws.hpp>
#include <render_cache/sql/create_table.hpp>
#include <render_cache/wiki.hpp>

#include "support/all_kinds.hpp"
#include "support/mariadb_database.hpp"
#include "support/more_kinds.hpp"

namespace store_laws_tests {

using namespace mariadb_example;

namespace {

/// The table is the one that is made of the schema.
template <class Schema>
struct MariaDb {
  static constexpr bool durable = true;
  test::MariaDbDatabase database{};
  MariaDbStore<Schema> store{database.options({create_table<Schema, MariaDbDialect>()})};
  MariaDbConnection& connection() { return database.connection(); }
};

using MariaDbWiki = MariaDb<WikiSchema>;
using MariaDbAllKinds = MariaDb<test::AllKindsSchema>;
using MariaDbMoreKinds = MariaDb<test::MoreKindsSchema>;

RENDER_CACHE_STORE_LAWS(MariaDbWiki)
RENDER_CACHE_STORE_LAWS(MariaDbAllKinds)
RENDER_CACHE_STORE_LAWS(MariaDbMoreKinds)

}  // namespace

}  // namespace store_laws_tests
