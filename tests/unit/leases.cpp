// Leases as a cache uses them. Two caches on one file stand for two nodes; real processes are in tests/cluster.
#include <render_cache/render_cache.hpp>
#include <render_cache/store/memory.hpp>

#include "support/catch.hpp"
#include "support/sqlite_wiki.hpp"
#include "support/wait_until.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace leases_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using test::SqliteWiki;
using test::WikiStore;

namespace {

const WikiKey key{"docs", "a.md"};

struct Text {
  bool settled = true;
  [[nodiscard]] Fingerprint components(const std::string& source) const {
    auto now = Fingerprint().add("text", source);
    if (!settled) now.mark_unsettled();
    return now;
  }
};

struct CountingRenderer {
  std::function<void(const WikiKey&)> during = [](const WikiKey&) {};
  std::shared_ptr<std::atomic<int>> renders = std::make_shared<std::atomic<int>>(0);
  [[nodiscard]] std::string version() const { return "1"; }
  [[nodiscard]] WikiPage render(const WikiKey& page, const std::string& source) const {
    ++*renders;
    during(page);
    return {"<p>" + source + "</p>", {"{}"}};
  }
};

/// A store on the same file as others, with hooks before it is asked for a lease and before one is given back.
class HookedStore : public WikiStore {
 public:
  using WikiStore::WikiStore;
  std::function<void()> before_lease = [] {};
  std::function<void(std::size_t)> before_renewal = [](std::size_t) {};
  std::function<void(const WikiKey&)> before_release = [](const WikiKey&) {};
  LeaseAnswer acquire_lease(const WikiKey& page, const Fingerprint& now, const std::string& owner,
                            std::chrono::milliseconds time) {
    before_lease();
    return WikiStore::acquire_lease(page, now, owner, time);
  }
  void renew_leases(std::span<const Query<WikiKey>> held, const std::string& owner, std::chrono::milliseconds time) {
    before_renewal(held.size());
    WikiStore::renew_leases(held, owner, time);
  }
  void release_lease(const WikiKey& page, const Fingerprint& now, const std::string& owner) {
    before_release(page);
    WikiStore::release_lease(page, now, owner);
  }
};

struct NodeInProcess {
  HookedStore store;
  CountingRenderer renderer;
  RenderCache<CountingRenderer, Text, HookedStore> cache;

  NodeInProcess(
      const SqliteWiki& wiki, CacheOptions options, std::function<void(const WikiKey&)> during = [](const WikiKey&) {},
      Text hasher = {})
      : store(wiki.options()), renderer{std::move(during)}, cache(renderer, hasher, store, options) {}
  int renders() const { return *renderer.renders; }
};

constexpr CacheOptions in_cluster{.single_flight = SingleFlight::cluster};

int leases(const SqliteWiki& wiki) {
  return std::stoi(wiki.outside().query("SELECT count(*) FROM render_cache_lease").at(0).at(0).value());
}

void eventually(auto&& holds) { test::wait_until(holds, 20s); }

}  // namespace

TEST_CASE("leases: who renders holds one until what he has rendered is stored") {
  const SqliteWiki wiki;
  int held = -1;
  NodeInProcess node(wiki, in_cluster, [&](const WikiKey&) { held = leases(wiki); });
  CHECK(node.cache.get(key, std::string("a")).origin == Origin::render);
  CHECK(held == 1);
  CHECK(leases(wiki) == 0);
  const auto stats = node.cache.stats();
  CHECK(stats.leases == 1);
  CHECK(stats.leases_waited + stats.leases_missing + stats.rendered_elsewhere == 0);
  CHECK(node.cache.get(key, std::string("a")).origin == Origin::store);
  CHECK(node.cache.stats().leases == 1);  // a hit takes none
}

