#include <render_cache/sql/migrate.hpp>

#include <render_cache/sql/create_table.hpp>
#include <render_cache/store/postgres.hpp>
#include <render_cache/wiki.hpp>

#include "support/all_kinds.hpp"
#include "support/catch.hpp"
#include "support/database.hpp"
#include "support/postgres_schema.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace postgres_migrations_tests {

using namespace render_cache;
using test::TestDatabase;

namespace {

std::vector<Migration> migrations() { return load_migrations(RENDER_CACHE_SOURCE_DIR "/migrations/postgres"); }

const Fingerprint fresh = Fingerprint().add("source", 1);

EntryPtr<WikiPage> page(const std::string& html) {
  return std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{html, {"{}"}}, fresh});
}

}  // namespace

TEST_CASE("of many nodes that start at once, one migrates, the others wait, and all find the table", "[concurrent]") {
  TestDatabase database;
  constexpr std::size_t nodes = 8;
  std::atomic<std::size_t> applied = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> starting;
  for (std::size_t node = 0; node < nodes; ++node) {
    starting.emplace_back([&] {
      try {
        applied += test::migrate_postgres(database.conninfo());
        PostgresStore<WikiSchema>(database.options()).check();
      } catch (const std::exception&) {
        ++failed;
      }
    });
  }
  for (auto& node : starting) node.join();
  CHECK(failed == 0);
  CHECK(applied == migrations().size());
  CHECK(database.value("SELECT count(*) FROM render_cache_migrations") == std::to_string(migrations().size()));
}

TEST_CASE("stores that are given the migrations make their table when they first connect, each node at once", "[concurrent]") {
  TestDatabase database;
  std::atomic<int> failed = 0;
  std::vector<std::thread> starting;
  for (unsigned node = 0; node < 4; ++node) {
    starting.emplace_back([&, node] {
      try {
        PostgresStore<WikiSchema> store(test::patient({.conninfo = database.conninfo(), .migrations = migrations()}));
        const auto entry =
            std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{"x", {"{}"}}, Fingerprint().add("source", node)});
        const WikiKey key{"docs", std::to_string(node)};
        store.publish(key, entry);
        if (!store.lookup(key, entry->fingerprint).entry) ++failed;
      } catch (const std::exception&) {
        ++failed;
      }
    });
  }
  for (auto& node : starting) node.join();
  CHECK(failed == 0);
  CHECK(database.value("SELECT count(*) FROM wiki_cache") == "4");
}

TEST_CASE("a store whose migration fails says so at each use, until it succeeds") {
  TestDatabase database;
  database.execute("CREATE VIEW wiki_cache AS SELECT 1");
  PostgresStore<WikiSchema> store(test::patient({.conninfo = database.conninfo(), .migrations = migrations()}));
  for (int use = 0; use < 2; ++use) CHECK_THROWS_AS(store.lookup({"docs", "a.md"}, Fingerprint()), MigrationError);
  database.execute("DROP VIEW wiki_cache");
  store.check();
  CHECK(store.lookup({"docs", "a.md"}, Fingerprint()).entry == nullptr);
}

TEST_CASE("processes that migrate at once do not meet either") {
  TestDatabase database;
  std::vector<pid_t> nodes;
  for (int node = 0; node < 4; ++node) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      int status = 0;
      try {
        test::migrate_postgres(database.conninfo());
      } catch (...) {
        status = 1;
      }
      _exit(status);
    }
    nodes.push_back(child);
  }
  for (const pid_t node : nodes) {
    int status = 0;
    waitpid(node, &status, 0);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  }
  CHECK(database.value("SELECT count(*) FROM render_cache_migrations") == std::to_string(migrations().size()));
}

TEST_CASE("the wiki's table is the one that is documented") {
  TestDatabase database;
  test::migrate_postgres(database.conninfo());
  CHECK(database.value(
            "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute "
            "WHERE attrelid = 'wiki_cache'::regclass AND attnum > 0") ==
        "repo_alias text, page_path text, rendered_html text, source_hash text, rendered_at timestamp with time zone, metadata "
        "jsonb");
  CHECK(database.value("SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'wiki_cache'::regclass") == "now()");
  CHECK(database.value("SELECT pg_get_indexdef('idx_wiki_cache_repo'::regclass)").ends_with("(repo_alias)"));
  CHECK(database.value("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'wiki_cache'::regclass") ==
        "PRIMARY KEY (repo_alias, page_path)");
}

