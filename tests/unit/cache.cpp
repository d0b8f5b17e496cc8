#include <render_cache/cache.hpp>
#include <render_cache/store/memory.hpp>

#include "support/archetypes.hpp"
#include "support/catch.hpp"
#include "support/sqlite_wiki.hpp"
#include "support/wait_until.hpp"

#include <render_cache/laws/wrapped_store.hpp>

#include <chrono>
#include <functional>
#include <latch>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace cache_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using archetype::CountingRenderer;
using archetype::FullStore;
using archetype::MinimalHasher;
using archetype::MinimalStore;

namespace {

const WikiKey key{"docs", "a.md"};

struct Fixture {
  FullStore store;
  CountingRenderer renderer;
  RenderCache<CountingRenderer, MinimalHasher, FullStore> cache;
  explicit Fixture(CacheOptions options = {}) : cache(renderer, MinimalHasher{}, store, std::move(options)) {}
  int renders() const { return renderer.state->renders; }
};

Outcome<WikiPage> get(auto& cache, std::string source, const GetOptions& options = {}) { return cache.get(key, source, options); }

void eventually(auto&& holds) { test::wait_until(holds, 20s); }

}  // namespace

TEST_CASE("what no concept promises is not needed") {
  MinimalStore store;
  RenderCache cache(CountingRenderer{}, MinimalHasher{}, store);
  CHECK(get(cache, "x").origin == Origin::render);
  CHECK(get(cache, "x").hit());
  CHECK(get(cache, "y", {.freshness = Freshness::stale_while_rendering(1h)}).origin == Origin::render);
  CHECK(cache.refresh(key, std::string("y")).origin == Origin::render);
  CHECK(cache.get_many(std::vector<Wanted<WikiKey, std::string>>{{key, "y"}})[0].outcome().hit());
  CHECK(cache.prune([](const WikiKey&) { return false; }).removed == 1);
  CHECK_FALSE(cache.erase(key));
  CHECK(cache.erase_group("docs") == 0);
}

TEST_CASE("what is stored is served without rendering again") {
  Fixture f;
  const auto first = get(f.cache, "x");
  CHECK(first.miss == Miss::absent);
  CHECK(first.origin == Origin::render);
  CHECK(first.stored);
  const auto second = get(f.cache, "x");
  CHECK(second.hit());
  CHECK(second.origin == Origin::store);
  CHECK(second.stored);
  CHECK(second->rendered_html == "<p>x</p>");
  CHECK(second.entry == first.entry);
  CHECK(second.entry->fingerprint.text() == "source=x|renderer=test/1");
  CHECK(second.entry->render_cost.has_value());
  CHECK(f.renders() == 1);
  CHECK(f.cache.stats().hits == 1);
  CHECK(f.cache.stats().misses_for(Miss::absent) == 1);
  CHECK(f.cache.stats().renders == 1);
  CHECK(f.cache.stats().published == 1);
  CHECK(f.cache.stats().render_nanoseconds == static_cast<std::uint64_t>(first.entry->render_cost->count()));
}

TEST_CASE("what is not given is as documented") {
  const CacheOptions cache;
  CHECK(cache.failure_memory == 1s);
  CHECK(cache.store_pause == 1s);
  CHECK(cache.max_background == 64);
  CHECK(cache.max_owed == 1000);
  CHECK(cache.max_owed_bytes == 67'108'864);
  CHECK(cache.max_wait == 10min);
  CHECK(cache.single_flight == SingleFlight::automatic);
  CHECK(cache.lease_above == 10ms);
  CHECK(cache.lease_time == 5s);
  CHECK(GetOptions{}.soft_limit == 0ms);
  const Progress progress;
  CHECK(progress.done + progress.total + progress.hits == 0);
  const CacheStats stats;
  CHECK(stats.hits + stats.near_hits + stats.renders + stats.render_failures + stats.failures_remembered + stats.shared +
            stats.stale + stats.moved + stats.leases + stats.leases_waited + stats.leases_missing + stats.rendered_elsewhere +
            stats.published + stats.publish_conflicts + stats.owed + stats.owed_stored + stats.owed_dropped +
            stats.store_unavailable + stats.store_full + stats.store_refused + stats.store_forbidden + stats.store_other +
            stats.store_skipped + stats.render_nanoseconds ==
        0);
  CHECK(stats.store_available);
}

TEST_CASE("a look-up that finds nothing has nothing stored") {
  Fixture f;
  const auto outcome = f.cache.find(key, f.cache.fingerprint(std::string("x")));
  CHECK_FALSE(outcome);
  CHECK(outcome.miss == Miss::absent);
  CHECK_FALSE(outcome.stored);
}