TEST_CASE("leases: another node waits for what the first one brings", "[concurrent]") {
  const SqliteWiki wiki;
  std::promise<void> go;
  NodeInProcess first(wiki, in_cluster, [&](const WikiKey&) { go.get_future().wait(); });
  NodeInProcess second(wiki, in_cluster);
  auto rendering = std::async(std::launch::async, [&] { return first.cache.get(key, std::string("a")); });
  eventually([&] { return first.renders() == 1; });
  auto waiting = std::async(std::launch::async, [&] { return second.cache.get(key, std::string("a")); });
  eventually([&] { return second.cache.stats().leases_waited == 1; });
  go.set_value();
  CHECK(rendering.get().origin == Origin::render);
  const auto found = waiting.get();
  CHECK(found.origin == Origin::store);
  CHECK(found.stored);
  CHECK(second.renders() == 0);
  CHECK(second.cache.stats().rendered_elsewhere == 1);
  CHECK(leases(wiki) == 0);
}

TEST_CASE("leases: who wants another fingerprint does not wait") {
  const SqliteWiki wiki;
  NodeInProcess second(wiki, in_cluster);
  NodeInProcess first(wiki, in_cluster, [&](const WikiKey&) { second.cache.get(key, std::string("b")); });
  first.cache.get(key, std::string("a"));
  CHECK(second.renders() == 1);
  CHECK(second.cache.stats().leases_waited == 0);
}

TEST_CASE("leases: what another node has stored between look-up and lease is not rendered again") {
  const SqliteWiki wiki;
  NodeInProcess first(wiki, in_cluster), second(wiki, in_cluster);
  second.store.before_lease = [&] { first.cache.get(key, std::string("a")); };
  CHECK(second.cache.get(key, std::string("a")).origin == Origin::store);
  CHECK(first.renders() == 1);
  CHECK(second.renders() == 0);
  CHECK(second.cache.stats().rendered_elsewhere == 1);
  CHECK(leases(wiki) == 0);
}

TEST_CASE("leases: one that is shorter than its render is renewed", "[concurrent]") {
  const SqliteWiki wiki;
  const CacheOptions options{.single_flight = SingleFlight::cluster, .lease_time = 1500ms};
  NodeInProcess first(wiki, options, [](const WikiKey&) { std::this_thread::sleep_for(3s); });
  NodeInProcess second(wiki, options);
  auto rendering = std::async(std::launch::async, [&] { return first.cache.get(key, std::string("a")); });
  eventually([&] { return first.renders() == 1; });
  CHECK(second.cache.get(key, std::string("a")).origin == Origin::store);
  CHECK(second.renders() == 0);
  // The thread that renews has rested since, and serves the next one.
  first.cache.erase(key);
  rendering.get();
  auto again = std::async(std::launch::async, [&] { return first.cache.get(key, std::string("a")); });
  eventually([&] { return first.renders() == 2; });
  CHECK(second.cache.get(key, std::string("a")).origin == Origin::store);
  CHECK(second.renders() == 0);
  again.get();
}

TEST_CASE("leases: who has waited for half as long as a call may wait renders without one") {
  const SqliteWiki wiki;
  std::promise<void> go;
  NodeInProcess first(wiki, in_cluster, [&](const WikiKey&) { go.get_future().wait(); });
  NodeInProcess second(wiki, {.single_flight = SingleFlight::cluster, .max_wait = 900ms});
  auto rendering = std::async(std::launch::async, [&] { return first.cache.get(key, std::string("a")); });
  eventually([&] { return first.renders() == 1; });
  const auto start = std::chrono::steady_clock::now();
  CHECK(second.cache.get(key, std::string("a")).origin == Origin::render);
  CHECK(std::chrono::steady_clock::now() - start > 350ms);  // between two questions are at most 75 ms
  const auto stats = second.cache.stats();
  CHECK(stats.leases_missing == 1);
  CHECK(stats.leases == 0);
  CHECK(leases(wiki) == 1);  // the first one's still
  go.set_value();
  rendering.get();
}

TEST_CASE("leases: a cache that is destroyed waits for nobody else's render") {
  const SqliteWiki wiki;
  std::promise<void> go;
  NodeInProcess first(wiki, in_cluster, [&](const WikiKey&) { go.get_future().wait(); });
  auto rendering = std::async(std::launch::async, [&] { return first.cache.get(key, std::string("a")); });
  eventually([&] { return first.renders() == 1; });
  const auto start = std::chrono::steady_clock::now();
  {
    NodeInProcess second(wiki, in_cluster);
    CHECK_THROWS_AS(second.cache.get(key, std::string("a"), {.hard_limit = 50ms}), RenderTimeout);
    CHECK(second.cache.stats().leases_waited == 1);
  }
  CHECK(std::chrono::steady_clock::now() - start < 15s);  // and not the 5 minutes that a reader would wait
  go.set_value();
  rendering.get();
}

