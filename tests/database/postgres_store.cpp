#include <render_cache/store/postgres.hpp>

#include <render_cache/laws/samples.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "support/all_kinds.hpp"
#include "support/catch.hpp"
#include "support/database.hpp"
#include "support/postgres_schema.hpp"
#include "support/wait_until.hpp"

#include <pqxx/pqxx>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace postgres_store_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using test::TestDatabase;
using Wiki = PostgresStore<WikiSchema>;

namespace {

const Fingerprint fresh = Fingerprint().add("source", "s2:1").add("renderer", "test/1");
const Fingerprint newer = Fingerprint().add("source", "s2:2").add("renderer", "test/1");

EntryPtr<WikiPage> page(const std::string& html, const Fingerprint& fingerprint = fresh) {
  return std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{html, {"{\"title\": \"t\"}"}}, fingerprint});
}

/// Incompressible enough to be stored in TOAST.
std::string long_html(unsigned seed) {
  std::string html;
  for (std::uint64_t state = seed; html.size() < 20'000; state = state * 6364136223846793005u + 1) html += std::to_string(state);
  return html;
}

/// A wiki table of the test's own, and a store on it whose sessions can be told from others by their name.
struct WikiDatabase : TestDatabase {
  WikiDatabase() { test::migrate_postgres(conninfo()); }

  PostgresOptions options() const { return test::patient({.conninfo = conninfo() + " application_name=" + name()}); }

  /// Ends the store's sessions, as an administrator or a restart would.
  void terminate_sessions() {
    execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = '" + name() + "'");
  }
  int sessions() { return std::stoi(value("SELECT count(*) FROM pg_stat_activity WHERE application_name = '" + name() + "'")); }
};

/// Keeps the table locked while it lives.
class TableLock {
 public:
  explicit TableLock(const TestDatabase& database) : connection_(database.conninfo()), transaction_(connection_) {
    transaction_.exec("LOCK TABLE wiki_cache IN ACCESS EXCLUSIVE MODE");
  }

 private:
  pqxx::connection connection_;
  pqxx::work transaction_;
};

}  // namespace

TEST_CASE("a program starts without its server, and each operation says that the store is unavailable") {
  Wiki store({.conninfo = "host=/nonexistent"});
  CHECK_THROWS_AS(store.lookup({"docs", "a.md"}, fresh), StoreUnavailable);
  CHECK_THROWS_AS(store.publish({"docs", "a.md"}, page("x")), StoreUnavailable);
  CHECK_THROWS_WITH(store.check(), ContainsSubstring("/nonexistent"));
  CHECK(store.stats().unavailable == 3);
  CHECK(store.stats().connections_open == 0);
  CHECK(store.stats().retries == 0);
}

TEST_CASE("a terminated session is replaced, and the operation is run again unnoticed") {
  WikiDatabase database;
  Wiki store(database.options());
  store.publish({"docs", "a.md"}, page("x"));
  database.terminate_sessions();
  CHECK(store.lookup({"docs", "a.md"}, fresh).entry != nullptr);
  CHECK(store.stats().retries == 1);
  database.terminate_sessions();
  store.publish({"docs", "a.md"}, page("y", newer));
  CHECK(store.lookup({"docs", "a.md"}, newer).entry != nullptr);
  CHECK(store.stats().retries == 2);
  CHECK(store.stats().unavailable == 0);
}

TEST_CASE("when all pooled sessions died, one retry is enough") {
  WikiDatabase database;
  auto options = database.options();
  options.lookup_timeout = 60s;  // until there are four of them
  Wiki store(options);
  store.publish({"docs", "a.md"}, page("x"));
  {
    std::vector<std::future<Lookup<WikiPage>>> blocked;
    {
      TableLock lock(database);
      for (int number = 0; number < 4; ++number) {
        blocked.push_back(std::async(std::launch::async, [&] { return store.lookup({"docs", "a.md"}, fresh); }));
      }
      test::wait_until([&] { return database.sessions() >= 4; });
    }
    for (auto& one : blocked) CHECK(one.get().entry != nullptr);
  }
  test::wait_until([&] { return store.stats().connections_idle >= 4; });  // the last may have been on its way when the lock went
  database.terminate_sessions();
  CHECK(store.lookup({"docs", "a.md"}, fresh).entry != nullptr);
  CHECK(store.stats().retries == 1);
  CHECK(store.stats().connections_open == 1);
}