TEST_CASE("what is sampled near is what is sampled, or nothing") {
  struct Hasher : MinimalHasher {
    std::optional<Fingerprint> components_near(const std::string& source) const {
      return source == "far" ? std::nullopt : std::optional(components(source));
    }
  };
  FullStore store;
  const RenderCache cache(CountingRenderer{}, Hasher{}, store);
  CHECK(cache.fingerprint_near(std::string("x")) == cache.fingerprint(std::string("x")));
  CHECK_FALSE(cache.fingerprint_near(std::string("far")));
}

TEST_CASE("a changed source is rendered again and replaces the old entry") {
  Fixture f;
  get(f.cache, "x");
  const auto changed = get(f.cache, "y");
  CHECK(changed.miss == Miss::changed);
  CHECK(changed.detail == "source");
  CHECK(changed->rendered_html == "<p>y</p>");
  CHECK(get(f.cache, "y").hit());
  CHECK(get(f.cache, "x").miss == Miss::changed);
}

TEST_CASE("an upgraded renderer renders again by itself") {
  Fixture f;
  get(f.cache, "x");
  f.renderer.state->version = "test/2";
  CHECK(get(f.cache, "x").detail == "renderer");
  CHECK(get(f.cache, "x").hit());
}

TEST_CASE("a value stays valid after its entry is erased") {
  Fixture f;
  const auto held = get(f.cache, "x").value();
  CHECK(f.cache.erase(key));
  get(f.cache, "y");
  CHECK(held->rendered_html == "<p>x</p>");
}

TEST_CASE("however many threads ask, one renders", "[concurrent]") {
  Fixture f;
  constexpr int threads = 8;
  for (int round = 0; round < 20; ++round) {
    std::latch start(threads);
    f.renderer.state->during = [&](auto&&...) { std::this_thread::sleep_for(2ms); };
    std::atomic<int> led = 0, wrong = 0;
    {
      std::vector<std::jthread> crowd;
      for (int i = 0; i < threads; ++i) {
        crowd.emplace_back([&] {
          start.arrive_and_wait();
          const auto outcome = get(f.cache, std::to_string(round));
          led += outcome.origin == Origin::render;
          wrong += outcome->rendered_html != "<p>" + std::to_string(round) + "</p>";
        });
      }
    }
    CHECK(led == 1);
    CHECK(wrong == 0);
    CHECK(f.renders() == round + 1);
  }
}

TEST_CASE("threads that come at any moment of a render cause no second one", "[concurrent]") {
  // No sleep in the renderer: here the look-up, the landing and the boarding of others meet in every order.
  Fixture f;
  for (int round = 0; round < 300; ++round) {
    std::latch start(4);
    std::vector<std::jthread> crowd;
    for (int i = 0; i < 4; ++i) {
      crowd.emplace_back([&] {
        start.arrive_and_wait();
        get(f.cache, std::to_string(round));
      });
    }
    crowd.clear();
    REQUIRE(f.renders() == round + 1);
  }
}

TEST_CASE("an error reaches all who wait, is not stored, and is not tried again at once", "[concurrent]") {
  Fixture f;
  f.renderer.state->during = [&](const WikiKey&, const std::string& source) {
    if (source != "bad") return;
    eventually([&] { return f.cache.stats().shared >= 3; });
    throw std::out_of_range("poisonous");
  };
  std::atomic<int> failed = 0;
  {
    std::vector<std::jthread> crowd;
    for (int i = 0; i < 4; ++i) {
      crowd.emplace_back([&] {
        try {
          get(f.cache, "bad");
        } catch (const std::out_of_range&) {
          ++failed;
        }
      });
    }
  }
  CHECK(failed == 4);
  CHECK(f.renders() == 1);
  CHECK_THROWS_AS(get(f.cache, "bad"), std::out_of_range);
  CHECK(f.renders() == 1);
  CHECK(f.cache.stats().failures_remembered == 1);
  CHECK(f.cache.stats().render_failures == 1);
  CHECK_FALSE(f.cache.find(key, f.cache.fingerprint(std::string("bad"))));

  SECTION("a new fingerprint clears it") {
    CHECK(get(f.cache, "good").origin == Origin::render);
    CHECK(get(f.cache, "good").hit());
  }
  SECTION("a refresh tries again") {
    f.renderer.state->during = [](auto&&...) {};
    CHECK(f.cache.refresh(key, std::string("bad")).origin == Origin::render);
    CHECK(get(f.cache, "bad").hit());
  }
}

TEST_CASE("a failure is forgotten after its time") {
  Fixture f({.failure_memory = 20ms});
  f.renderer.state->during = [](auto&&...) { throw std::runtime_error("once"); };
  CHECK_THROWS(get(f.cache, "x"));
  f.renderer.state->during = [](auto&&...) {};
  std::this_thread::sleep_for(30ms);
  CHECK(get(f.cache, "x").origin == Origin::render);
}