TEST_CASE("leases: a render within a render takes a free one, and waits for none") {
  const SqliteWiki wiki;
  const WikiKey part{"docs", "part.md"};
  std::promise<void> go;
  NodeInProcess first(wiki, in_cluster, [&](const WikiKey&) { go.get_future().wait(); });
  auto rendering = std::async(std::launch::async, [&] { return first.cache.get(part, std::string("a")); });
  eventually([&] { return first.renders() == 1; });
  decltype(NodeInProcess::cache)* whole = nullptr;
  NodeInProcess second(wiki, in_cluster, [&](const WikiKey& page) {
    if (page == key) whole->get(part, std::string("a"));
  });
  whole = &second.cache;
  CHECK(second.cache.get(key, std::string("a")).origin == Origin::render);
  CHECK(second.renders() == 2);
  CHECK(second.cache.stats().leases == 1);
  CHECK(second.cache.stats().leases_missing == 1);
  go.set_value();
  rendering.get();
}

TEST_CASE("leases: includes in a circle are refused on two nodes as on one, and not waited for", "[concurrent]") {
  const SqliteWiki wiki;
  const WikiKey other{"docs", "b.md"};
  std::promise<void> go;
  const auto may_go = go.get_future().share();
  decltype(NodeInProcess::cache)*first_cache = nullptr, *second_cache = nullptr;
  const auto includes_the_other = [&](auto*& cache) {
    return [&](const WikiKey& page) {
      may_go.wait();
      cache->get(page == key ? other : key, std::string("a"));
    };
  };
  NodeInProcess first(wiki, in_cluster, includes_the_other(first_cache));
  NodeInProcess second(wiki, in_cluster, includes_the_other(second_cache));
  first_cache = &first.cache;
  second_cache = &second.cache;
  const auto start = [](NodeInProcess& node, const WikiKey& page) {
    return std::async(std::launch::async, [&] { node.cache.get(page, std::string("a")); });
  };
  // Each node renders one page and waits, in another thread, for the other node's lease of the other page.
  auto one = start(first, key), two = start(second, other);
  eventually([&] { return first.renders() == 1 && second.renders() == 1; });
  auto three = start(first, other), four = start(second, key);
  eventually([&] { return first.cache.stats().leases_waited == 1 && second.cache.stats().leases_waited == 1; });
  go.set_value();
  for (auto* each : {&one, &two, &three, &four}) {
    REQUIRE(each->wait_for(20s) == std::future_status::ready);
    CHECK_THROWS_AS(each->get(), RecursiveRender);
  }
}

TEST_CASE("leases: one whose end the store has not heard of is not renewed with the others", "[concurrent]") {
  const SqliteWiki wiki;
  const WikiKey slow{"docs", "slow.md"};
  std::promise<void> go;
  NodeInProcess first(wiki, {.single_flight = SingleFlight::cluster, .lease_time = 300ms, .store_pause = 1ms},
                      [&](const WikiKey& page) {
                        if (page != slow) throw std::runtime_error("no");
                        go.get_future().wait();
                      });
  first.store.before_release = [](const WikiKey& page) {
    if (page == key) throw StoreUnavailable("away for a moment");
  };
  NodeInProcess second(wiki, in_cluster);
  auto rendering = std::async(std::launch::async, [&] { return first.cache.get(slow, std::string("a")); });
  eventually([&] { return first.renders() == 1; });
  CHECK_THROWS_AS(first.cache.get(key, std::string("a")), std::runtime_error);
  CHECK(leases(wiki) == 2);
  auto waiting = std::async(std::launch::async, [&] { return second.cache.get(key, std::string("a")); });
  const auto ended = waiting.wait_for(20s);
  CHECK(first.cache.stats().leases == 2);
  go.set_value();
  rendering.get();
  REQUIRE(ended == std::future_status::ready);
  CHECK(waiting.get().origin == Origin::render);
}

