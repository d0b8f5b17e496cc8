// How long a caller waits for a server that says nothing, is locked, or refuses.
#include <render_cache/store/postgres.hpp>

#include <render_cache/wiki.hpp>

#include "support/canary.hpp"
#include "support/catch.hpp"
#include "support/database.hpp"
#include "support/patience.hpp"
#include "support/postgres_schema.hpp"
#include "support/postgres_server.hpp"
#include "support/silent_proxy.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

namespace postgres_limits_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using Wiki = PostgresStore<WikiSchema>;
using Clock = std::chrono::steady_clock;

namespace {

const WikiKey key{"docs", "a.md"};
const Fingerprint fresh = Fingerprint().add("source", "s2:1");

EntryPtr<WikiPage> page(const std::string& html) {
  return std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{html, {"{}"}}, fresh});
}

/// How long a look-up takes that ends with an error.
Clock::duration failing(Wiki& store) {
  const auto begin = Clock::now();
  CHECK_THROWS_AS(store.lookup(key, fresh), StoreUnavailable);
  return Clock::now() - begin;
}

/// How long a publish takes that ends with an error.
Clock::duration failing_publish(Wiki& store) {
  const auto begin = Clock::now();
  CHECK_THROWS_AS(store.publish(key, page("y")), StoreUnavailable);
  return Clock::now() - begin;
}

/// How long it takes until look-ups hit again.
Clock::duration until_hit(Wiki& store) {
  const auto begin = Clock::now();
  while (Clock::now() - begin < 30s) {
    try {
      if (store.lookup(key, fresh).entry) break;
    } catch (const StoreUnavailable&) {
    }
  }
  return Clock::now() - begin;
}

}  // namespace

TEST_CASE("a server that falls silent at any step of a session costs a look-up its limit, and is found again soon") {
  test::PostgresServer server;
  test::migrate_postgres(server.conninfo());
  Wiki(server.options()).publish(key, page("x"));
  const auto migrations = load_migrations(RENDER_CACHE_SOURCE_DIR "/migrations/postgres");
  test::SilentProxy proxy(server.socket());
  int steps = 0;
  int slow = 0;  // sessions in a row that took a server which does speak longer than the limit: their step comes again
  for (bool reached = true; reached; ++steps) {
    CAPTURE(steps, slow);
    const test::Canary canary;
    const auto start = Clock::now();
    {
      Wiki store({.conninfo = "host=" + proxy.host() + " user=render_cache dbname=postgres",
                  .migrations = migrations,
                  .lookup_timeout = 300ms});
      proxy.fall_silent_after(steps);
      const auto begin = Clock::now();
      try {
        reached = !store.lookup(key, fresh).entry;
      } catch (const StoreUnavailable&) {
        if (!proxy.is_silent()) {
          REQUIRE(++slow < 4);
          --steps;
          continue;
        }
      }
      slow = 0;
      CHECK(Clock::now() - begin < 350ms + 2 * canary.late());
      if (reached) CHECK(failing(store) < 350ms + 2 * canary.late());
      proxy.speak();
      CHECK(until_hit(store) < 2500ms + 2 * canary.late());
      proxy.fall_silent_after(0);
      CHECK(failing(store) < 350ms + 2 * canary.late());
      proxy.speak();
    }
    CHECK(Clock::now() - start < 6s + 4 * canary.late());  // also to end a store whose server says nothing
  }
  CHECK(steps > 8);  // start-up, settings, history, table, index, prepare, look-up
}

TEST_CASE("a migration elsewhere keeps look-ups waiting for no longer than their limit") {
  test::PostgresServer server;
  const auto migrations = load_migrations(RENDER_CACHE_SOURCE_DIR "/migrations/postgres");
  Wiki store({.conninfo = server.conninfo(), .migrations = migrations, .lookup_timeout = 200ms});
  const test::Canary canary;
  {
    PostgresConnection other(server.options());
    other.run_script(PostgresDialect::begin_migration(checksum("render_cache_migrations")));
    for (int call = 0; call < 3; ++call) CHECK(failing(store) < 250ms + 2 * canary.late());
    CHECK(store.stats().connections_open == 1);
    auto another =
        std::make_unique<Wiki>(PostgresOptions{.conninfo = server.conninfo(), .migrations = migrations, .lookup_timeout = 200ms});
    failing(*another);
    const auto begin = Clock::now();
    another.reset();  // nor does it keep the program from ending
    CHECK(Clock::now() - begin < 1s + 2 * canary.late());
  }
  store.check();
  Wiki(server.options()).publish(key, page("x"));
  CHECK(until_hit(store) < 30s);
}