TEST_CASE("bodies are compressed with lz4 and their table is vacuumed early, where the server can") {
  TestDatabase database;
  test::migrate_postgres(database.conninfo());
  CHECK(database.value("SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute "
                       "WHERE attrelid = 'wiki_cache'::regclass AND attcompression = 'l'") == "metadata,rendered_html");
  CHECK(database.value("SELECT count(*) FROM pg_class t JOIN pg_class w ON w.reltoastrelid = t.oid WHERE w.oid = "
                       "'wiki_cache'::regclass AND t.reloptions::text LIKE '%autovacuum_vacuum_scale_factor%'") == "1");
}

TEST_CASE("migrations go down and up again") {
  TestDatabase database;
  PostgresConnection connection({.conninfo = database.conninfo()});
  Migrator migrator(connection, migrations());
  CHECK(migrator.pending().size() == migrations().size());
  CHECK(migrator.up() == migrations().size());
  CHECK(migrator.up() == 0);
  CHECK(migrator.down(0) == migrations().size());
  CHECK(database.value("SELECT to_regclass('wiki_cache') IS NULL") == "t");
  CHECK(migrator.up() == migrations().size());
  CHECK(migrator.pending().empty());
}

TEST_CASE("the table that is made of a schema is the one that its stores ask for") {
  TestDatabase database;
  PostgresConnection connection({.conninfo = database.conninfo()});
  Migrator migrator(connection,
                    {create_table<WikiSchema, PostgresDialect>(), create_table<test::AllKindsSchema, PostgresDialect>(2)});
  CHECK(migrator.up() == 2);
  check_table<WikiSchema>(connection);
  check_table<test::AllKindsSchema>(connection);
  CHECK(migrator.down(0) == 2);
  CHECK_THROWS_AS(check_table<WikiSchema>(connection), SchemaMismatch);
}

TEST_CASE("a migration that fails changes nothing and can be tried again") {
  TestDatabase database;
  PostgresConnection connection({.conninfo = database.conninfo()});
  auto history = migrations();
  const auto next = history.back().version + 1;
  history.push_back({next, "broken", "CREATE TABLE half (a int); SELECT 1 / 0", ""});
  CHECK_THROWS_WITH(Migrator(connection, history).up(), ContainsSubstring("broken") && ContainsSubstring("22012"));
  CHECK(database.value("SELECT to_regclass('half') IS NULL") == "t");
  CHECK(database.value("SELECT max(version) FROM render_cache_migrations") == std::to_string(next - 1));
  history.back().up = "CREATE TABLE whole (a int)";
  CHECK(Migrator(connection, history).up() == 1);
  CHECK(database.value("SELECT to_regclass('whole') IS NOT NULL") == "t");
}

TEST_CASE("a changed history is refused with the name of the migration") {
  TestDatabase database;
  PostgresConnection connection({.conninfo = database.conninfo()});
  auto history = migrations();
  Migrator(connection, history).up();
  auto changed = history;
  changed.front().up += " ";
  CHECK_THROWS_WITH(Migrator(connection, changed).up(), ContainsSubstring("wiki_cache") && ContainsSubstring("checksum"));
}

TEST_CASE("nodes of two releases live side by side, forward and back, as long as the table fits both") {
  TestDatabase database;
  auto newer = migrations();
  newer.push_back({newer.back().version + 1, "later", "ALTER TABLE wiki_cache ADD COLUMN words INTEGER",
                   "ALTER TABLE wiki_cache DROP COLUMN words"});
  const WikiKey key{"docs", "a.md"};
  const auto old_node = [&] {
    return std::make_unique<PostgresStore<WikiSchema>>(
        test::patient({.conninfo = database.conninfo(), .migrations = migrations()}));
  };
  const auto before = old_node();
  before->publish(key, page("old"));
  PostgresStore<WikiSchema> new_node(test::patient({.conninfo = database.conninfo(), .migrations = newer}));
  CHECK(new_node.lookup(key, fresh).entry->value.rendered_html == "old");
  CHECK(before->lookup(key, fresh).entry != nullptr);  // forward: it runs on
  const auto restarted = old_node();                   // and may start anew
  CHECK_NOTHROW(restarted->check());
  restarted->publish(key, page("from the older one"));
  CHECK(new_node.lookup(key, fresh).entry->value.rendered_html == "from the older one");

  PostgresConnection connection({.conninfo = database.conninfo()});
  CHECK(Migrator(connection, newer).down(migrations().back().version) == 1);  // back
  CHECK(restarted->lookup(key, fresh).entry != nullptr);
  restarted->publish(key, page("after the way back"));
  CHECK(restarted->lookup(key, fresh).entry->value.rendered_html == "after the way back");

  newer.back().up = "ALTER TABLE wiki_cache DROP COLUMN metadata";
  Migrator(connection, newer).up();
  CHECK_THROWS_WITH(old_node()->check(), ContainsSubstring("metadata"));  // one that does not fit is told by the table
}

}  // namespace postgres_migrations_tests