TEST_CASE("a refusal is remembered for as long as the source is the same") {
  Fixture f({.failure_memory = 1ms});
  f.renderer.state->during = [](auto&&...) { throw RenderRefused("too large"); };
  CHECK_THROWS_AS(get(f.cache, "x"), RenderRefused);
  f.renderer.state->during = [](auto&&...) {};
  std::this_thread::sleep_for(10ms);
  CHECK_THROWS_WITH(get(f.cache, "x"), "too large");
  CHECK(f.renders() == 1);
  CHECK(get(f.cache, "y").origin == Origin::render);
}

TEST_CASE("a render that asks for itself is refused, not deadlocked") {
  Fixture f({.failure_memory = 0ms});
  std::string inner = "x";
  f.renderer.state->during = [&](const WikiKey& k, const std::string&) { f.cache.get(k, inner); };
  CHECK_THROWS_AS(get(f.cache, "x"), RecursiveRender);
  inner = "another state of the same source";
  CHECK_THROWS_WITH(get(f.cache, "x"), ContainsSubstring("page_path='a.md'"));
  CHECK_THROWS_AS(get(f.cache, "x", {.hard_limit = 10s}), RecursiveRender);

  f.renderer.state->during = [&](const WikiKey& k, const std::string&) {
    const std::vector<Wanted<WikiKey, std::string>> both{{k, "x"}, {{"docs", "b.md"}, "x"}};
    static_cast<void>(f.cache.get_many(both, {.parallel = 2})[0].outcome());
  };
  CHECK_THROWS_AS(get(f.cache, "x"), RecursiveRender);
}

TEST_CASE("a render may ask for other keys") {
  Fixture f;
  f.renderer.state->during = [&](const WikiKey& k, const std::string&) {
    if (k == key) f.cache.get({"docs", "b.md"}, std::string("y"));
  };
  CHECK(get(f.cache, "x").origin == Origin::render);
  CHECK(f.renders() == 2);
}

TEST_CASE("renders on two threads that need each other are refused", "[concurrent]") {
  Fixture f({.failure_memory = 0ms});
  const WikiKey a{"docs", "a.md"}, b{"docs", "b.md"};
  std::latch both_render(2);
  f.renderer.state->during = [&](const WikiKey& k, const std::string&) {
    both_render.arrive_and_wait();
    f.cache.get(k == a ? b : a, std::string("x"));
  };
  std::atomic<int> refused = 0;
  const auto ask = [&](const WikiKey& k) {
    try {
      f.cache.get(k, std::string("x"));
    } catch (const RecursiveRender&) {
      ++refused;
    }
  };
  std::thread other([&] { ask(b); });
  ask(a);
  other.join();
  CHECK(refused == 2);
}

TEST_CASE("a refresh renders although nothing changed") {
  Fixture f;
  get(f.cache, "x");
  const auto forced = f.cache.refresh(key, std::string("x"));
  CHECK(forced.origin == Origin::render);
  CHECK(forced.miss == Miss::forced);
  CHECK(f.renders() == 2);
}

TEST_CASE("a refresh does not take a render that had begun before it, nor wait for it", "[concurrent]") {
  Fixture f;
  std::atomic<bool> first_renders = false, release = false;
  f.renderer.state->during = [&](auto&&...) {
    if (f.renders() > 1) return;
    first_renders = true;
    eventually([&] { return release.load(); });
  };
  std::jthread slow([&] { get(f.cache, "x"); });
  eventually([&] { return first_renders.load(); });
  CHECK(f.cache.refresh(key, std::string("x")).origin == Origin::render);
  CHECK(f.renders() == 2);
  release = true;
}

TEST_CASE("an erase during a render wins", "[concurrent]") {
  Fixture f;
  std::jthread eraser;
  SECTION("before it publishes") {
    f.renderer.state->during = [&](auto&&...) { f.cache.erase(key); };
  }
  SECTION("of the group") {
    f.renderer.state->during = [&](auto&&...) { f.cache.erase_group("docs"); };
  }
  SECTION("while it publishes") {
    f.store.before = [&](std::string_view operation) {
      if (operation != "publish") return;
      eraser = std::jthread([&] { f.cache.erase(key); });
      std::this_thread::sleep_for(20ms);  // time enough to overtake, if it could
    };
  }
  const auto outcome = get(f.cache, "x");
  CHECK(outcome->rendered_html == "<p>x</p>");
  if (eraser.joinable()) {
    eraser.join();
  } else {
    CHECK_FALSE(outcome.stored);
  }
  CHECK_FALSE(f.cache.find(key, f.cache.fingerprint(std::string("x"))));
}