TEST_CASE("a publish has its connection's, its statement's and a second's limit, and is not tried twice") {
  test::PostgresServer server;
  test::migrate_postgres(server.conninfo());
  test::SilentProxy proxy(server.socket());
  Wiki store({.conninfo = "host=" + proxy.host() + " user=render_cache dbname=postgres",
              .acquire_timeout = 100ms,
              .statement_timeout = 200ms});
  Wiki(server.options()).publish(key, page("x"));
  store.check();
  const test::Canary canary;
  {
    pqxx::connection connection(server.conninfo());
    pqxx::work transaction(connection);
    transaction.exec("LOCK TABLE wiki_cache IN EXCLUSIVE MODE");
    CHECK(failing_publish(store) < 250ms + 2 * canary.late());
  }
  store.check();
  proxy.fall_silent_after(0);
  const auto silent = failing_publish(store);
  CHECK(silent >= 1200ms);
  CHECK(silent < 1350ms + 2 * canary.late());
  CHECK(failing_publish(store) < 150ms + 4 * canary.late());  // no connection is ready
  CHECK(store.stats().retries == 0);
  proxy.speak();
  CHECK(until_hit(store) < 2500ms + 2 * canary.late());
}

TEST_CASE("publishes that wait for a locked row leave connections to look-ups", "[concurrent]") {
  test::TestDatabase database;
  test::migrate_postgres(database.conninfo());
  auto options = database.options();
  options.pool_size = 4;
  options.acquire_timeout = 3s;
  Wiki store(options);
  store.publish(key, page("x"));
  std::vector<std::thread> publishers;
  std::atomic<int> published = 0, refused = 0;
  {
    pqxx::connection connection(database.conninfo());
    pqxx::work transaction(connection);
    transaction.exec("SELECT 1 FROM wiki_cache FOR UPDATE");
    for (int number = 0; number < 8; ++number) {
      publishers.emplace_back([&] {
        try {
          store.publish(key, page("y"));
          ++published;
        } catch (const StoreUnavailable& error) {
          if (std::string_view(error.what()).starts_with("all 2 connections for publishes were busy")) ++refused;
        }
      });
    }
    for (const auto begin = Clock::now(); refused < 6 && Clock::now() - begin < 20s;) {
      CHECK(store.lookup(key, fresh).entry);
      std::this_thread::sleep_for(10ms);
    }
  }
  for (auto& thread : publishers) thread.join();
  CHECK(refused == 6);
  CHECK(published == 2);
  CHECK(store.lookup(key, fresh).entry->value.rendered_html == "y");
}

TEST_CASE("a slow look-up is given up once, and costs no connection but its own") {
  test::TestDatabase database;
  auto options = database.options();
  options.lookup_timeout = 2s;
  PostgresClient client(options, [](PostgresConnection&) {});
  const auto run = [&](const char* sql) {
    return client.look_up([&](PostgresConnection& connection) { return connection.run(sql, {}); });
  };
  client.look_up([&](PostgresConnection&) { return run("SELECT 1"); });
  CHECK(client.stats().connections_idle == 2);
  const auto begin = Clock::now();
  const test::Canary canary;
  CHECK_THROWS_WITH(run("SELECT pg_sleep(10)"), ContainsSubstring("PostgreSQL has not answered within 2000 ms"));
  CHECK(Clock::now() - begin < 2050ms + 2 * canary.late());
  CHECK(client.stats().retries == 0);
  CHECK(client.stats().connections_idle == 1);
  CHECK(client.stats().connections_open == 1);
  CHECK(run("SELECT 1").size() == 1);
}

TEST_CASE(
    "a call that is late while others are answered is a slow statement; one beside which none was is a server that is away") {
  test::TestDatabase database;
  auto options = database.options();
  options.pool_size = 2;  // one of them for publishes
  options.lookup_timeout = options.acquire_timeout = 2s;
  PostgresClient client(options, [](PostgresConnection&) {});
  const auto run = [](PostgresConnection& connection, const char* sql) { return connection.run(sql, {}); };
  const auto look_up = [&](auto work) { return client.look_up([&](PostgresConnection& one) { return work(one); }); };
  const auto answered = [&] { look_up([&](PostgresConnection& one) { return run(one, "SELECT 1"); }); };
  const auto is_slow_statement = [](auto call) {
    try {
      call();
    } catch (const StoreTimeout&) {
      return true;
    } catch (const StoreUnavailable&) {
      return false;
    }
    throw std::logic_error("it was answered");
  };
  answered();
  const auto late = [&](auto meanwhile) {
    return is_slow_statement([&] {
      look_up([&](PostgresConnection& one) {
        meanwhile();
        return run(one, "SELECT pg_sleep(20)");
      });
    });
  };
  CHECK_FALSE(late([] {}));
  CHECK(late(answered));
  CHECK_FALSE(late([&] { CHECK_FALSE(late([] {})); }));  // nor was the other

  const auto finds_none_free = [&](bool others_are_answered) {
    return client.publish([&](PostgresConnection&) {
      std::atomic<bool> done = false;
      std::jthread other([&] {
        while (others_are_answered && !done) answered();
      });
      const bool result = is_slow_statement([&] { client.publish([](PostgresConnection&) { return 0; }); });
      done = true;
      return result;
    });
  };
  CHECK_FALSE(finds_none_free(false));
  CHECK(finds_none_free(true));
}