TEST_CASE("leases: who is called for after an erase shares a lease with whom he does not wait for", "[concurrent]") {
  const SqliteWiki wiki;
  std::promise<void> go[2];
  std::atomic<int> turn = 0;
  NodeInProcess node(wiki, in_cluster, [&](const WikiKey&) { go[turn++].get_future().wait(); });
  const auto start = [&] { return std::async(std::launch::async, [&] { return node.cache.get(key, std::string("a")); }); };
  auto erased = start();
  eventually([&] { return turn == 1; });
  node.cache.erase(key);
  auto later = start();
  eventually([&] { return turn == 2; });
  go[0].set_value();
  erased.get();
  CHECK(leases(wiki) == 1);
  go[1].set_value();
  later.get();
  CHECK(leases(wiki) == 0);
}

TEST_CASE("leases: nothing is renewed when all are given back") {
  const SqliteWiki wiki;
  std::atomic<int> of_none = 0;
  NodeInProcess node(wiki, {.single_flight = SingleFlight::cluster, .lease_time = 100ms});
  node.store.before_renewal = [&](std::size_t held) { of_none += held == 0; };
  node.cache.get(key, std::string("a"));
  std::this_thread::sleep_for(150ms);  // a renewal may be under way
  const auto writes = node.store.stats().writes;
  std::this_thread::sleep_for(300ms);
  CHECK(node.store.stats().writes == writes);
  CHECK(of_none == 0);
}

TEST_CASE("leases: one is renewed each third of its time, and not more often", "[concurrent]") {
  const SqliteWiki wiki;
  std::atomic<int> renewals = 0;
  NodeInProcess node(wiki, {.single_flight = SingleFlight::cluster, .lease_time = 300ms},
                     [&](const WikiKey&) { eventually([&] { return renewals >= 4; }); });
  node.store.before_renewal = [&](std::size_t) { ++renewals; };
  const auto start = std::chrono::steady_clock::now();
  node.cache.get(key, std::string("a"));
  CHECK(std::chrono::steady_clock::now() - start >= 400ms);
}

TEST_CASE("leases: what ends is given back, whatever else is rendered of another key or another state", "[concurrent]") {
  const SqliteWiki wiki;
  std::promise<void> go;
  std::atomic<bool> first = true;
  NodeInProcess node(wiki, in_cluster, [&](const WikiKey&) {
    if (first.exchange(false)) go.get_future().wait();
  });
  auto slow = std::async(std::launch::async, [&] { return node.cache.get(key, std::string("a")); });
  eventually([&] { return node.renders() == 1; });
  node.cache.get({"docs", "b.md"}, std::string("a"));
  CHECK(leases(wiki) == 1);
  node.cache.get(key, std::string("b"));
  CHECK(leases(wiki) == 1);
  go.set_value();
  slow.get();
  CHECK(leases(wiki) == 0);
}

TEST_CASE("leases: automatic takes one where the renders so far took long, and before the first; in a cluster all take one") {
  const SqliteWiki wiki;
  NodeInProcess slow(wiki, {.lease_above = 1ms}, [](const WikiKey&) { std::this_thread::sleep_for(3ms); });
  for (int n = 0; n < 3; ++n) slow.cache.get({"slow", std::to_string(n)}, std::string("a"));
  CHECK(slow.cache.stats().leases == 3);
  NodeInProcess quick(wiki, {.lease_above = 10s});
  for (int n = 0; n < 3; ++n) quick.cache.get({"quick", std::to_string(n)}, std::string("a"));
  CHECK(quick.cache.stats().leases == 1);
  NodeInProcess always(wiki, {.single_flight = SingleFlight::cluster, .lease_above = 10s});
  for (int n = 0; n < 3; ++n) always.cache.get({"always", std::to_string(n)}, std::string("a"));
  CHECK(always.cache.stats().leases == 3);
  NodeInProcess alone(wiki, {.single_flight = SingleFlight::process});
  alone.cache.get({"alone", "a.md"}, std::string("a"));
  CHECK(alone.cache.stats().leases == 0);
  CHECK(alone.cache.stats().leases_missing == 0);
}