TEST_CASE("a broken store makes the cache slow, not wrong and not down") {
  Fixture f({.store_pause = 30ms, .max_owed = 0});
  f.store.before = [](std::string_view operation) { throw StoreUnavailable(std::string(operation) + " refused"); };
  const auto outcome = get(f.cache, "x");
  CHECK(outcome->rendered_html == "<p>x</p>");
  CHECK(outcome.miss == Miss::store_failed);
  CHECK(outcome.detail == "the store was unavailable a moment ago and is left alone");
  CHECK_FALSE(outcome.stored);

  // Left alone for a while, then asked again by itself.
  f.store.before = [](std::string_view) {};
  CHECK(get(f.cache, "x").miss == Miss::store_failed);
  CHECK_FALSE(f.cache.stats().store_available);
  CHECK(f.store.lookups == 0);
  std::this_thread::sleep_for(40ms);
  CHECK(get(f.cache, "x").miss == Miss::absent);
  CHECK(get(f.cache, "x").hit());
  CHECK(f.cache.stats().store_available);
  CHECK(f.cache.stats().store_unavailable == 1);
  CHECK(f.cache.stats().store_skipped >= 2);
}

TEST_CASE("a value that the store refuses is served and counted, and the store is not left alone for it") {
  Fixture f;
  f.store.before = [](std::string_view operation) {
    if (operation == "publish") throw InvalidValue("a NUL byte");
  };
  CHECK(get(f.cache, "x").detail == "a NUL byte");
  CHECK(get(f.cache, "x").origin == Origin::render);
  CHECK(f.cache.stats().store_refused == 2);
  CHECK(f.store.lookups == 2);
  f.store.before = [](std::string_view operation) {
    if (operation == "publish") throw StoreFull("disk full");
    if (operation == "lookup") throw std::runtime_error("not one of ours");
  };
  CHECK(get(f.cache, "x").miss == Miss::store_failed);
  CHECK(f.cache.stats().store_full == 1);
  CHECK(f.cache.stats().store_other == 1);
}

TEST_CASE("a key that not every store can hold is the caller's error") {
  Fixture f;
  const auto ask = [&](std::string path) { return f.cache.get({"docs", std::move(path)}, std::string("x")); };
  CHECK(ask(std::string(max_key_bytes - 4, 'a')).stored);
  CHECK_THROWS_WITH(ask(std::string(max_key_bytes - 3, 'a')), ContainsSubstring("2049 bytes"));
  CHECK_THROWS_AS(ask(std::string("a\0b", 3)), InvalidKey);
  CHECK_THROWS_WITH(ask("a\xff"), ContainsSubstring("offset 1"));
  CHECK(ask("'; DROP TABLE %s \\ \xf0\x9f\xa6\x80").stored);
}

// -- sources that move ---------------------------------------------------------------------------------------------------

namespace {

struct PointerHasher {
  static constexpr bool source_can_move = true;
  Fingerprint components(const std::string* source) const { return std::move(Fingerprint().add("source", *source)); }
};
struct PointerRenderer {
  CountingRenderer counting;
  std::string_view version() const { return counting.version(); }
  WikiPage render(const WikiKey& k, const std::string* source) const { return counting.render(k, *source); }
};

}  // namespace

TEST_CASE("what moved while it was rendered is returned and not stored") {
  FullStore store;
  PointerRenderer renderer;
  RenderCache cache(renderer, PointerHasher{}, store);
  std::string source = "x";
  renderer.counting.state->during = [&](auto&&...) { source = "y"; };
  const auto moved = cache.get(key, &source);
  CHECK_FALSE(moved.stored);
  CHECK_THAT(moved.detail, ContainsSubstring("moved while it was rendered: source"));
  CHECK(cache.stats().moved == 1);
  CHECK(cache.get(key, &source).stored);
  CHECK(cache.get(key, &source).hit());
}

namespace {

/// As a file: it can be sampled cheaply, and frozen.
struct FreezableHasher {
  Fingerprint components(const std::string* source) const { return std::move(Fingerprint().add("source", *source)); }
  Frozen<std::string> freeze(const std::string* source) const {
    (*before_freeze)();
    return {components(source), *source};
  }
  std::shared_ptr<std::function<void()>> before_freeze = std::make_shared<std::function<void()>>([] {});
};

}  // namespace