TEST_CASE("a look-up waits as long as what it looks for has cost to render, but no longer than a publish") {
  test::PostgresServer server;
  test::migrate_postgres(server.conninfo());
  test::SilentProxy proxy(server.socket());
  const auto silence_lasts = [&](std::chrono::milliseconds cost, bool stored) {
    Wiki store({.conninfo = "host=" + proxy.host() + " user=render_cache dbname=postgres",
                .acquire_timeout = test::patience,
                .lookup_timeout = 500ms,
                .statement_timeout = 1s});
    store.check();
    auto entry = *page("x");
    entry.render_cost = cost;
    const auto shared = std::make_shared<const Entry<WikiPage>>(entry);
    for (int time = 0; time < 16; ++time) {
      stored ? store.publish(key, shared) : static_cast<void>(until_hit(store));
    }
    proxy.fall_silent_after(0);
    const auto took = failing(store);
    proxy.speak();
    return took;
  };
  const test::Canary canary;
  const auto slack = [&] { return 50ms + 2 * canary.late(); };
  CHECK(silence_lasts(1ms, true) < 500ms + slack());
  for (const bool stored : {true, false}) {
    const auto took = silence_lasts(1500ms, stored);
    CHECK(took >= 1200ms);  // the mean of 16 has most of it
    CHECK(took < 1500ms + slack());
  }
  const auto longest = silence_lasts(1h, true);
  CHECK(longest >= 2s);
  CHECK(longest < 2s + slack());
}

TEST_CASE("a batch has a millisecond more for each key") {
  test::TestDatabase database;
  test::migrate_postgres(database.conninfo());
  auto options = database.options();
  options.lookup_timeout = 100ms;
  Wiki store(options);
  store.check();
  store.publish(key, page("x"));
  std::vector<Query<WikiKey>> queries{{key, fresh}};
  std::future<std::vector<Lookup<WikiPage>>> found;
  {
    pqxx::connection connection(database.conninfo());
    pqxx::work transaction(connection);
    transaction.exec("LOCK TABLE wiki_cache IN ACCESS EXCLUSIVE MODE");
    CHECK_THROWS_AS(store.lookup_many(queries), StoreUnavailable);
    while (queries.size() < 4000) queries.push_back({{"docs", std::to_string(queries.size())}, fresh});
    found = std::async(std::launch::async, [&] { return store.lookup_many(queries); });
    std::this_thread::sleep_for(500ms);
  }
  CHECK(found.get().front().entry);
}

TEST_CASE("who may not write reads on: no retry, no new connection, and an error that says so") {
  test::TestDatabase database;
  test::migrate_postgres(database.conninfo());
  Wiki(database.options()).publish(key, page("x"));
  const auto role = database.name() + "_reader";
  database.execute("CREATE ROLE " + role + " LOGIN; GRANT USAGE ON SCHEMA " + database.name() + " TO " + role +
                   "; GRANT SELECT ON ALL TABLES IN SCHEMA " + database.name() + " TO " + role);
  {
    auto conninfo = database.conninfo();
    for (const auto& [name, options, retries] :
         {std::tuple{"a role without rights", "-c role=" + role + " -c ", false},
          std::tuple{"a replica", std::string("-c default_transaction_read_only=on -c "), true}}) {
      CAPTURE(name);
      Wiki store(test::patient({.conninfo = std::string(conninfo).replace(conninfo.find("-c "), 3, options)}));
      const auto begin = Clock::now();
      CHECK(store.lookup(key, fresh).entry);
      for (int call = 0; call < 3; ++call) {
        CHECK_THROWS_AS(store.publish(key, page("y")), StoreForbidden);
        CHECK_THROWS_AS(store.erase(key), StoreForbidden);
        CHECK(store.acquire_lease(key, fresh, "a", 1s) == LeaseAnswer::none);
        CHECK(store.lookup(key, fresh).entry->value.rendered_html == "x");
      }
      const auto seconds = (Clock::now() - begin) / 1s;  // after one a replica may have become a primary
      CHECK(store.stats().retries <= (retries ? static_cast<std::uint64_t>(seconds) : 0));
      CHECK(store.stats().unavailable == 0);
      CHECK(store.stats().forbidden == 9);
      CHECK(store.stats().connections_open == 1);
    }
  }
  database.execute("DROP OWNED BY " + role + "; DROP ROLE " + role);
}

TEST_CASE("a table that is not there is not looked for at each call") {
  test::PostgresServer server({"log_connections = on"});
  Wiki store(server.options());
  const auto begin = Clock::now();
  for (int call = 0; call < 100; ++call) CHECK_THROWS_AS(store.lookup(key, fresh), SchemaMismatch);
  const auto seconds = static_cast<std::size_t>(std::chrono::ceil<std::chrono::seconds>(Clock::now() - begin).count());
  const auto log = server.log();
  std::size_t connections = 0;
  for (auto at = log.find("application_name=render_cache"); at != log.npos;
       at = log.find("application_name=render_cache", at + 1)) {
    ++connections;
  }
  CHECK(connections <= seconds);
  test::migrate_postgres(server.conninfo());
  std::this_thread::sleep_for(1100ms);
  CHECK_FALSE(store.lookup(key, fresh).entry);  // repaired, and found so by itself
}

}  // namespace postgres_limits_tests