TEST_CASE("a statement that takes too long is cancelled, and the store goes on") {
  WikiDatabase database;
  auto options = database.options();
  options.statement_timeout = 2s;
  Wiki store(options);
  store.publish({"docs", "a.md"}, page("x"));
  {
    TableLock lock(database);
    CHECK_THROWS_AS(store.lookup({"docs", "a.md"}, fresh), StoreUnavailable);
    CHECK_THROWS_WITH(store.publish({"docs", "a.md"}, page("y", newer)), ContainsSubstring("57014"));
  }
  CHECK(store.lookup({"docs", "a.md"}, fresh).entry != nullptr);
  CHECK(store.stats().retries == 0);
  CHECK(store.stats().unavailable == 2);
}

TEST_CASE("who waits too long for a connection is told that the pool is busy") {
  WikiDatabase database;
  auto options = database.options();
  options.pool_size = 1;
  options.acquire_timeout = 50ms;
  Wiki store(options);
  store.lookup({"docs", "a.md"}, fresh);  // connects, with more patience than a publish has
  store.publish({"docs", "a.md"}, page("x"));
  std::future<Lookup<WikiPage>> blocked;
  {
    TableLock lock(database);
    blocked = std::async(std::launch::async, [&] { return store.lookup({"docs", "a.md"}, fresh); });
    while (store.stats().connections_idle > 0) std::this_thread::sleep_for(1ms);
    CHECK_THROWS_WITH(store.erase({"docs", "a.md"}), ContainsSubstring("all 1 connections of the pool were busy for 5"));
  }
  CHECK(blocked.get().entry != nullptr);
  CHECK(store.lookup({"docs", "a.md"}, fresh).entry != nullptr);
}