TEST_CASE("a frozen source is stored under the fingerprint of what was rendered") {
  FullStore store;
  CountingRenderer renderer;
  std::string source = "x";
  FreezableHasher hasher;
  RenderCache cache(renderer, hasher, store);
  SECTION("and it is rendered once, as what it has become") {
    *hasher.before_freeze = [&] { source = "y"; };
    const auto outcome = cache.get(key, &source);
    CHECK(outcome.entry->fingerprint.text() == "source=y|renderer=test/1");
    CHECK(outcome->rendered_html == "<p>y</p>");
    CHECK(renderer.state->renders == 1);
    CHECK(cache.get(key, &source).hit());
  }
  SECTION("and what it has become is not rendered if it is stored") {
    *hasher.before_freeze = [&] {
      source = "y";
      store.publish(key,
                    std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{"<p>y</p>", {"{}"}}, cache.fingerprint(&source)}));
    };
    CHECK(cache.get(key, &source).origin == Origin::store);
    CHECK(renderer.state->renders == 0);
  }
  SECTION("and one that never stands still is rendered as it was frozen") {
    *hasher.before_freeze = [&] { source += "!"; };
    const auto outcome = cache.get(key, &source);
    CHECK(outcome->rendered_html == "<p>" + source + "</p>");
    CHECK(outcome.entry->fingerprint == cache.fingerprint(&source));
    CHECK(renderer.state->renders == 1);
  }
}

TEST_CASE("one who waits is not given a state older than his call", "[concurrent]") {
  FullStore store;
  CountingRenderer renderer;
  std::atomic<bool> frozen = false, release = false;
  // The leader refreshes: it samples x, freezes y, and renders slowly; the other asks for x after that.
  struct Moving {
    std::string sampled, content;
  };
  struct MovingHasher {
    Fingerprint components(const Moving& s) const { return std::move(Fingerprint().add("source", s.sampled)); }
    Frozen<std::string> freeze(const Moving& s) const { return {std::move(Fingerprint().add("source", s.content)), s.content}; }
  };
  RenderCache cache(renderer, MovingHasher{}, store);
  renderer.state->during = [&](const WikiKey&, const std::string& content) {
    if (content != "y") return;
    frozen = true;
    eventually([&] { return release.load(); });
  };
  std::string to_leader, to_late;
  std::jthread leader([&] { to_leader = cache.refresh(key, Moving{"x", "y"})->rendered_html; });
  eventually([&] { return frozen.load(); });
  std::jthread late([&] { to_late = cache.get(key, Moving{"x", "x"})->rendered_html; });
  eventually([&] { return cache.stats().shared == 1; });
  release = true;
  leader.join();
  late.join();
  CHECK(to_leader == "<p>y</p>");
  CHECK(to_late == "<p>x</p>");
}

namespace {

struct UnsettledHasher {
  Fingerprint components(const std::string& source) const {
    return std::move(Fingerprint().add("source", source).mark_unsettled());
  }
};

}  // namespace

TEST_CASE("what is too new to trust is neither looked up nor stored nor shared") {
  FullStore store;
  CountingRenderer renderer;
  RenderCache cache(renderer, UnsettledHasher{}, store);
  for (int i = 1; i <= 2; ++i) {
    const auto outcome = get(cache, "x");
    CHECK(outcome.miss == Miss::unsettled);
    CHECK_FALSE(outcome.stored);
    CHECK(renderer.state->renders == i);
  }
  CHECK(store.lookups == 0);
}

TEST_CASE("what is too new to trust is not near either") {
  MemoryStore<WikiSchema> store;
  RenderCache cache(CountingRenderer(), MinimalHasher(), store);
  get(cache, "x");
  auto now = cache.fingerprint(std::string("x"));
  CHECK(cache.find_near(key, now).hit());
  CHECK(cache.find_near(key, now.mark_unsettled()).miss == Miss::unsettled);
}

namespace {

struct Sample {
  std::string text, content;
  bool settled;
};

struct SampleHasher {
  Fingerprint components(const Sample& s) const {
    auto sampled = Fingerprint().add("time", s.text);
    return s.settled ? sampled : std::move(sampled.mark_unsettled());
  }
};

struct SampleRenderer {
  CountingRenderer counting;
  std::string_view version() const { return counting.version(); }
  WikiPage render(const WikiKey& k, const Sample& s) const { return counting.render(k, s.content); }
};

}  // namespace

TEST_CASE("a batch answers what is settled by a render of its own, not by one that was too new to trust") {
  FullStore store;
  RenderCache cache(SampleRenderer{}, SampleHasher{}, store);
  const std::vector<Wanted<WikiKey, Sample>> wanted{{key, {"1", "older", false}}, {key, {"1", "newer", true}}};
  const auto answers = cache.get_many(wanted, {.parallel = 1});
  CHECK(answers[0].outcome()->rendered_html == "<p>older</p>");
  CHECK(answers[1].outcome()->rendered_html == "<p>newer</p>");
  const auto others = cache.get_many(std::vector{wanted[1], wanted[0]}, {.refresh = true, .parallel = 1});
  CHECK(others[0].outcome()->rendered_html == "<p>newer</p>");
  CHECK(others[1].outcome()->rendered_html == "<p>older</p>");
}

