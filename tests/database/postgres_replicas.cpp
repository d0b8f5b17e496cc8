// Look-ups of a standby that lags, is killed and is promoted, and a primary that fails over to its standby.
#include <render_cache/store/replica.hpp>

#include <render_cache/cache.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/store/postgres.hpp>
#include <render_cache/store/tiered.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "support/archetypes.hpp"
#include "support/canary.hpp"
#include "support/catch.hpp"
#include "support/numbers.hpp"
#include "support/patience.hpp"
#include "support/postgres_server.hpp"
#include "support/silent_proxy.hpp"
#include "support/wait_until.hpp"

#include <signal.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace postgres_replicas_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using archetype::CountingRenderer;
using archetype::MinimalHasher;
using test::PostgresServer;
using Wiki = PostgresStore<WikiSchema>;

namespace {

WikiKey page(int number) { return {"docs", std::to_string(number) + ".md"}; }

/// How long a standby that has failed is left alone.
constexpr auto standby_pause = 100ms;

/// A process of its own, as far as stores and caches go.
struct Node {
  Wiki replica, primary;
  ReplicaStore<Wiki, Wiki> store{replica, primary, {.pause = standby_pause}};
  RenderCache<CountingRenderer, MinimalHasher, ReplicaStore<Wiki, Wiki>> cache;

  Node(const PostgresServer& standby, const PostgresServer& of, const CountingRenderer& renderer)
      : replica(standby.options()), primary(migrating(of)),
        cache(renderer, MinimalHasher{}, store, {.single_flight = SingleFlight::cluster}) {}
  static PostgresOptions migrating(const PostgresServer& server) {
    auto options = server.options();
    options.migrations = wiki_migrations<PostgresDialect>();
    return options;
  }
  std::string get(int number, const std::string& text) { return cache.get(page(number), text).value()->rendered_html; }
};

/// Lasts from then on; "0" for none.
void set_lag(PostgresServer& standby, const std::string& lag) {
  standby.execute("ALTER SYSTEM SET recovery_min_apply_delay = '" + lag + "'");
  standby.stop();
  standby.start();
}

}  // namespace

TEST_CASE("a standby that lags gives no wrong answer and costs no render, and is asked first") {
  PostgresServer primary;
  const CountingRenderer renderer;
  const auto& renders = renderer.state->renders;
  Wiki(Node::migrating(primary)).check();
  {
    Wiki alone(primary.options());
    RenderCache(renderer, MinimalHasher{}, alone).get(page(1), std::string("text"));
  }
  auto standby = PostgresServer::standby_of(primary);
  set_lag(standby, "1h");
  Node a(standby, primary, renderer), b(standby, primary, renderer);

  CHECK(b.get(1, "text") == "<p>text</p>");
  CHECK(renders == 1);
  CHECK(b.store.stats().hits == 1);
  CHECK(b.primary.stats().operations == 0);

  CHECK(a.get(1, "edited") == "<p>edited</p>");
  CHECK(a.get(2, "new") == "<p>new</p>");
  CHECK(renders == 3);
  for (int i = 0; i < 3; ++i) {
    CHECK(b.get(1, "edited") == "<p>edited</p>");
    CHECK(b.get(2, "new") == "<p>new</p>");
  }
  CHECK(b.get(1, "text") == "<p>text</p>");  // as it was, where it still is
  CHECK(renders == 3);
  CHECK(b.store.stats().misses == 6);

  {
    std::vector<std::future<std::string>> readers;
    for (auto* node : {&a, &b, &a, &b, &a, &b}) {
      readers.push_back(std::async(std::launch::async, [node] { return node->get(3, "cold"); }));
    }
    for (auto& reader : readers) CHECK(reader.get() == "<p>cold</p>");
    CHECK(renders == 4);
  }

  CHECK(a.cache.erase(page(1)));
  CHECK(a.get(1, "text") == "<p>text</p>");
  CHECK(renders == 5);  // the standby has not heard of the erase

  set_lag(standby, "0");
  standby.catch_up_with(primary);
  Node late(standby, primary, renderer);
  CHECK(late.get(2, "new") == "<p>new</p>");
  CHECK(late.get(3, "cold") == "<p>cold</p>");
  CHECK(late.primary.stats().operations == 0);
  CHECK(renders == 5);
  CHECK(a.cache.stats().publish_conflicts + b.cache.stats().publish_conflicts == 0);
}

