// A server that takes no changes: a hot standby that follows its primary, and is promoted.
#include <render_cache/store/postgres.hpp>

#include <render_cache/cache.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "support/catch.hpp"
#include "support/postgres_schema.hpp"
#include "support/postgres_server.hpp"
#include "support/read_only_store.hpp"
#include "support/wait_until.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace postgres_standby_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using Wiki = PostgresStore<WikiSchema>;
using Clock = std::chrono::steady_clock;

namespace {

const WikiKey key{"docs", "a.md"}, other{"docs", "b.md"};

Fingerprint fingerprint(int number) { return Fingerprint().add("source", number); }

EntryPtr<WikiPage> page(int number) {
  return std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{std::to_string(number), {"{}"}}, fingerprint(number)});
}

/// A primary whose table has one page, 1, and a standby that has it too.
struct Pair {
  test::PostgresServer primary;
  Wiki writer{options(primary)};
  test::PostgresServer standby = begin();

  test::PostgresServer begin() {
    writer.publish(key, page(1));
    return test::PostgresServer::standby_of(primary);
  }
  static PostgresOptions options(const test::PostgresServer& server) {
    auto options = server.options();
    options.migrations = wiki_migrations<PostgresDialect>();
    return options;
  }
};

struct Numbers {
  std::string version() const { return "1"; }
  WikiPage render(const WikiKey&, const int& number) const { return {std::to_string(number), {"{}"}}; }
  Fingerprint components(const int& number) const { return fingerprint(number); }
};

}  // namespace

TEST_CASE("a standby answers look-ups, and refuses what would change something without a pause") {
  Pair pair;
  Wiki store(Pair::options(pair.standby));
  const auto begin = Clock::now();
  store.check();
  const auto changes = test::check_changes_are_refused(store, key, page(1), other, page(2));

  const auto stats = store.stats();
  CHECK(stats.unavailable == 0);
  CHECK(stats.other == 0);
  CHECK(stats.forbidden == changes + 1);  // and the lease
  CHECK(stats.connections_open == 1);
  CHECK(stats.retries <= static_cast<std::uint64_t>((Clock::now() - begin) / 1s));  // after one it may be a primary
}

TEST_CASE("a cache on a standby hits what is there, renders what is not, and pauses nothing") {
  Pair pair;
  Wiki store(Pair::options(pair.standby));
  RenderCache cache(Numbers{}, Numbers{}, store);
  CHECK(RenderCache(Numbers{}, Numbers{}, pair.writer).get(key, 1).stored);
  pair.standby.catch_up_with(pair.primary);
  for (int round = 0; round < 3; ++round) {
    CHECK(cache.get(key, 1).origin == Origin::store);
    const auto rendered = cache.get(other, 2);
    CHECK(rendered.origin == Origin::render);
    CHECK(rendered->rendered_html == "2");
    CHECK_FALSE(rendered.stored);
  }
  const auto stats = cache.stats();
  CHECK(stats.hits == 3);
  CHECK(stats.renders == 3);
  CHECK(stats.published == 0);
  CHECK(stats.store_unavailable == 0);
  CHECK(stats.store_skipped == 0);
  CHECK(stats.store_forbidden == 3);
  CHECK(stats.store_other == 0);
  CHECK(stats.owed == 0);
}

TEST_CASE("a standby that lags has misses and no wrong page") {
  Pair pair;
  Wiki store(Pair::options(pair.standby));
  pair.standby.execute("SELECT pg_wal_replay_pause()");
  test::wait_until([&] { return pair.standby.value("SELECT pg_get_wal_replay_pause_state()") == "paused"; });
  pair.writer.publish(key, page(2));
  const auto lookup = store.lookup(key, fingerprint(2));
  CHECK_FALSE(lookup.entry);
  CHECK(lookup.stored == fingerprint(1));
  pair.standby.execute("SELECT pg_wal_replay_resume()");
  pair.standby.catch_up_with(pair.primary);
  CHECK(store.lookup(key, fingerprint(2)).entry);
}

TEST_CASE("a standby on which a migration is pending is refused by that one's name, until it has it from the primary") {
  test::PostgresServer primary;
  const auto standby = test::PostgresServer::standby_of(primary);
  Wiki store(Pair::options(standby));
  CHECK_THROWS_WITH(store.check(),
                    ContainsSubstring("migration 1 'wiki_cache' cannot be applied") && ContainsSubstring("read-only"));
  CHECK_THROWS_AS(store.lookup(key, fingerprint(1)), MigrationError);
  Wiki(Pair::options(primary)).publish(key, page(1));
  standby.catch_up_with(primary);
  const auto found = [&] {
    try {
      return store.lookup(key, fingerprint(1)).entry != nullptr;
    } catch (const MigrationError&) {
      return false;
    }
  };
  test::wait_until(found, test::patience);
  CHECK(store.stats().unavailable == 0);
}

TEST_CASE("a standby that is promoted while a store has it open takes changes from then on") {
  Pair pair;
  Wiki store(Pair::options(pair.standby));
  CHECK_THROWS_AS(store.publish(key, page(2)), StoreForbidden);
  CHECK(store.acquire_lease(key, fingerprint(2), "a", 1min) == LeaseAnswer::none);
  REQUIRE(pair.standby.value("SELECT pg_promote()") == "t");
  CHECK(store.lookup(key, fingerprint(1)).entry);
  CHECK(store.acquire_lease(key, fingerprint(2), "a", 1min) == LeaseAnswer::granted);
  CHECK(store.acquire_lease(key, fingerprint(2), "b", 1min) == LeaseAnswer::held);
  store.publish(key, page(2));
  CHECK(store.lookup(key, fingerprint(2)).entry);
  CHECK(store.stats().unavailable == 0);
  CHECK(store.stats().connections_open == 1);
}

}  // namespace postgres_standby_tests