TEST_CASE("what is settled is not taken from one that was too new to trust", "[concurrent]") {
  FullStore store;
  SampleRenderer renderer;
  RenderCache cache(renderer, SampleHasher{}, store);
  std::atomic<bool> begun = false, release = false;
  renderer.counting.state->during = [&](const WikiKey&, const std::string& content) {
    if (content != "first") return;
    begun = true;
    eventually([&] { return release.load(); });
  };
  std::jthread early([&] { cache.get(key, Sample{"one tick", "first", false}); });
  eventually([&] { return begun.load(); });
  CHECK(cache.get(key, Sample{"one tick", "second", true})->rendered_html == "<p>second</p>");
  release = true;
}

// -- freshness and limits -----------------------------------------------------------------------------------------------

TEST_CASE("an older value is returned while the new one is rendered, if the caller allows it", "[concurrent]") {
  Fixture f;
  get(f.cache, "old");
  std::atomic<bool> release = false;
  f.renderer.state->during = [&](auto&&...) { eventually([&] { return release.load(); }); };
  f.store.age = 59min;
  const auto stale = get(f.cache, "new", {.freshness = Freshness::stale_while_rendering(1h)});
  CHECK(stale.origin == Origin::stale);
  CHECK(stale.miss == Miss::changed);
  CHECK(stale->rendered_html == "<p>old</p>");
  CHECK(get(f.cache, "new", {.freshness = Freshness::stale_while_rendering(1h)}).origin == Origin::stale);
  CHECK(f.cache.stats().stale == 2);
  release = true;
  eventually([&] { return f.cache.find(key, f.cache.fingerprint(std::string("new"))).hit(); });
  CHECK(f.renders() == 2);
}

TEST_CASE("within the soft limit the new value is waited for") {
  Fixture f;
  get(f.cache, "old");
  const GetOptions patient{.freshness = Freshness::stale_while_rendering(1h), .soft_limit = 20s};
  const auto outcome = get(f.cache, "new", patient);
  CHECK(outcome.origin == Origin::render);
  CHECK(outcome->rendered_html == "<p>new</p>");
}

TEST_CASE("a value that is too old is not served") {
  Fixture f;
  get(f.cache, "old");
  f.store.age = 2h;
  CHECK(get(f.cache, "new", {.freshness = Freshness::stale_while_rendering(1h)}).origin == Origin::render);
  f.renderer.state->during = [](auto&&...) { throw std::runtime_error("no"); };
  CHECK_THROWS_WITH(get(f.cache, "newer", {.freshness = Freshness::stale_if_error(1h)}), "no");
}

TEST_CASE("an older value stands in for an error, if the caller allows it") {
  Fixture f;
  get(f.cache, "old");
  f.renderer.state->during = [](auto&&...) { throw std::runtime_error("no"); };
  const GetOptions lenient{.freshness = Freshness::stale_if_error(1h)};
  CHECK(get(f.cache, "new", lenient)->rendered_html == "<p>old</p>");
  CHECK(get(f.cache, "new", lenient).origin == Origin::stale);
  CHECK_THROWS_WITH(get(f.cache, "new"), "no");
  CHECK(f.renders() == 2);
}

TEST_CASE("a render above the hard limit is a typed error, goes on, and is stored", "[concurrent]") {
  Fixture f;
  std::atomic<bool> release = false;
  f.renderer.state->during = [&](auto&&...) { eventually([&] { return release.load(); }); };
  CHECK_THROWS_AS(get(f.cache, "x", {.hard_limit = 5ms}), RenderTimeout);
  CHECK_THROWS_WITH(get(f.cache, "x", {.hard_limit = 5ms}), ContainsSubstring("5 ms"));
  release = true;
  eventually([&] { return f.cache.find(key, f.cache.fingerprint(std::string("x"))).hit(); });
  CHECK(f.renders() == 1);
  CHECK(get(f.cache, "x", {.hard_limit = 5ms}).hit());
}

TEST_CASE("the cache waits for its background renders when it goes", "[concurrent]") {
  CountingRenderer renderer;
  FullStore store;
  {
    std::latch given_up(1);
    RenderCache cache(renderer, MinimalHasher{}, store);
    renderer.state->during = [&](auto&&...) {
      given_up.wait();
      std::this_thread::sleep_for(30ms);
    };
    CHECK_THROWS_AS(get(cache, "x", {.hard_limit = 1ms}), RenderTimeout);
    given_up.count_down();
  }
  CHECK(store.erase(key));
}

namespace {

/// Cannot be copied any more after the first time.
struct Unwilling {
  std::string text;
  explicit Unwilling(std::string of) : text(std::move(of)) {}
  Unwilling(const Unwilling&) { throw std::bad_alloc(); }
};
}  // namespace

}  // namespace cache_tests