TEST_CASE("reads go on while the standby is killed, is back, and is promoted") {
  PostgresServer primary;
  const CountingRenderer renderer;
  const auto& renders = renderer.state->renders;
  Wiki(Node::migrating(primary)).check();
  auto standby = PostgresServer::standby_of(primary);
  Node node(standby, primary, renderer);
  node.get(1, "text");
  standby.catch_up_with(primary);
  Node other(standby, primary, renderer);
  CHECK(other.get(1, "text") == "<p>text</p>");
  CHECK(other.store.stats().hits == 1);

  standby.stop(SIGQUIT);
  CHECK(other.get(1, "text") == "<p>text</p>");
  CHECK(renders == 1);
  CHECK(node.get(2, "text") == "<p>text</p>");
  CHECK(other.get(2, "text") == "<p>text</p>");
  CHECK(renders == 2);
  CHECK(other.store.stats().failures > 0);
  CHECK(other.cache.stats().store_unavailable == 0);
  CHECK(node.cache.stats().leases_missing == 0);

  standby.start();
  const auto asked_again = [&] {  // by a process that has changed nothing
    const auto hits = other.store.stats().hits;
    CHECK(other.get(1, "text") == "<p>text</p>");
    return other.store.stats().hits > hits;
  };
  test::wait_until(asked_again, test::patience);
  standby.execute("SELECT pg_promote()");
  CHECK(standby.value("SELECT pg_is_in_recovery()") == "f");
  CHECK(node.get(3, "text") == "<p>text</p>");
  CHECK(other.get(3, "text") == "<p>text</p>");
  CHECK(other.get(1, "text") == "<p>text</p>");
  CHECK(renders == 3);
  CHECK(other.cache.stats().store_unavailable == 0);
}

TEST_CASE("a standby that falls silent costs a reader his limit, and then nobody until it is tried again") {
  PostgresServer primary;
  const CountingRenderer renderer;
  const auto& renders = renderer.state->renders;
  Wiki(Node::migrating(primary)).check();
  const auto standby = PostgresServer::standby_of(primary);
  Node(standby, primary, renderer).get(1, "text");
  standby.catch_up_with(primary);

  test::SilentProxy proxy(standby.socket());
  auto through_proxy = test::patient({.conninfo = "host=" + proxy.host() + " user=render_cache dbname=postgres"});
  through_proxy.lookup_timeout = 300ms;
  Wiki replica(through_proxy), rows(primary.options());
  ReplicaStore store(replica, rows, {.pause = 5s});
  RenderCache cache(renderer, MinimalHasher{}, store);
  const auto read = [&] {
    const auto begin = std::chrono::steady_clock::now();
    CHECK(cache.get(page(1), std::string("text"))->rendered_html == "<p>text</p>");
    return std::chrono::steady_clock::now() - begin;
  };
  rows.check();
  test::wait_until([&] { return read() >= 0s && store.stats().hits > 0; }, test::patience);

  const test::Canary canary;
  const auto failures = store.stats().failures;
  proxy.fall_silent_after(0);
  const auto first = read();
  CHECK(first >= 300ms);
  CHECK(first < 600ms + canary.late());
  CHECK(store.stats().failures == failures + 1);
  CHECK_FALSE(store.stats().available);
  std::chrono::steady_clock::duration others{};
  for (int i = 0; i < 50; ++i) others += read();
  CHECK(others < 1s + canary.late());
  CHECK(store.stats().failures == failures + 1);

  proxy.speak();
  const auto hits = store.stats().hits;
  test::wait_until([&] { return read() >= 0s && store.stats().hits > hits; }, test::patience);
  CHECK(store.stats().available);
  CHECK(renders == 1);
  CHECK(cache.stats().store_unavailable == 0);
}