TEST_CASE("leases: automatic goes by what the render of what is stored has taken") {
  const SqliteWiki wiki;
  const WikiKey slow_key{"docs", "slow.md"};
  const CacheOptions options{.lease_above = 1s};  // which a quick render does not take on a busy machine either
  const auto slow_page = [&](const WikiKey& page) {
    if (page == slow_key) std::this_thread::sleep_for(1s);
  };
  {
    NodeInProcess node(wiki, options, slow_page);
    node.cache.get(slow_key, std::string("a"));
    node.cache.get(key, std::string("a"));
  }
  NodeInProcess node(wiki, options, slow_page);
  node.cache.get(key, std::string("b"));  // was quick, though this cache has rendered nothing yet
  CHECK(node.cache.stats().leases == 0);
  node.cache.get(slow_key, std::string("b"));  // was slow, though this cache's renders were quick
  CHECK(node.cache.stats().leases == 1);
  node.cache.get_many(std::vector<Wanted<WikiKey, std::string>>{{key, "c"}, {slow_key, "c"}});
  CHECK(node.cache.stats().leases == 2);
}

TEST_CASE("leases: what took just as long as is worth one takes one") {
  const SqliteWiki wiki;
  NodeInProcess node(wiki, {.lease_above = 200ms});
  const auto stored_with_cost = [&](std::chrono::microseconds cost) {
    node.store.publish(key, std::make_shared<const Entry<WikiPage>>(
                                Entry<WikiPage>{{"<p>old</p>", {"{}"}}, test::fingerprint(1), Timestamp{}, cost}));
  };
  stored_with_cost(200ms - 1us);
  node.cache.get(key, std::string("a"));
  CHECK(node.cache.stats().leases == 0);
  stored_with_cost(200ms);
  node.cache.get(key, std::string("a"));
  CHECK(node.cache.stats().leases == 1);
}

TEST_CASE("leases: who waits asks more and more seldom", "[concurrent]") {
  const SqliteWiki wiki;
  std::promise<void> go;
  NodeInProcess first(wiki, in_cluster, [&](const WikiKey&) { go.get_future().wait(); });
  NodeInProcess second(wiki, in_cluster);
  std::vector<std::chrono::steady_clock::time_point> asked;
  second.store.before_lease = [&] {
    asked.push_back(std::chrono::steady_clock::now());
    if (asked.size() == 9) go.set_value();
  };
  auto rendering = std::async(std::launch::async, [&] { return first.cache.get(key, std::string("a")); });
  eventually([&] { return first.renders() == 1; });
  CHECK(second.cache.get(key, std::string("a")).origin == Origin::store);
  rendering.get();
  REQUIRE(asked.size() >= 9);
  std::chrono::steady_clock::duration pause = 5ms;
  for (std::size_t nth = 1; nth < 9; ++nth) {
    CHECK(asked[nth] - asked[nth - 1] >= pause);
    pause = std::min<std::chrono::steady_clock::duration>(pause * 3 / 2, 50ms);  // a tenth of what a render is thought to take
  }
}

TEST_CASE("leases: a refresh and what is not stored take none") {
  const SqliteWiki wiki;
  NodeInProcess node(wiki, in_cluster);
  node.cache.refresh(key, std::string("a"));
  CHECK(node.cache.stats().leases == 0);
  NodeInProcess unsettled(
      wiki, in_cluster, [](const WikiKey&) {}, Text{.settled = false});
  unsettled.cache.get(key, std::string("b"));
  CHECK(unsettled.cache.stats().leases == 0);
}

TEST_CASE("leases: a render that throws gives it back") {
  const SqliteWiki wiki;
  NodeInProcess node(wiki, in_cluster, [](const WikiKey&) { throw std::runtime_error("no"); });
  CHECK_THROWS_AS(node.cache.get(key, std::string("a")), std::runtime_error);
  CHECK(node.cache.stats().leases == 1);
  CHECK(leases(wiki) == 0);
}

TEST_CASE("leases: a store that gives none keeps nobody from rendering") {
  const SqliteWiki wiki;
  NodeInProcess node(wiki, in_cluster);
  node.store.before_lease = [] { throw StoreUnavailable("a disk that is gone"); };
  CHECK(node.cache.get(key, std::string("a")).origin == Origin::render);
  CHECK(node.cache.stats().store_unavailable == 1);
  CHECK(node.cache.stats().leases_missing == 1);
}