template <>
inline constexpr bool render_cache::outlives_call<cache_tests::Unwilling> = true;

namespace cache_tests {

namespace {

struct UnwillingHasher {
  Fingerprint components(const Unwilling& source) const { return std::move(Fingerprint().add("source", source.text)); }
  Fingerprint components(std::string_view source) const { return std::move(Fingerprint().add("source", source)); }
};
struct UnwillingRenderer {
  CountingRenderer counting;
  std::string_view version() const { return counting.version(); }
  WikiPage render(const WikiKey& k, const Unwilling& source) const { return counting.render(k, source.text); }
  WikiPage render(const WikiKey& k, std::string_view source) const { return counting.render(k, std::string(source)); }
};

}  // namespace

TEST_CASE("a source that cannot be taken along fails a call with a limit, and nobody else's") {
  FullStore store;
  UnwillingRenderer renderer;
  RenderCache cache(renderer, UnwillingHasher{}, store);
  CHECK_THROWS_AS(cache.get(key, Unwilling("x"), {.hard_limit = 20s}), std::bad_alloc);
  CHECK(renderer.counting.state->renders == 0);
  CHECK(cache.get(key, Unwilling("x")).origin == Origin::render);
  CHECK(cache.get(key, Unwilling("x"), {.hard_limit = 20s}).hit());
  CHECK(cache.get(key, std::string_view("y")).origin == Origin::render);
  CHECK(cache.get(key, std::string("y"), {.hard_limit = std::chrono::milliseconds::max()}).hit());
}

// -- many keys -----------------------------------------------------------------------------------------------------------

namespace {

std::vector<Wanted<WikiKey, std::string>> pages(int count, const std::string& source) {
  std::vector<Wanted<WikiKey, std::string>> wanted;
  for (int i = 0; i < count; ++i) wanted.push_back({{"docs", std::to_string(i)}, source});
  return wanted;
}

}  // namespace

TEST_CASE("many keys take one look-up, and only what is stale is rendered") {
  Fixture f;
  auto wanted = pages(200, "x");
  f.cache.get_many(wanted);
  CHECK(f.renders() == 200);
  std::vector<std::string> operations;
  f.store.before = [&](std::string_view operation) { operations.emplace_back(operation); };
  for (const auto& answer : f.cache.get_many(wanted)) CHECK(answer.outcome().hit());
  CHECK(operations == std::vector<std::string>{"lookup_many"});
  f.store.before = [](std::string_view) {};
  wanted[17].source = "y";
  const auto answers = f.cache.get_many(wanted);
  CHECK(answers[17].outcome()->rendered_html == "<p>y</p>");
  CHECK(f.renders() == 201);
  f.cache.get_many(wanted, {.refresh = true});
  CHECK(f.renders() == 401);
}

TEST_CASE("keys that repeat share a render", "[concurrent]") {
  Fixture f;
  const std::vector<Wanted<WikiKey, std::string>> wanted(10, {key, "x"});
  for (const auto& answer : f.cache.get_many(wanted, {.parallel = 4})) {
    CHECK(answer.outcome()->rendered_html == "<p>x</p>");
  }
  CHECK(f.renders() == 1);
}

TEST_CASE("an error is its own key's answer alone") {
  Fixture f;
  f.renderer.state->during = [](const WikiKey& k, const std::string&) {
    if (k.page_path == "3") throw std::out_of_range("three");
  };
  auto wanted = pages(6, "x");
  wanted[4].key.page_path = std::string(max_key_bytes, 'a');
  const auto answers = f.cache.get_many(wanted);
  for (const std::size_t i : {0u, 1u, 2u, 5u}) CHECK(answers[i].has_value());
  CHECK_THROWS_AS(answers[3].outcome(), std::out_of_range);
  CHECK_THROWS_AS(answers[4].outcome(), InvalidKey);
  CHECK(answers[4].error() != nullptr);
  std::stop_source stopped;
  stopped.request_stop();
  f.store.lookups = 0;
  f.cache.get_many(wanted, {.stop = stopped.get_token()});
  CHECK(f.store.lookups == 5);  // the store is not asked for a key that no store takes
}

TEST_CASE("a source that cannot be sampled is its own key's answer alone") {
  struct Hasher : MinimalHasher {
    Fingerprint components(const std::string& source) const {
      return source == "gone" ? throw std::out_of_range("gone") : MinimalHasher::components(source);
    }
  };
  FullStore store;
  RenderCache cache(CountingRenderer{}, Hasher{}, store);
  auto wanted = pages(2, "x");
  wanted[0].source = "gone";
  const auto answers = cache.get_many(wanted);
  CHECK_FALSE(answers[0]);
  CHECK_THROWS_AS(answers[0].outcome(), std::out_of_range);
  CHECK(answers[1]);
  CHECK(answers[1].outcome()->rendered_html == "<p>x</p>");
}

TEST_CASE("two renders that may run at a time do", "[concurrent]") {
  Fixture f;
  std::atomic<int> there = 0;
  f.renderer.state->during = [&](auto&&...) {
    ++there;
    eventually([&] { return there == 2; });
  };
  for (const auto& answer : f.cache.get_many(pages(2, "x"), {.parallel = 2})) CHECK(answer.has_value());
}

TEST_CASE("one render at a time needs no thread but the caller's") {
  Fixture f;
  f.renderer.state->during = [self = std::this_thread::get_id()](auto&&...) { CHECK(std::this_thread::get_id() == self); };
  f.cache.get_many(pages(3, "x"), {.parallel = 1});
  f.cache.get_many(pages(3, "y"), {.parallel = 0});
  f.cache.get_many(pages(1, "z"), {.parallel = 8});
  CHECK(f.renders() == 7);
}

TEST_CASE("progress counts hits among what is done") {
  Fixture f;
  f.cache.get_many(pages(2, "x"));
  std::vector<std::size_t> done, hits;
  f.cache.get_many(pages(3, "x"), {.progress = [&](const Progress& progress) {
                     done.push_back(progress.done);
                     hits.push_back(progress.hits);
                     CHECK(progress.total == 3);
                   }});
  CHECK(done == std::vector<std::size_t>{2, 3});
  CHECK(hits == std::vector<std::size_t>{2, 2});
}

TEST_CASE("no more render at a time than allowed, and progress is told one by one", "[concurrent]") {
  Fixture f;
  std::atomic<int> now = 0, most = 0;
  f.renderer.state->during = [&](auto&&...) {
    int running = ++now;
    for (int seen = most; running > seen && !most.compare_exchange_weak(seen, running);) {
    }
    std::this_thread::sleep_for(1ms);
    --now;
  };
  std::vector<std::size_t> done;
  f.cache.get_many(pages(30, "x"),
                   {.parallel = 3, .progress = [&](const Progress& p) { done.push_back(p.total == 30 ? p.done : 0); }});
  CHECK(most <= 3);
  CHECK(most > 1);
  REQUIRE(done.size() == 31);
  for (std::size_t i = 0; i < done.size(); ++i) CHECK(done[i] == i);
}

TEST_CASE("a stop leaves what is done and answers the rest with Cancelled", "[concurrent]") {
  Fixture f;
  std::stop_source stop;
  f.renderer.state->during = [&](const WikiKey& k, const std::string&) {
    if (k.page_path == "5") stop.request_stop();
  };
  const auto answers = f.cache.get_many(pages(20, "x"), {.parallel = 1, .stop = stop.get_token()});
  for (std::size_t i = 0; i < answers.size(); ++i) CHECK(answers[i].has_value() == (i <= 5));
  CHECK_THROWS_AS(answers[6].outcome(), Cancelled);
}

TEST_CASE("many keys are answered although the store is down") {
  Fixture f;
  f.store.before = [](std::string_view) { throw StoreUnavailable("down"); };
  for (const auto& answer : f.cache.get_many(pages(5, "x"))) CHECK(answer.outcome().miss == Miss::store_failed);
  CHECK(f.cache.stats().store_unavailable == 1);
}

TEST_CASE("a render replaces what was found when it began, and not what was there when its read began") {
  struct Store : laws::WrappedStore<test::WikiStore> {
    using WrappedStore::WrappedStore;
    std::function<void()> after_lookup;
    Lookup<WikiPage> lookup(const WikiKey& of, const Fingerprint& fingerprint) {
      auto found = WrappedStore::lookup(of, fingerprint);
      if (after_lookup) std::exchange(after_lookup, {})();
      return found;
    }
  };
  const test::SqliteWiki wiki;
  test::WikiStore file(wiki.options());
  Store store(file);
  const CacheOptions alone{.single_flight = SingleFlight::process};
  RenderCache cache(CountingRenderer{}, MinimalHasher{}, store, alone);
  RenderCache another(CountingRenderer{}, MinimalHasher{}, file, alone);
  store.after_lookup = [&] {
    CHECK(get(cache, "earlier").stored);  // a flight of the key lands: who leads now looks again
    CHECK(get(another, "of another process").stored);
  };
  const auto outcome = get(cache, "x");
  CHECK(outcome.miss == Miss::absent);
  CHECK(outcome.stored);
  CHECK(cache.stats().publish_conflicts == 0);
  CHECK(get(another, "x").hit());
}

}  // namespace cache_tests