TEST_CASE("many threads share few connections", "[concurrent]") {
  WikiDatabase database;
  auto options = database.options();
  options.pool_size = 2;
  Wiki store(options);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int number = 0; number < 8; ++number) {
    threads.emplace_back([&, number] {
      const WikiKey key{"docs", std::to_string(number)};
      for (int round = 0; round < 30; ++round) {
        const auto fingerprint = Fingerprint().add("source", round);
        store.publish(key, page(std::to_string(number * 1000 + round), fingerprint));
        const auto found = store.lookup(key, fingerprint);
        if (!found.entry || found.entry->value.rendered_html != std::to_string(number * 1000 + round)) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(store.stats().connections_open <= 2);
  CHECK(database.sessions() <= 2);
}

TEST_CASE("a table that does not fit is named column by column at each use, until it is repaired") {
  TestDatabase database;
  Wiki store(database.options());
  CHECK_THROWS_WITH(store.lookup({"docs", "a.md"}, fresh), ContainsSubstring("apply the migrations"));
  database.execute(
      "CREATE TABLE wiki_cache (repo_alias text, page_path text, rendered_html bytea, rendered_at timestamptz, "
      "metadata jsonb, PRIMARY KEY (repo_alias, page_path))");
  CHECK_THROWS_AS(store.check(), SchemaMismatch);  // a mismatch is believed for a second
  for (int use = 0; use < 2; ++use) {
    CHECK_THROWS_AS(store.lookup({"docs", "a.md"}, fresh), SchemaMismatch);
    CHECK_THROWS_WITH(store.lookup({"docs", "a.md"}, fresh),
                      ContainsSubstring("rendered_html") && ContainsSubstring("source_hash"));
  }
  CHECK(store.stats().mismatched == 6);
  database.execute("DROP TABLE wiki_cache");
  test::migrate_postgres(database.conninfo());
  CHECK_NOTHROW(store.check());
  store.publish({"docs", "a.md"}, page("x"));

  database.execute("ALTER TABLE wiki_cache DROP COLUMN metadata");
  CHECK_THROWS_WITH(store.lookup({"docs", "a.md"}, fresh), ContainsSubstring("'metadata' is missing"));
  CHECK_THROWS_AS(store.check(), SchemaMismatch);
}

TEST_CASE("a key whose collation takes texts for the same that differ is refused") {
  WikiDatabase database;
  database.execute("CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)");
  database.execute("ALTER TABLE wiki_cache ALTER COLUMN page_path TYPE text COLLATE any_case");
  Wiki store(database.options());
  CHECK_THROWS_WITH(store.lookup({"docs", "a.md"}, fresh), ContainsSubstring("'page_path' has a collation that takes texts"));
  database.execute("ALTER TABLE wiki_cache ALTER COLUMN page_path TYPE text COLLATE \"en-x-icu\"");
  CHECK_NOTHROW(store.check());

  // The column tells them apart, and the index would replace one's row for the other's.
  database.execute("ALTER TABLE wiki_cache DROP CONSTRAINT wiki_cache_pkey");
  database.execute("CREATE UNIQUE INDEX wiki_key ON wiki_cache (repo_alias, page_path COLLATE any_case)");
  CHECK_THROWS_WITH(store.check(), ContainsSubstring("no primary key or unique constraint"));
}

TEST_CASE("a table altered under prepared statements is used on without an error") {
  WikiDatabase database;
  Wiki store(database.options());
  store.publish({"docs", "a.md"}, page("x"));
  for (int use = 0; use < 8; ++use) CHECK(store.lookup({"docs", "a.md"}, fresh).entry != nullptr);  // a generic plan
  database.execute("ALTER TABLE wiki_cache ALTER COLUMN source_hash TYPE varchar(70000)");
  CHECK(store.lookup({"docs", "a.md"}, fresh).entry != nullptr);
  store.publish({"docs", "a.md"}, page("y", newer));
  CHECK(store.lookup({"docs", "a.md"}, newer).entry != nullptr);
}

TEST_CASE("a corrupt row is an unreadable miss, spoils no other and is repaired by a publish") {
  WikiDatabase database;
  Wiki store(database.options());
  store.publish({"docs", "good.md"}, page("x"));
  for (const std::string column : {"rendered_html", "metadata", "rendered_at", "source_hash"}) {
    const WikiKey key{"docs", "bad.md"};
    store.publish(key, page("x"));
    database.execute("UPDATE wiki_cache SET " + column + " = NULL WHERE page_path = 'bad.md'");
    const auto found = store.lookup(key, fresh);
    CHECK(found.entry == nullptr);
    CHECK_THAT(found.unreadable, ContainsSubstring("'" + column + "' is NULL") && ContainsSubstring("bad.md"));
    CHECK_FALSE(store.lookup_stale(key).has_value());
    const std::vector<Query<WikiKey>> queries{{key, fresh}, {{"docs", "good.md"}, fresh}};
    const auto both = store.lookup_many(queries);
    CHECK_THAT(both[0].unreadable, ContainsSubstring(column));
    CHECK(both[1].entry != nullptr);
    store.publish(key, page("y"));
    CHECK(store.lookup(key, fresh).entry != nullptr);
  }
}

TEST_CASE("a field out of its member's range makes the row unreadable") {
  TestDatabase database;
  database.execute(test::all_kinds_postgres);
  PostgresStore<test::AllKindsSchema> store(database.options());
  const auto key = laws::sample_key<test::AllKindsKey>(1, 1);
  const auto value = std::make_shared<const Entry<test::AllKinds>>(Entry<test::AllKinds>{laws::sample<test::AllKinds>(1), fresh});
  for (const std::string change : {"maybe_number = 5000000000", "\"time\" = 'infinity'", "maybe_time = '12024-01-01'"}) {
    store.publish(key, value);
    REQUIRE(store.lookup(key, fresh).entry != nullptr);
    database.execute("UPDATE all_kinds SET " + change);
    INFO(change);
    const auto found = store.lookup(key, fresh);
    CHECK(found.entry == nullptr);
    CHECK(found.unreadable != "");
  }
}

TEST_CASE("what the table refuses is an InvalidValue, and the old entry stays") {
  TestDatabase database;
  database.execute(test::all_kinds_postgres);
  PostgresStore<test::AllKindsSchema> store(database.options());
  const auto key = laws::sample_key<test::AllKindsKey>(1, 1);
  const auto publish = [&](auto change) {
    auto value = laws::sample<test::AllKinds>(1);
    change(value);
    store.publish(key, std::make_shared<const Entry<test::AllKinds>>(Entry<test::AllKinds>{value, newer}));
  };
  store.publish(key,
                std::make_shared<const Entry<test::AllKinds>>(Entry<test::AllKinds>{laws::sample<test::AllKinds>(1), fresh}));
  CHECK_THROWS_AS(publish([](auto& value) { value.json.text = "{not json"; }), InvalidValue);
  CHECK_THROWS_AS(publish([](auto& value) { value.json.text = R"({"nul": "\u0000"})"; }), InvalidValue);
  CHECK_THROWS_AS(publish([](auto& value) { value.maybe_text = std::string(2'000'001, 'x'); }), InvalidValue);
  CHECK_THROWS_AS(publish([](auto& value) { value.time = Timestamp::max(); }), InvalidValue);
  CHECK(store.lookup(key, fresh).entry != nullptr);
  CHECK(store.stats().retries == 0);
}

TEST_CASE("the time of a render is the database's, whatever the publishing node's clock says") {
  WikiDatabase database;
  Wiki store(database.options());
  auto entry = *page("x");
  entry.rendered_at = Timestamp(std::chrono::seconds(1));
  store.publish({"docs", "a.md"}, std::make_shared<const Entry<WikiPage>>(entry));
  const auto found = store.lookup({"docs", "a.md"}, fresh).entry;
  REQUIRE(found != nullptr);
  const auto microseconds = std::to_string(found->rendered_at.time_since_epoch().count());
  CHECK(microseconds == database.value("SELECT (extract(epoch FROM rendered_at) * 1000000)::bigint FROM wiki_cache"));
  CHECK(database.value("SELECT now() - rendered_at < interval '1 minute' FROM wiki_cache") == "t");

  database.execute("UPDATE wiki_cache SET rendered_at = now() - interval '3 hours'");
  const auto stale = store.lookup_stale({"docs", "a.md"});
  REQUIRE(stale.has_value());
  CHECK(stale->age >= 3h);
  CHECK(stale->age < 3h + 1min);
}

TEST_CASE("time zone, date style and encoding of the database change nothing") {
  WikiDatabase database;
  database.execute("SET timezone = 'Asia/Kathmandu'");
  auto options = database.options();
  options.conninfo.insert(options.conninfo.find("search_path"), "TimeZone=Asia/Kathmandu -c DateStyle=German -c ");
  Wiki store(options);
  store.publish({"docs", "a.md"}, page("caf\xc3\xa9"));
  const auto found = store.lookup({"docs", "a.md"}, fresh).entry;
  REQUIRE(found != nullptr);
  CHECK(found->value.rendered_html == "caf\xc3\xa9");
  CHECK(std::to_string(found->rendered_at.time_since_epoch().count()) ==
        database.value("SELECT (extract(epoch FROM rendered_at) * 1000000)::bigint FROM wiki_cache"));
}

TEST_CASE("an unchanged body under a new fingerprint is not written again") {
  WikiDatabase database;
  Wiki store(database.options());
  const auto toast = database.value("SELECT reltoastrelid::regclass FROM pg_class WHERE oid = 'wiki_cache'::regclass");
  const auto written = [&] { return database.value("SELECT max(chunk_id) FROM " + toast); };
  const WikiKey key{"docs", "a.md"};
  store.publish(key, page(long_html(1), fresh));
  const auto first = written();
  REQUIRE(first != "NULL");
  store.publish(key, page(long_html(1), newer));
  CHECK(written() == first);
  store.publish_many(std::vector<Wiki::KeyedEntry>{{key, page(long_html(1), fresh)}});
  CHECK(written() == first);
  CHECK(store.replace(key, page(long_html(1), newer), store.lookup(key, newer).seen));
  CHECK(written() == first);
  CHECK(store.lookup(key, newer).entry->value.rendered_html == long_html(1));
  store.publish(key, page(long_html(2), fresh));
  CHECK(written() != first);
}

TEST_CASE("whatever stands in the fingerprint's column can be replaced by who has seen it, and by nobody else") {
  WikiDatabase database;
  Wiki store(database.options());
  const WikiKey key{"docs", "a.md"};
  for (const std::string text : {"NULL", "''", "'source=1'", "'source=7||cost=1us|row=x3:0'", "'||'", "repeat('x', 100000)"}) {
    INFO(text);
    store.publish(key, page("x"));
    database.execute("UPDATE wiki_cache SET source_hash = " + text + ", rendered_at = '2000-01-01'");
    const auto seen = store.lookup(key, newer).seen;
    REQUIRE(seen.text.has_value());
    CHECK_FALSE(store.replace(key, page("y", newer), Seen{}));
    CHECK_FALSE(store.replace(key, page("y", newer), Seen{*seen.text + "x"}));
    CHECK_FALSE(store.replace({"docs", "b.md"}, page("y", newer), seen));
    CHECK(store.replace(key, page("y", newer), seen));
    REQUIRE(store.lookup(key, newer).entry != nullptr);
    CHECK(store.lookup(key, newer).entry->rendered_at > std::chrono::sys_days{std::chrono::year{2020} / 1 / 1});
    CHECK_FALSE(store.replace(key, page("z"), seen));
  }
  CHECK(store.replace(key, page("z"), Seen{"\xff"}));  // what no parameter can be
  CHECK(store.lookup(key, fresh).entry != nullptr);
}

TEST_CASE("the cache's own sessions commit without waiting for the disk, and no other") {
  WikiDatabase database;
  PostgresConnection ours(database.options());
  CHECK(ours.query("SHOW synchronous_commit", {}).at(0).at(0) == "off");
  CHECK(ours.query("SHOW statement_timeout", {}).at(0).at(0) == std::to_string(test::patience.count()) + "s");
  CHECK(ours.query("SHOW application_name", {}).at(0).at(0) == database.name());
  PostgresConnection plain({.conninfo = database.conninfo(), .statement_timeout = 0ms, .synchronous_commit = true});
  CHECK(plain.query("SHOW synchronous_commit", {}).at(0).at(0) == database.value("SHOW synchronous_commit"));
  CHECK(plain.query("SHOW statement_timeout", {}).at(0).at(0) == database.value("SHOW statement_timeout"));
  CHECK(plain.query("SHOW application_name", {}).at(0).at(0) == "render_cache");
}

TEST_CASE("a primary that became read-only is left for a new connection, and then reported") {
  WikiDatabase database;
  { Wiki(database.options()).publish({"docs", "a.md"}, page("x")); }
  auto options = database.options();
  options.conninfo.insert(options.conninfo.find("search_path"), "default_transaction_read_only=on -c ");
  Wiki store(options);
  CHECK(store.lookup({"docs", "a.md"}, fresh).entry != nullptr);
  std::this_thread::sleep_for(1100ms);  // a session that was good for a while
  CHECK_THROWS_AS(store.publish({"docs", "b.md"}, page("y")), StoreForbidden);
  CHECK(store.stats().retries == 1);
}

TEST_CASE("who may not make the table of leases is served without it") {
  WikiDatabase database;
  { Wiki(database.options()).publish({"docs", "a.md"}, page("x")); }
  database.execute("DROP TABLE render_cache_lease, render_cache_lease_migrations");
  auto options = database.options();
  options.conninfo.insert(options.conninfo.find("search_path"), "default_transaction_read_only=on -c ");
  options.migrations = wiki_migrations<PostgresDialect>();
  Wiki store(options);
  CHECK_NOTHROW(store.check());
  CHECK(store.lookup({"docs", "a.md"}, fresh).entry != nullptr);
  CHECK(store.acquire_lease({"docs", "a.md"}, fresh, "a", 1s) == LeaseAnswer::none);
}

TEST_CASE("what other nodes erase while a sweep goes on is neither removed by it nor newer than it") {
  WikiDatabase database;
  Wiki store(database.options()), other(database.options());
  for (int number = 0; number < 10; ++number) store.publish({"docs", std::to_string(number)}, page("x"));
  const auto report = store.prune(
      [&](const WikiKey& key) {
        if (key.page_path == "1") other.erase(key);
        if (key.page_path == "2") other.publish(key, page("y"));
        return false;
      },
      {});
  CHECK(report == PruneReport{10, 8, 1, false});
}

TEST_CASE("a query of live groups runs once and read-only, also in a dry run, and is refused in words") {
  WikiDatabase database;
  Wiki store(database.options());
  database.execute(R"sql(
    CREATE TABLE global_repos (alias_name character(10)); INSERT INTO global_repos VALUES ('docs'), (NULL), ('it''s');
    CREATE FUNCTION record() RETURNS text LANGUAGE plpgsql AS
      $$ BEGIN INSERT INTO global_repos VALUES ('dead'); RETURN 'docs'; END $$)sql");
  for (const std::string repo : {"docs", "it's", "dead", "dead too"}) {
    for (int number = 0; number < 5; ++number) store.publish({repo, std::to_string(number)}, page("x"));
  }
  for (const std::string_view wrong :
       {"DELETE FROM global_repos RETURNING alias_name", "WITH gone AS (DELETE FROM global_repos RETURNING *) SELECT * FROM gone",
        "SELECT alias_name, 1 FROM global_repos", "SELECT 1", "SELECT nonsense FROM nowhere", "", "SELECT record()",
        "SELECT (1 / 0)::text", "SELECT 'docs') AS a; DELETE FROM global_repos; --"}) {
    INFO(wrong);
    for (const bool dry_run : {true, false}) {
      CHECK_THROWS_WITH(store.prune_groups(wrong, {.dry_run = dry_run}),
                        ContainsSubstring("must be one SELECT of one column, of the groups' type, that changes nothing"));
    }
  }
  CHECK(store.stats().retries == 0);
  CHECK(store.stats().connections_open == 1);
  const std::string none = "SELECT alias_name FROM global_repos WHERE false";
  CHECK_THROWS_WITH(store.prune_groups(none), ContainsSubstring("names none"));
  CHECK(database.value("SELECT count(*) FROM wiki_cache") == "20");
  CHECK(database.value("SELECT count(*) FROM global_repos") == "3");

  // Blanks at the end of a character(n) are none of the name's.
  CHECK(store.prune_groups("SELECT alias_name FROM global_repos") == PruneReport{10, 10, 0, false, 4, 2});
  CHECK(database.value("SELECT string_agg(DISTINCT repo_alias, ',' ORDER BY repo_alias) FROM wiki_cache") == "docs,it's");
  CHECK(store.prune_groups(none, {}, WhenNoneLive::erase_all) == PruneReport{10, 10, 0, false, 2, 2});
}

TEST_CASE("a query of live groups has a time-out of its own, longer or shorter than a look-up's") {
  WikiDatabase database;
  auto options = database.options();
  options.statement_timeout = 2s;
  Wiki store(options);
  store.publish({"docs", "a.md"}, page("x"));
  store.publish({"dead", "a.md"}, page("x"));
  PruneOptions prune;
  prune.query_timeout = 50ms;
  const auto slow = "SELECT 'docs' FROM pg_sleep(3.5)";  // longer than the server is waited for after a look-up
  CHECK_THROWS_AS(store.prune_groups(slow, prune), StoreUnavailable);
  CHECK_THROWS_WITH(store.prune_groups(slow, prune), ContainsSubstring("longer than 50 ms"));
  prune.query_timeout = test::patience;
  CHECK(store.prune_groups(slow, prune).removed == 1);
  prune.query_timeout = {};
  CHECK(store.prune_groups(slow, prune).removed == 0);
  CHECK(store.stats().retries == 0);
  CHECK(database.value("SELECT count(*) FROM wiki_cache") == "1");
}

TEST_CASE("a query of live groups whose column has another collation than the key is understood") {
  WikiDatabase database;
  Wiki store(database.options());
  database.execute(
      R"(CREATE TABLE global_repos (alias_name text COLLATE "C" PRIMARY KEY); INSERT INTO global_repos VALUES ('docs');)"
      R"(ALTER TABLE wiki_cache ALTER COLUMN repo_alias TYPE text COLLATE "POSIX")");
  store.publish({"docs", "a.md"}, page("x"));
  store.publish({"dead", "a.md"}, page("x"));
  CHECK(store.prune_groups("SELECT alias_name FROM global_repos") == PruneReport{1, 1, 0, false, 2, 1});
}

TEST_CASE("an entry of a time that is yet to come is not newer than each sweep, unless by less than a minute") {
  test::TestDatabase database;
  test::migrate_postgres(database.conninfo());
  PostgresStore<WikiSchema> store(database.options());
  for (const std::string path : {"a", "b", "c", "d"}) store.publish({"docs", path}, page("x", newer));
  const auto set = [&](const std::string& path, const std::string& time) {
    database.execute("UPDATE wiki_cache SET rendered_at = " + time + " WHERE page_path = '" + path + "'");
  };
  set("a", "'infinity'");
  set("b", "now() + interval '70 s'");
  set("c", "now() + interval '50 s'");
  set("d", "'294276-12-31'");
  CHECK(store.prune([](const WikiKey&) { return false; }, {}) == PruneReport{4, 3, 1, false});
  CHECK(database.value("SELECT page_path FROM wiki_cache") == "c");
}

TEST_CASE("what a table takes at most is told by its pages, with TOAST and all partitions") {
  TestDatabase database;
  database.execute(
      "CREATE TABLE plain (key text PRIMARY KEY, body text); CREATE TABLE parts (LIKE plain INCLUDING ALL) PARTITION BY HASH "
      "(key); "
      "CREATE TABLE part_0 PARTITION OF parts FOR VALUES WITH (modulus 2, remainder 0); "
      "CREATE TABLE part_1 PARTITION OF parts FOR VALUES WITH (modulus 2, remainder 1); CREATE VIEW view AS TABLE plain; "
      "ALTER TABLE plain ALTER body SET STORAGE EXTERNAL; "
      "ALTER TABLE part_0 ALTER body SET STORAGE EXTERNAL; ALTER TABLE part_1 ALTER body SET STORAGE EXTERNAL");
  database.execute(
      "INSERT INTO plain SELECT n, repeat('x', 10000) FROM generate_series(1, 100) n; INSERT INTO parts TABLE plain");
  PostgresConnection connection({.conninfo = database.conninfo()});
  CHECK(table_bytes(connection, "plain").value() >= 1'000'000);
  CHECK(table_bytes(connection, "plain").value() < 2'000'000);
  CHECK(table_bytes(connection, "parts").value() >= 1'000'000);
  CHECK(table_bytes(connection, "view") == std::nullopt);
  CHECK(table_bytes(connection, "nothing") == std::nullopt);
}

}  // namespace postgres_store_tests
