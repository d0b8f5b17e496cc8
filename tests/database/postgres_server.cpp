// What only a server of the test's own can show: it goes away and comes back, and its log tells what was asked of it.
#include <render_cache/store/postgres.hpp>

#include <render_cache/wiki.hpp>

#include "support/catch.hpp"
#include "support/database.hpp"
#include "support/postgres_schema.hpp"
#include "support/postgres_server.hpp"

#include <signal.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace postgres_server_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using Wiki = PostgresStore<WikiSchema>;

namespace {

const Fingerprint fresh = Fingerprint().add("source", "s2:1");

EntryPtr<WikiPage> page(const std::string& html) {
  return std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{html, {"{}"}}, fresh});
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

}  // namespace

TEST_CASE("a server that is stopped, killed and started again: an error meanwhile, and recovery by itself") {
  test::PostgresServer server;
  test::migrate_postgres(server.conninfo());
  Wiki store(server.options());
  const WikiKey key{"docs", "a.md"};
  store.publish(key, page("x"));
  for (const int signal : {SIGINT, SIGQUIT}) {
    server.stop(signal);
    const auto before = std::chrono::steady_clock::now();
    CHECK_THROWS_AS(store.lookup(key, fresh), StoreUnavailable);
    CHECK_THROWS_AS(store.publish(key, page("y")), StoreUnavailable);
    const std::vector<Query<WikiKey>> queries{{key, fresh}};
    CHECK_THROWS_AS(store.lookup_many(queries), StoreUnavailable);
    CHECK_THROWS_AS(store.prune([](const WikiKey&) { return true; }, {}), StoreUnavailable);
    CHECK(std::chrono::steady_clock::now() - before < 2s);  // nobody waits for a server that refuses
    CHECK(store.stats().connections_open == 0);
    server.start();
    store.publish(key, page("z"));
    CHECK(store.lookup(key, fresh).entry->value.rendered_html == "z");
  }
  CHECK(store.stats().unavailable == 8);
}

TEST_CASE("a session that hangs is given up and replaced; a server that hangs is unavailable") {
  test::PostgresServer server;
  test::migrate_postgres(server.conninfo());
  auto options = test::patient({.conninfo = server.conninfo() + " application_name=hanging"});
  options.lookup_timeout = 2s;
  Wiki store(options);
  const WikiKey key{"docs", "a.md"};
  store.publish(key, page("x"));
  pid_t session = 0;
  {
    pqxx::connection connection(server.conninfo());
    pqxx::nontransaction transaction(connection);
    session = std::stoi(transaction.exec("SELECT pid FROM pg_stat_activity WHERE application_name = 'hanging'")[0][0].c_str());
  }
  REQUIRE(kill(session, SIGSTOP) == 0);
  const auto before = std::chrono::steady_clock::now();
  CHECK_THROWS_WITH(store.lookup(key, fresh), ContainsSubstring("has not answered within"));
  CHECK(store.lookup(key, fresh).entry != nullptr);
  CHECK(store.stats().retries == 0);
  CHECK(std::chrono::steady_clock::now() - before < 4s);

  server.freeze();
  {
    // The session that replaced the other one still answers; a new one cannot be had.
    CHECK(store.lookup(key, fresh).entry != nullptr);
    Wiki newcomer({.conninfo = server.conninfo()});
    CHECK_THROWS_AS(newcomer.lookup(key, fresh), StoreUnavailable);
  }
  server.thaw();
  kill(session, SIGCONT);
  CHECK(Wiki(server.options()).lookup(key, fresh).entry != nullptr);
}