TEST_CASE("leases: a store without a table for them says so, and is used without") {
  SqliteWiki wiki;
  { const WikiStore makes_the_tables(wiki.options()); }
  wiki.outside().run_script("DROP TABLE render_cache_lease; DROP TABLE render_cache_lease_migrations");
  auto options = wiki.options();
  options.migrations.clear();
  WikiStore store(options);
  CHECK(store.acquire_lease(key, test::fingerprint(1), "a", 1s) == LeaseAnswer::none);
  CHECK_NOTHROW(store.renew_leases(std::vector<Query<WikiKey>>{{key, test::fingerprint(1)}}, "a", 1s));
  CHECK_NOTHROW(store.release_lease(key, test::fingerprint(1), "a"));
  RenderCache cache(CountingRenderer{}, Text{}, store, in_cluster);
  CHECK(cache.get(key, std::string("a")).origin == Origin::render);
  CHECK(cache.get(key, std::string("a")).origin == Origin::store);
  CHECK(cache.stats().leases_missing == 1);
  CHECK(cache.stats().store_other == 0);
}

TEST_CASE("leases: those that ended long ago are removed by whoever renews his own") {
  const SqliteWiki wiki;
  WikiStore store(wiki.options());
  for (int n = 0; n < 3; ++n) store.acquire_lease(key, test::fingerprint(n), "killed", 1s);
  store.acquire_lease(key, test::fingerprint(9), "alive", 1h);
  auto outside = wiki.outside();
  outside.run_script("UPDATE render_cache_lease SET deadline = deadline - 59000 WHERE owner = 'killed'");
  const std::vector<Query<WikiKey>> held{{key, test::fingerprint(9)}};
  store.renew_leases(held, "alive", 1h);
  CHECK(leases(wiki) == 4);
  outside.run_script("UPDATE render_cache_lease SET deadline = deadline - 3000 WHERE owner = 'killed'");
  store.renew_leases(held, "alive", 1h);
  CHECK(leases(wiki) == 1);
}

TEST_CASE("leases: what one is called is made of the table, the key and the fingerprint") {
  using detail::lease_name;
  const auto name = lease_name("wiki", key, test::fingerprint(1));
  CHECK(name == lease_name("wiki", key, test::fingerprint(1)));
  CHECK(name != lease_name("other", key, test::fingerprint(1)));
  CHECK(name != lease_name("wiki", WikiKey{"docs", "b.md"}, test::fingerprint(1)));
  CHECK(name != lease_name("wiki", key, test::fingerprint(2)));
}

TEST_CASE("leases: options that cannot be kept are refused in words") {
  const SqliteWiki wiki;
  WikiStore store(wiki.options());
  MemoryStore<WikiSchema> memory({.capacity = 1 << 20});
  CHECK_THROWS_WITH((RenderCache(CountingRenderer{}, Text{}, memory, in_cluster)),
                    ContainsSubstring("needs a store that keeps leases"));
  CHECK_NOTHROW(RenderCache(CountingRenderer{}, Text{}, memory));
  CHECK_THROWS_WITH((RenderCache(CountingRenderer{}, Text{}, store, CacheOptions{.lease_time = 99ms})),
                    ContainsSubstring("lease_time"));
  CHECK_NOTHROW(RenderCache(CountingRenderer{}, Text{}, store, CacheOptions{.lease_time = 100ms}));
}

TEST_CASE("leases: times without end are what they say") {
  const SqliteWiki wiki;
  const auto for_ever = std::chrono::milliseconds::max();
  NodeInProcess never(wiki, {.lease_above = for_ever});
  never.cache.get({"never", "1"}, std::string("a"));  // before the first render one is taken
  never.cache.get({"never", "2"}, std::string("a"));
  CHECK(never.cache.stats().leases == 1);
  NodeInProcess long_lived(wiki, {.single_flight = SingleFlight::cluster, .lease_time = for_ever, .max_wait = for_ever});
  long_lived.cache.get(key, std::string("a"));
  CHECK(long_lived.cache.stats().leases == 1);
}

}  // namespace leases_tests
