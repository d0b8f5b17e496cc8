// What is rendered while the store is away: stored when it is back, unless it is no longer what the source says.
#include <render_cache/cache.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/store/sqlite.hpp>
#include <render_cache/store/tiered.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "laws/two_nodes.hpp"
#include "support/archetypes.hpp"
#include "support/catch.hpp"
#include "support/places.hpp"
#include "support/temporary_directory.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace owed_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using archetype::CountingRenderer;
using archetype::FullStore;
using archetype::MinimalHasher;
using test::LivePlaces;
using test::Place;
using test::PlaceRenderer;

namespace {

WikiKey page(int number) { return {"docs", std::to_string(number)}; }

/// A store that is away when it is told so.
struct Away {
  std::shared_ptr<std::atomic<bool>> away = std::make_shared<std::atomic<bool>>(true);
  std::atomic<bool>& operator*() const { return *away; }
  void operator()() const {
    if (*away) throw StoreUnavailable("it is away");
  }
};

/// It is asked again after 100 ms, which is the least.
constexpr CacheOptions at_once{.store_pause = 0ms};

struct Texts {
  FullStore store;
  Away away;
  CountingRenderer renderer;
  RenderCache<CountingRenderer, MinimalHasher, FullStore> cache;
  explicit Texts(CacheOptions options = at_once) : cache(renderer, MinimalHasher{}, store, options) {
    store.before = [this](std::string_view) { away(); };
  }
  bool stored(const WikiKey& key, const std::string& text) { return bool(cache.find(key, cache.fingerprint(text))); }
};

template <class Cache>
CacheStats when_settled(const Cache& cache) {
  const auto end = std::chrono::steady_clock::now() + 30s;
  while (cache.stats().owed > 0 && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(2ms);
  return cache.stats();
}

}  // namespace

TEST_CASE("what is rendered while the store is away is stored when it is back") {
  Texts one;
  for (int i = 0; i < 50; ++i) CHECK_FALSE(one.cache.get(page(i), "text").stored);
  CHECK(one.cache.stats().owed == 50);
  const auto begin = std::chrono::steady_clock::now();
  const auto before = one.cache.stats().store_unavailable;
  std::this_thread::sleep_for(250ms);  // it is tried meanwhile, and nothing is lost by that
  const auto tries = one.cache.stats().store_unavailable - before;
  CHECK(tries <= static_cast<std::uint64_t>((std::chrono::steady_clock::now() - begin) / 100ms) + 2);
  CHECK(one.cache.stats().owed == 50);
  *one.away = false;
  const auto stats = when_settled(one.cache);
  for (int i = 0; i < 50; ++i) CHECK(one.stored(page(i), "text"));
  CHECK(stats.owed == 0);
  CHECK(stats.owed_stored == 50);
  CHECK(stats.owed_dropped == 0);
  CHECK(stats.renders == 50);
}

TEST_CASE("what is on its way to the store is owed until it is there") {
  std::atomic<std::uint64_t> owed = 0;
  Texts one;
  one.store.before = [&](std::string_view what) {
    one.away();
    if (what == "publish") owed = one.cache.stats().owed;
  };
  one.cache.get(page(1), "text");
  *one.away = false;
  CHECK(when_settled(one.cache).owed_stored == 1);
  CHECK(owed == 1);
}

TEST_CASE("a store that goes away again gets the rest when it is back for good") {
  std::atomic<int> published = 0;
  Texts one;
  one.store.before = [&](std::string_view what) {
    one.away();
    if (what == "publish" && ++published % 3 == 0) throw StoreUnavailable("again");
  };
  for (int i = 0; i < 20; ++i) one.cache.get(page(i), "text");
  *one.away = false;
  CHECK(when_settled(one.cache).owed_stored == 20);
  for (int i = 0; i < 20; ++i) CHECK(one.stored(page(i), "text"));
}

TEST_CASE("what is owed is sampled again, and given up if the source has moved") {
  FullStore store;
  const Away away;
  store.before = [&](std::string_view) { away(); };
  PlaceRenderer renderer;
  RenderCache cache(renderer, LivePlaces{}, store, at_once);
  const auto moves = std::make_shared<Place>(), stays = std::make_shared<Place>();
  cache.get(page(1), moves);
  cache.get(page(2), stays);
  cache.get(page(3), stays.get());  // nobody knows for how long it is there
  CHECK(cache.stats().owed == 2);
  moves->set({"other", "other"});
  *away = false;
  const auto stats = when_settled(cache);
  CHECK(stats.owed_stored == 1);
  CHECK(stats.owed_dropped == 1);
  CHECK(cache.find(page(1), cache.fingerprint(moves)).miss == Miss::absent);
  CHECK(cache.find(page(2), cache.fingerprint(stays)));
  CHECK(cache.find(page(3), cache.fingerprint(stays)).miss == Miss::absent);
}

TEST_CASE("what was erased meanwhile is owed no longer, though the erase failed") {
  Texts one;
  const bool group = GENERATE(false, true);
  one.cache.get(page(1), "text");
  one.cache.get({"other", "1"}, "text");
  if (group) {
    CHECK_THROWS_AS(one.cache.erase_group("docs"), StoreUnavailable);
  } else {
    CHECK_THROWS_AS(one.cache.erase(page(1)), StoreUnavailable);
  }
  *one.away = false;
  const auto stats = when_settled(one.cache);
  CHECK_FALSE(one.stored(page(1), "text"));
  CHECK(one.stored({"other", "1"}, "text"));
  CHECK(stats.owed_dropped == 1);
}

TEST_CASE("what is stored by a later call is not replaced by what was owed") {
  Texts one;
  one.cache.get(page(1), "older");
  *one.away = false;
  CHECK(one.cache.get(page(1), "newer").stored);
  const auto stats = when_settled(one.cache);
  CHECK(one.stored(page(1), "newer"));
  CHECK(stats.owed_dropped + stats.owed_stored == 1);  // stored if it came first, on a machine that stood still
}

TEST_CASE("one entry of a key is owed: what was called for last") {
  Texts one;
  for (int i = 0; i <= 20; ++i) one.cache.get(page(1), std::to_string(i % 7));
  CHECK(one.cache.stats().owed == 1);
  *one.away = false;
  const auto stats = when_settled(one.cache);
  CHECK(one.stored(page(1), "6"));
  CHECK(stats.owed_stored == 1);
  CHECK(stats.owed_dropped == 0);
}

TEST_CASE("what is owed has bounds, and the oldest makes room") {
  SECTION("by number") {
    Texts one({.store_pause = 0ms, .max_owed = 3});
    for (int i = 0; i < 5; ++i) one.cache.get(page(i), "text");
    CHECK(one.cache.stats().owed == 3);
    CHECK(one.cache.stats().owed_dropped == 2);
    std::this_thread::sleep_for(250ms);  // what is taken out and put back stays the oldest
    one.cache.get(page(5), "text");
    *one.away = false;
    CHECK(when_settled(one.cache).owed_stored == 3);
    for (int i = 0; i <= 5; ++i) CHECK(one.stored(page(i), "text") == (i >= 3));
  }
  SECTION("by bytes") {
    Texts one({.store_pause = 0ms, .max_owed_bytes = 60'000});
    for (int i = 0; i < 5; ++i) one.cache.get(page(i), std::string(10'000, 'x'));
    CHECK(one.cache.stats().owed == 1);  // a text is in the page and, twice, in its fingerprint
    CHECK(one.cache.stats().owed_dropped == 4);
  }
  SECTION("by bytes, to the last one") {
    const std::string text(10'000, 'x');
    const auto entry = Texts().cache.get(page(0), text).entry;
    const auto bytes = sizeof(detail::Owed<FullStore, NoObserver>::Debt) + sizeof *entry + 2 * entry->fingerprint.text().size() +
                       heap_bytes(page(0)) + heap_bytes(entry->value);
    const auto too_few = GENERATE(std::size_t{0}, std::size_t{1});
    Texts one({.store_pause = 1h, .max_owed_bytes = 2 * bytes - too_few});
    for (int i = 0; i < 3; ++i) one.cache.get(page(i), text);
    CHECK(one.cache.stats().owed == 2 - too_few);
  }
  SECTION("none") {
    Texts one({.store_pause = 0ms, .max_owed = 0});
    one.cache.get(page(1), "text");
    CHECK(one.cache.stats().owed == 0);
    *one.away = false;
    CHECK_FALSE(one.stored(page(1), "text"));
  }
}

TEST_CASE("what a store refuses is not owed") {
  Texts one;
  *one.away = false;
  one.store.before = [](std::string_view what) {
    if (what == "publish") throw InvalidValue("not this");
  };
  CHECK_FALSE(one.cache.get(page(1), "text").stored);
  CHECK(one.cache.stats().owed == 0);
  one.store.before = [](std::string_view what) {
    if (what == "publish") throw StoreFull("no room");
  };
  CHECK_FALSE(one.cache.get(page(2), "text").stored);
  CHECK(one.cache.stats().owed == 0);
}

TEST_CASE("a cache that owes something ends at once") {
  const auto begin = std::chrono::steady_clock::now();
  {
    Texts one({.store_pause = 60s});
    one.cache.get(page(1), "text");
    CHECK(one.cache.stats().owed == 1);
    std::this_thread::sleep_for(100ms);  // the thread rests
  }
  CHECK(std::chrono::steady_clock::now() - begin < 20s);
}

TEST_CASE("what was owed replaces what its look-up had seen, and nothing that another process has stored since") {
  const test::TemporaryDirectory directory;
  SqliteStore<WikiSchema> file({.path = directory / "wiki.db", .migrations = wiki_migrations<SqliteDialect>()});
  laws::Hooked<SqliteStore<WikiSchema>> store{file};
  const Away away;
  *away = false;
  store.before_replace = [&] { away(); };
  RenderCache cache(CountingRenderer{}, MinimalHasher{}, store, at_once);
  RenderCache other(CountingRenderer{}, MinimalHasher{}, file);
  const auto stored = [&](const std::string& text) { return bool(other.find(page(1), other.fingerprint(text))); };
  cache.get(page(1), "1");
  *away = true;
  CHECK_FALSE(cache.get(page(1), "2").stored);
  CHECK(cache.stats().owed == 1);
  SECTION("nothing else") {
    *away = false;
    CHECK(when_settled(cache).owed_stored == 1);
    CHECK(stored("2"));
  }
  SECTION("another state: a text cannot be sampled again") {
    other.get(page(1), "3");
    *away = false;
    CHECK(when_settled(cache).owed_dropped == 1);
    CHECK(stored("3"));
    CHECK(cache.stats().publish_conflicts == 1);
  }
  SECTION("the same") {
    other.get(page(1), "2");
    *away = false;
    CHECK(when_settled(cache).owed_stored == 1);
    CHECK(stored("2"));
  }
}

TEST_CASE("what is near while the far store is away is stored there, too, when it is back") {
  const test::TemporaryDirectory directory;
  SqliteStore<WikiSchema> file({.path = directory / "wiki.db", .migrations = wiki_migrations<SqliteDialect>()});
  laws::Hooked<SqliteStore<WikiSchema>> far{file};
  const Away away;
  far.before_lookup = far.before_replace = [&] { away(); };
  MemoryStore<WikiSchema> near({.capacity = 1 << 20});
  TieredStore tiers(near, far);
  RenderCache cache(PlaceRenderer{}, LivePlaces{}, tiers, {.store_pause = 200ms});
  RenderCache other(PlaceRenderer{}, LivePlaces{}, file);
  const auto place = std::make_shared<Place>();
  for (int i = 0; i < 10; ++i) cache.get(page(i), place);
  CHECK(cache.stats().owed == 10);
  CHECK(cache.get(page(9), place).origin == Origin::near);
  *away = false;
  CHECK(when_settled(cache).owed_stored == 10);
  for (int i = 0; i < 10; ++i) CHECK(other.find(page(i), other.fingerprint(place)));
}

}  // namespace owed_tests