TEST_CASE("history of two nodes that ask a standby first, which lags") {
  static constexpr std::chrono::seconds lag(1), time(4);
  PostgresServer primary;
  Wiki(Node::migrating(primary)).check();
  auto standby = PostgresServer::standby_of(primary);
  set_lag(standby, std::to_string(lag.count()) + "s");

  test::Numbers numbers;
  struct Reader {
    Wiki replica, rows;
    ReplicaStore<Wiki, Wiki> store{replica, rows, {.max_lag = 2 * lag}};
    laws::RecordedStore<ReplicaStore<Wiki, Wiki>> recorded;
    RenderCache<test::NumberRenderer, test::Freezable, decltype(recorded)> cache;
    Reader(const PostgresServer& standby, const PostgresServer& primary, laws::Log& log)
        : replica(standby.options()), rows(primary.options()), recorded(store, log),
          cache(test::NumberRenderer{&log}, test::Freezable{}, recorded, {.single_flight = SingleFlight::cluster}) {}
  };
  Reader a(standby, primary, numbers.log), b(standby, primary, numbers.new_log(2));
  const auto end = std::chrono::steady_clock::now() + time;
  const auto until_end = [end](auto&& step) {
    for (std::size_t turn = 0; std::chrono::steady_clock::now() < end; ++turn) step(turn);
  };
  {
    std::vector<std::jthread> threads;
    for (const std::uint32_t process : {1u, 1u, 2u, 2u}) {
      threads.emplace_back([&, process, &log = numbers.new_log(process)] {
        auto& cache = process == 1 ? a.cache : b.cache;
        until_end([&](std::size_t turn) { numbers.read(log, cache, turn % test::pages); });
      });
    }
    // One page all the time, one from time to time, so that the standby has what it was before, and one never.
    threads.emplace_back([&, &log = numbers.new_log(1)] {
      until_end([&](std::size_t turn) {
        numbers.edit(log, turn % 200 == 0 ? 1 : 0);
        std::this_thread::sleep_for(5ms);
      });
    });
  }
  auto history = numbers.history();
  const auto verdict = check(history, {.erases = false});
  INFO(verdict.text());
  CHECK(verdict);
  CHECK(verdict.hits > 100);
  CHECK(a.store.stats().hits + b.store.stats().hits > 0);
  CHECK(a.store.stats().misses + b.store.stats().misses > 0);
  CHECK(a.store.stats().failures + b.store.stats().failures == 0);
}

TEST_CASE("a primary that is killed fails over to its standby by itself, by a connection string that names both") {
  PostgresServer first;
  auto second = PostgresServer::standby_of(first);
  const auto hosts = "host=" + first.directory() + "," + second.directory() + " user=render_cache dbname=postgres";
  const auto patient = [](PostgresOptions options) { return test::patient(std::move(options)); };

  PostgresStore<WikiSchema> primary(
      patient({.conninfo = hosts + " target_session_attrs=read-write", .migrations = wiki_migrations<PostgresDialect>()}));
  PostgresStore<WikiSchema> replica(patient({.conninfo = hosts + " target_session_attrs=prefer-standby"}));
  ReplicaStore replicas(replica, primary);
  MemoryStore<WikiSchema> near;
  TieredStore store(near, replicas);

  const CountingRenderer renderer;
  RenderCache cache(renderer, MinimalHasher{}, store, {.single_flight = SingleFlight::cluster, .store_pause = 100ms});
  const auto text = std::string("text");
  CHECK(cache.get(page(1), text).stored);
  CHECK(cache.get(page(2), text).stored);
  second.catch_up_with(first);

  first.stop(SIGQUIT);
  CHECK(cache.get(page(1), text).origin == Origin::near);
  cache.get(page(3), text);
  CHECK(cache.stats().owed == 1);
  second.execute("SELECT pg_promote()");
  const auto promoted = std::chrono::steady_clock::now();
  test::wait_until([&] { return cache.stats().owed_stored == 1; }, test::patience);
  CHECK(std::chrono::steady_clock::now() - promoted < 10s);
  CHECK(second.value("SELECT count(*) FROM wiki_cache") == "3");
  CHECK(cache.get(page(4), text).stored);
  near.erase(page(1));
  CHECK(cache.get(page(1), text).origin == Origin::store);
  CHECK(renderer.state->renders == 4);
}

TEST_CASE("what a standby has is hit while the primary is away") {
  PostgresServer primary;
  const CountingRenderer renderer;
  Wiki(Node::migrating(primary)).check();
  auto standby = PostgresServer::standby_of(primary);
  Node(standby, primary, renderer).get(1, "text");
  standby.catch_up_with(primary);
  Node node(standby, primary, renderer);
  primary.stop(SIGQUIT);
  CHECK(node.get(1, "text") == "<p>text</p>");
  CHECK(renderer.state->renders == 1);
  CHECK(node.cache.stats().hits == 1);
}

}  // namespace postgres_replicas_tests