TEST_CASE("a look-up, a publish and a batch of any size are one statement each") {
  test::PostgresServer server({"log_statement = all", "log_line_prefix = '%a|'"});
  test::migrate_postgres(server.conninfo());
  Wiki store(test::patient({.conninfo = server.conninfo() + " application_name=counted"}));
  store.check();
  // The server writes its log before it answers.
  const auto statements = [&](auto operation) {
    const auto before = count(server.log(), "counted|LOG:");
    operation();
    return count(server.log(), "counted|LOG:") - before;
  };
  std::vector<Wiki::KeyedEntry> entries;
  std::vector<Query<WikiKey>> queries;
  for (int number = 0; number < 200; ++number) {
    entries.emplace_back(WikiKey{"docs", std::to_string(number)}, page("x"));
    queries.push_back({entries.back().first, fresh});
  }
  const auto [key, entry] = entries.front();
  for (int round = 0; round < 2; ++round) {  // prepared on the way, and then prepared
    CHECK(statements([&] { store.publish(key, entry); }) == 1);
    CHECK(statements([&] { store.lookup(key, fresh); }) == 1);
    CHECK(statements([&] { store.lookup(key, Fingerprint()); }) == 1);
    CHECK(statements([&] { store.lookup_stale(key); }) == 1);
    CHECK(statements([&] { store.publish_many(entries); }) == 1);
    CHECK(statements([&] { store.lookup_many(queries); }) == 1);
    CHECK(statements([&] { store.erase(key); }) == 1);
    CHECK(statements([&] { store.erase_group("docs"); }) == 1);
  }
  store.publish_many(entries);
  const PruneOptions batches{.batch = 100};
  CHECK(statements([&] { store.prune([](const WikiKey&) { return false; }, batches); }) == 1 + 2 + 2 + 1);
  store.publish_many(entries);
  for (const std::string alias : {"a", "b", "c"}) store.publish({alias, "1"}, page("x"));
  // Start; a transaction of four statements around the query; the groups; of the dead one two pages of keys, and an empty one.
  const auto by_query = [&] {
    CHECK(store.prune_groups("SELECT chr(n) FROM generate_series(97, 99) n", batches).removed == 200);
  };
  CHECK(statements(by_query) == 1 + 4 + 1 + 2 + 2 + 1);
  CHECK(statements([&] { store.lookup_many({}); }) == 0);
  CHECK(store.stats().retries == 0);
}

TEST_CASE("a server that refuses lz4 and storage settings still gets its table") {
  test::PostgresServer server;
  test::TestDatabase database(server.conninfo());
  database.execute(R"sql(
    CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE feature_not_supported USING message = 'compression method lz4 not supported'; END $$;
    CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION refuse())sql");
  test::migrate_postgres(database.conninfo());
  CHECK(database.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'wiki_cache'::regclass AND attcompression = 'l'") ==
        "0");
  CHECK(database.value("SELECT reloptions FROM pg_class WHERE oid = 'wiki_cache'::regclass") == "NULL");
  Wiki store(database.options());
  store.publish({"docs", "a.md"}, page(std::string(50'000, 'x')));
  CHECK(store.lookup({"docs", "a.md"}, fresh).entry->value.rendered_html.size() == 50'000);
}

TEST_CASE("a database of another encoding refuses what it cannot hold, as an InvalidValue") {
  test::PostgresServer server;
  {
    pqxx::connection connection(server.conninfo());
    pqxx::nontransaction transaction(connection);
    transaction.exec("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
  }
  const auto conninfo = server.conninfo() + " dbname=latin";
  test::migrate_postgres(conninfo);
  Wiki store(test::patient({.conninfo = conninfo}));
  store.publish({"docs", "caf\xc3\xa9.md"}, page("caf\xc3\xa9"));
  CHECK(store.lookup({"docs", "caf\xc3\xa9.md"}, fresh).entry->value.rendered_html == "caf\xc3\xa9");
  CHECK_THROWS_AS(store.publish({"docs", "caf\xc3\xa9.md"}, page("\xf0\x9f\xa6\x80")), InvalidValue);
  CHECK(store.lookup({"docs", "caf\xc3\xa9.md"}, fresh).entry->value.rendered_html == "caf\xc3\xa9");
}

}  // namespace postgres_server_tests
