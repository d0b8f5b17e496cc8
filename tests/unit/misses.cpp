// What a read does on a miss, where others get in its way: limits, failures, erases, overtaking. Each step of the others is made at
// the worst moment, from a hook.
#include <render_cache/cache.hpp>
#include <render_cache/read/lookups.hpp>

#include "support/archetypes.hpp"
#include "support/catch.hpp"
#include "support/places.hpp"

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <semaphore>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace misses_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using archetype::CountingRenderer;
using archetype::FullStore;
using archetype::MinimalHasher;
using test::LivePlaces;
using test::Place;
using test::PlaceRenderer;

namespace {

const WikiKey key{"docs", "a.md"}, other{"docs", "b.md"};
const std::string x = "x";

struct Fixture {
  FullStore store;
  CountingRenderer renderer;
  RenderCache<CountingRenderer, MinimalHasher, FullStore> cache;
  explicit Fixture(CacheOptions options = {}) : cache(renderer, MinimalHasher{}, store, options) {}
  int renders() const { return renderer.state->renders; }
  auto& during() { return renderer.state->during; }
};

struct FreezingPlaces {
  std::shared_ptr<std::function<void()>> before_freeze = std::make_shared<std::function<void()>>([] {});
  Fingerprint components(const Place* place) const { return place->get().fingerprint(); }
  Frozen<std::string> freeze(const Place* place) const {
    (*before_freeze)();
    const auto state = place->get();
    return {state.fingerprint(), state.content};
  }
};

void poison(const WikiKey&, const std::string& content) {
  if (content == "poison") throw std::runtime_error("poisonous");
}

}  // namespace

// -- limits --------------------------------------------------------------------------------------------------------------

TEST_CASE("a limit holds although the background is full", "[concurrent]") {
  std::latch go(1);
  Fixture f({.max_background = 1});
  f.during() = [&](const WikiKey& k, const std::string&) {
    if (k == key) go.wait();
  };
  CHECK_THROWS_AS(f.cache.get(key, x, {.hard_limit = 1ms}), RenderTimeout);
  while (f.renders() == 0) std::this_thread::yield();
  CHECK_THROWS_WITH(f.cache.get(other, x, {.hard_limit = 2ms}),
                    ContainsSubstring("could not begin within the caller's limit of 2 ms, for 1 others go on"));
  CHECK(f.renders() == 1);
  SECTION("an older value is returned at once") {
    f.store.publish(other, std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{"old", {"{}"}}, Fingerprint()}));
    CHECK(f.cache.get(other, x, {.freshness = Freshness::stale_while_rendering(1h), .soft_limit = 1h}).origin == Origin::stale);
    CHECK(f.cache.get(other, x, {.freshness = Freshness::stale_if_error(1h), .hard_limit = 1ms}).origin == Origin::stale);
    CHECK(f.renders() == 1);
  }
  SECTION("a refresh is held to it too") {
    CHECK_THROWS_AS(f.cache.refresh(other, x, {.hard_limit = 1ms}), RenderTimeout);
    CHECK(f.renders() == 1);
  }
  SECTION("and room that comes within it is used") {
    std::jthread later([&] {
      std::this_thread::sleep_for(10ms);
      go.count_down();
    });
    CHECK(f.cache.get(other, x, {.hard_limit = 1h}).origin == Origin::render);
    return;
  }
  go.count_down();
}

TEST_CASE("without a background a call with a limit renders nothing, and others do not wait for it") {
  Fixture f({.max_background = 0});
  CHECK_THROWS_AS(f.cache.get(key, x, {.hard_limit = 1ms}), RenderTimeout);
  CHECK(f.renders() == 0);
  CHECK(f.cache.get(key, x).origin == Origin::render);
}

TEST_CASE("who waits for another's render does not wait for ever", "[concurrent]") {
  Fixture f({.max_wait = 5ms});
  // Nothing tells that the thread which the renderer starts works for the render.
  SECTION("to share it") {
    f.during() = [&](const WikiKey& k, const std::string&) { std::async(std::launch::async, [&] { f.cache.get(k, x); }).get(); };
    CHECK_THROWS_WITH(f.cache.get(key, x), ContainsSubstring("takes longer than CacheOptions::max_wait, 5 ms"));
  }
  SECTION("to render after it") {
    f.during() = [&](const WikiKey& k, const std::string&) {
      std::async(std::launch::async, [&] { f.cache.refresh(k, x); }).get();
    };
    CHECK_THROWS_WITH(f.cache.refresh(key, x),
                      ContainsSubstring("waits for the one before it longer than CacheOptions::max_wait, 5 ms"));
  }
}

TEST_CASE("a batch has no limits for sources that cannot outlive the call") {
  struct ViewHasher {
    Fingerprint components(std::string_view source) const { return std::move(Fingerprint().add("source", source)); }
  };
  struct ViewRenderer {
    std::string_view version() const { return "view/1"; }
    WikiPage render(const WikiKey&, std::string_view source) const { return {std::string(source), {"{}"}}; }
  };
  FullStore store;
  RenderCache cache(ViewRenderer{}, ViewHasher{}, store);
  const std::vector<Wanted<WikiKey, std::string_view>> wanted{{key, "x"}};
  CHECK_THROWS_AS(cache.get_many(wanted, {.each = {.hard_limit = 1h}}), std::invalid_argument);
  CHECK_THROWS_AS(cache.get_many(wanted, {.each = {.freshness = Freshness::stale_while_rendering(1h)}}), std::invalid_argument);
  CHECK(cache.get_many(wanted, {.each = {.freshness = Freshness::stale_if_error(1h)}})[0].outcome().origin == Origin::render);
}

TEST_CASE("a limit for ever is one") {
  Fixture f({.failure_memory = std::chrono::milliseconds::max(), .store_pause = std::chrono::milliseconds::max()});
  f.during() = [](auto&&...) { throw std::runtime_error("no"); };
  for (int i = 0; i < 3; ++i) CHECK_THROWS(f.cache.get(key, x, {.hard_limit = std::chrono::milliseconds::max()}));
  CHECK(f.renders() == 1);
  int asked = 0;
  f.store.before = [&](std::string_view) {
    ++asked;
    throw StoreUnavailable("down");
  };
  for (int i = 0; i < 3; ++i) f.cache.find(key, f.cache.fingerprint(x));
  CHECK(asked == 1);
}

// -- failures ------------------------------------------------------------------------------------------------------------

TEST_CASE("the failure of what was too new to trust does not answer for what came after it") {
  FullStore store;
  Place place;
  PlaceRenderer renderer;
  renderer.counting.state->during = poison;
  const Place* const source = &place;
  RenderCache cache(renderer, LivePlaces{}, store, {.failure_memory = 1h});
  place.set({"one tick", "poison", false});
  CHECK_THROWS(cache.get(key, source));
  place.set({"one tick", "fixed", true});
  CHECK(cache.get(key, source)->rendered_html == "<p>fixed</p>");
}

TEST_CASE("the failure of a source that moved is not that of the state before") {
  FullStore store;
  Place place;
  PlaceRenderer renderer;
  const Place* const source = &place;
  renderer.counting.state->during = [&](auto&&...) {
    if (renderer.counting.state->renders > 1) return;
    place.set({"B", "half written"});
    throw std::runtime_error("half written");
  };
  RenderCache cache(renderer, LivePlaces{}, store, {.failure_memory = 1h});
  place.set({"A", "good"});
  CHECK_THROWS(cache.get(key, source));
  place.set({"A", "good"});
  CHECK(cache.get(key, source)->rendered_html == "<p>good</p>");
}

TEST_CASE("the failure of a source that stood still is remembered, whatever kind it is") {
  FullStore store;
  Place place;
  place.set({"A", "poison"});
  const Place* const source = &place;
  const auto fails_once = [&](auto hasher, auto renderer, CountingRenderer::State& state) {
    state.during = poison;
    RenderCache cache(renderer, hasher, store, {.failure_memory = 1h});
    for (int i = 0; i < 2; ++i) CHECK_THROWS(cache.get(key, source));
    CHECK(state.renders == 1);
  };
  PlaceRenderer live;
  fails_once(LivePlaces{}, live, *live.counting.state);
  CountingRenderer frozen;
  fails_once(FreezingPlaces{}, frozen, *frozen.state);
}

TEST_CASE("an erase forgets failures, also those of renders in progress") {
  Fixture f({.failure_memory = 1h});
  f.during() = [](auto&&...) { throw std::runtime_error("no"); };
  SECTION("of a key") {
    CHECK_THROWS(f.cache.get(key, x));
    f.cache.erase(key);
  }
  SECTION("of a group") {
    CHECK_THROWS(f.cache.get(key, x));
    f.cache.erase_group("docs");
  }
  SECTION("in progress") {
    f.during() = [&](auto&&...) {
      f.cache.erase(key);
      throw std::runtime_error("no");
    };
    CHECK_THROWS(f.cache.get(key, x));
  }
  f.during() = [](auto&&...) {};
  CHECK(f.cache.get(key, x).origin == Origin::render);
}

TEST_CASE("an older value stands in where the source cannot be sampled, if the caller allows it") {
  struct Hasher {
    std::shared_ptr<bool> down = std::make_shared<bool>(false);
    Fingerprint components(const std::string& source) const {
      if (*down) throw 42;
      return std::move(Fingerprint().add("source", source));
    }
  } hasher;
  FullStore store;
  RenderCache cache(CountingRenderer{}, hasher, store);
  cache.get(key, x);
  *hasher.down = true;
  const GetOptions lenient{.freshness = Freshness::stale_if_error(1h)};
  for (const auto& outcome :
       {cache.get(key, x, lenient), cache.refresh(key, x, lenient),
        cache.get_many(std::vector<Wanted<WikiKey, std::string>>{{key, x}}, {.each = lenient})[0].outcome()}) {
    CHECK(outcome.origin == Origin::stale);
    CHECK(outcome.miss == Miss::unsampled);
    CHECK(outcome.detail == "an exception that is no std::exception was thrown");
  }
  CHECK(cache.stats().stale == 3);
  CHECK(cache.stats().misses_for(Miss::unsampled) == 3);
  CHECK_THROWS_AS(cache.get(key, x), int);
  CHECK_THROWS_AS(cache.get(other, x, lenient), int);
  CHECK_THROWS_AS(cache.refresh(key, x), int);
  CHECK(cache.stats().misses_for(Miss::unsampled) == 6);
}

TEST_CASE("a source that cannot be sampled a second time fails the read, or an older value stands in") {
  struct Hasher : FreezingPlaces {
    std::shared_ptr<bool> gone = std::make_shared<bool>(false);
    Fingerprint components(const Place* of) const {
      if (*gone) throw std::runtime_error("gone");
      return FreezingPlaces::components(of);
    }
  } hasher;
  FullStore store;
  Place place;
  const Place* const source = &place;
  RenderCache cache(CountingRenderer{}, hasher, store);
  cache.get(key, source);
  place.set({"A", "a"});
  *hasher.before_freeze = [&] {
    place.set({"B", "b"});
    *hasher.gone = true;
  };
  const auto before = cache.stats();
  SECTION("the read fails") { CHECK_THROWS_WITH(cache.get(key, source), "gone"); }
  SECTION("an older value is there, and allowed") {
    CHECK(cache.get(key, source, {.freshness = Freshness::stale_if_error(1h)}).origin == Origin::stale);
  }
  CHECK(cache.stats().renders == before.renders);
}

TEST_CASE("an older value that the store cannot give is no answer, and one of the very age that is allowed is one") {
  Fixture f;
  f.cache.get(key, x);
  f.during() = [](auto&&...) { throw std::runtime_error("no"); };
  const GetOptions lenient{.freshness = Freshness::stale_if_error(1h)};
  f.store.age = 1h;
  const auto old = f.cache.get(key, std::string("y"), lenient);
  CHECK(old.origin == Origin::stale);
  CHECK(old.stored);
  f.store.before = [](std::string_view operation) {
    if (operation == "lookup_stale") throw std::runtime_error("no");
  };
  CHECK_THROWS_WITH(f.cache.get(key, std::string("z"), lenient), "no");
}

TEST_CASE("a source that cannot be read in time for its render is no failure of the renderer") {
  FullStore store;
  Place place;
  const Place* const source = &place;
  FreezingPlaces hasher;
  *hasher.before_freeze = [] { throw std::runtime_error("gone"); };
  RenderCache cache(CountingRenderer{}, hasher, store);
  CHECK_THROWS_WITH(cache.get(key, source), "gone");
  CHECK(cache.stats().render_failures == 0);
  CHECK(cache.stats().renders == 0);
}

TEST_CASE("exceptions that are no std::exception cost no value") {
  FullStore store;
  Place place;
  place.set({"A", "x"});
  const Place* const source = &place;
  struct Hasher : LivePlaces {
    std::shared_ptr<int> samples = std::make_shared<int>(0);
    Fingerprint components(const Place* of) const {
      if (++*samples == 2) throw 42;
      return LivePlaces::components(of);
    }
  };
  RenderCache cache(PlaceRenderer{}, Hasher{}, store);
  const auto outcome = cache.get(key, source);
  CHECK(outcome->rendered_html == "<p>x</p>");
  CHECK_FALSE(outcome.stored);
  CHECK_THAT(outcome.detail, ContainsSubstring("cannot be sampled any more"));
  store.before = [](std::string_view) { throw 42; };
  CHECK(cache.get(key, source).miss == Miss::store_failed);
  CHECK(cache.stats().store_other == 2);
}

// -- renders that are forced, or cannot be told apart ----------------------------------------------------------------------

TEST_CASE("a source that moves each time that it is frozen is rendered as it was, at once if forced, else in the end") {
  FullStore store;
  Place place;
  const Place* const source = &place;
  CountingRenderer renderer;
  FreezingPlaces hasher;
  int frozen = 0;
  *hasher.before_freeze = [&] {
    const auto text = std::to_string(++frozen);
    place.set({text, text});
  };
  RenderCache cache(renderer, hasher, store);
  SECTION("forced") {
    CHECK(cache.refresh(key, source)->rendered_html == "<p>1</p>");
    CHECK(renderer.state->renders == 1);
  }
  SECTION("else") {
    const auto outcome = cache.get(key, source);
    CHECK(outcome->rendered_html == "<p>17</p>");  // after 16 tries
    CHECK(outcome.origin == Origin::render);
    CHECK(renderer.state->renders == 1);
  }
}

TEST_CASE("what another has stored between a look-up and the render is taken from the store", "[concurrent]") {
  struct : FullStore {
    std::function<void()> after_lookup = [] {};
    Lookup<WikiPage> lookup(const WikiKey& at, const Fingerprint& wanted) {
      auto found = FullStore::lookup(at, wanted);
      std::exchange(after_lookup, [] {})();
      return found;
    }
  } store;
  CountingRenderer renderer;
  RenderCache cache(renderer, MinimalHasher{}, store);
  store.after_lookup = [&] { std::async(std::launch::async, [&] { cache.get(key, x); }).get(); };
  const auto outcome = cache.get(key, x);
  CHECK(outcome.origin == Origin::store);
  CHECK(outcome->rendered_html == "<p>x</p>");
  CHECK(outcome.stored);
  CHECK(renderer.state->renders == 1);
}

TEST_CASE("a render that goes well forgets the failure before it") {
  Fixture f({.failure_memory = 1h});
  f.during() = [](auto&&...) { throw std::runtime_error("no"); };
  CHECK_THROWS(f.cache.get(key, x));
  f.during() = [](auto&&...) {};
  f.cache.refresh(key, x);
  f.store.erase(key);
  CHECK(f.cache.get(key, x).origin == Origin::render);
}

TEST_CASE("an outcome says why it is not stored, and what its render took") {
  Fixture f;
  f.during() = [&](auto&&...) {
    std::this_thread::sleep_for(2ms);
    f.cache.erase(key);
  };
  const auto outcome = f.cache.get(key, x);
  CHECK_FALSE(outcome.stored);
  CHECK(outcome.detail == "erased while it was rendered");
  CHECK(outcome.entry->render_cost >= 2ms);
  CHECK(outcome.entry->render_cost < 1min);
}

TEST_CASE("who shares a render is told so, and counted once", "[concurrent]") {
  Fixture f;
  std::future<Outcome<WikiPage>> joined;
  f.during() = [&](auto&&...) {
    joined = std::async(std::launch::async, [&] { return f.cache.get(key, x); });
    while (f.cache.stats().shared == 0) std::this_thread::yield();
  };
  CHECK(f.cache.get(key, x).origin == Origin::render);
  const auto outcome = joined.get();
  CHECK(outcome.origin == Origin::flight);
  CHECK(outcome.miss == Miss::absent);
  CHECK(outcome.stored);
  CHECK(f.cache.stats().shared == 1);
}

TEST_CASE("a source in the caller's hands that is too new to trust waits for no other's render", "[concurrent]") {
  struct Hasher {
    Fingerprint components(const std::string& source) const {
      return std::move(Fingerprint().add("source", source).mark_unsettled());
    }
  };
  FullStore store;
  CountingRenderer renderer;
  RenderCache cache(renderer, Hasher{}, store, {.max_wait = 100ms});
  renderer.state->during = [&](auto&&...) {
    if (renderer.state->renders > 1) return;
    CHECK(std::async(std::launch::async, [&] { return cache.get(key, x); }).get().origin == Origin::render);
  };
  CHECK(cache.get(key, x).origin == Origin::render);
  CHECK(renderer.state->renders == 2);
}

TEST_CASE("a refresh answers nothing from before it", "[concurrent]") {
  FullStore store;
  Place place;
  place.set({"F1", "F1"});
  const Place* const source = &place;
  CountingRenderer renderer;
  FreezingPlaces hasher;
  RenderCache cache(renderer, hasher, store);
  cache.get(key, source);
  // One refresh samples F1 and freezes F2; a second one, for F1, waits for that render; then the source is F1 again.
  std::binary_semaphore rendering(0), go(0);
  *hasher.before_freeze = [&, first = true]() mutable {
    if (std::exchange(first, false)) place.set({"F2", "F2"});
  };
  renderer.state->during = [&](const WikiKey&, const std::string& content) {
    if (content != "F2") return;
    place.set({"F1", "F1"});
    rendering.release();
    go.acquire();
  };
  std::jthread first([&] { cache.refresh(key, source); });
  rendering.acquire();
  auto second = std::async(std::launch::async, [&] { return cache.refresh(key, source); });
  std::this_thread::sleep_for(10ms);
  go.release();
  const auto outcome = second.get();
  CHECK(outcome.miss == Miss::forced);
  CHECK((outcome.origin == Origin::render || outcome.origin == Origin::flight));
  CHECK(outcome->rendered_html == "<p>F1</p>");
  CHECK(renderer.state->renders == 3);
}

TEST_CASE("refreshes of the same thing share the render after the one that goes on", "[concurrent]") {
  std::latch go(1);
  Fixture f;
  std::atomic<bool> begun = false;
  f.during() = [&](auto&&...) {
    begun = true;
    if (f.renders() == 1) go.wait();
  };
  std::vector<std::jthread> refreshes;
  const auto refresh = [&] { refreshes.emplace_back([&] { f.cache.refresh(key, x); }); };
  refresh();
  while (!begun) std::this_thread::yield();
  for (int i = 0; i < 4; ++i) refresh();
  while (f.cache.stats().shared < 3) std::this_thread::yield();
  CHECK(f.renders() == 1);
  go.count_down();
  refreshes.clear();
  CHECK(f.renders() == 2);
}

// -- publishes and erases ------------------------------------------------------------------------------------------------

TEST_CASE("after an erase every read misses, although a render was being stored", "[concurrent]") {
  Fixture f;
  std::jthread eraser;
  std::atomic<bool> erased = false;
  f.store.before = [&](std::string_view operation) {
    if (operation != "publish") return;
    eraser = std::jthread([&] {
      f.cache.erase(key);
      erased = true;
      CHECK(f.cache.find(key, f.cache.fingerprint(x)).miss == Miss::absent);
    });
    std::this_thread::sleep_for(10ms);
    CHECK_FALSE(erased);  // its turn comes after the publish
  };
  f.cache.get(key, x);
  eraser.join();
  CHECK(erased);
}

TEST_CASE("who asks after an erase does not join a leader who looked again while it went on", "[concurrent]") {
  struct Store : FullStore {
    std::function<void(int)> after_lookup = [](int) {};
    std::atomic<int> lookups = 0;
    Lookup<WikiPage> lookup(const WikiKey& k, const Fingerprint& fingerprint) {
      auto found = FullStore::lookup(k, fingerprint);
      after_lookup(++lookups);
      return found;
    }
  } store;
  CountingRenderer renderer;
  RenderCache cache(renderer, MinimalHasher{}, store);
  std::binary_semaphore erasing(0), looked_again(0);
  std::jthread eraser;
  std::future<Origin> later;
  store.before = [&](std::string_view operation) {
    if (operation != "erase") return;
    erasing.release();
    looked_again.acquire();
  };
  store.after_lookup = [&](int lookup) {
    if (lookup == 1) {  // another read stores and lands what this one has just missed, and then an erase begins
      std::async(std::launch::async, [&] { cache.get(key, x); }).get();
      eraser = std::jthread([&] { cache.erase(key); });
      erasing.acquire();
    } else if (lookup == 3) {  // this one has found it; the erase ends, and the next read comes
      looked_again.release();
      eraser.join();
      later = std::async(std::launch::async, [&] { return cache.get(key, x).origin; });
      while (cache.stats().shared == 0 && later.wait_for(1ms) != std::future_status::ready) {
      }
    }
  };
  CHECK(cache.get(key, x).origin == Origin::store);
  CHECK(later.get() == Origin::render);
  CHECK(renderer.state->renders == 2);
}

TEST_CASE("an erase that fails is the caller's to know") {
  Fixture f;
  f.cache.get(key, x);
  f.store.before = [](std::string_view operation) {
    if (operation == "erase") throw StoreUnavailable("blip");
  };
  CHECK_THROWS_AS(f.cache.erase(key), StoreUnavailable);
}

TEST_CASE("a slow render of what was asked for earlier does not replace what was asked for later", "[concurrent]") {
  std::binary_semaphore rendering(0), go(0);
  Fixture f;
  f.during() = [&](const WikiKey&, const std::string& source) {
    if (source != "old") return;
    rendering.release();
    go.acquire();
  };
  auto old = std::async(std::launch::async, [&] { return f.cache.get(key, std::string("old")); });
  rendering.acquire();
  f.cache.get(key, std::string("new"));
  go.release();
  const auto outcome = old.get();
  CHECK(outcome->rendered_html == "<p>old</p>");
  CHECK_FALSE(outcome.stored);
  CHECK(outcome.detail == "a render that was asked for later came first");
  CHECK(f.cache.get(key, std::string("new")).hit());
}

// -- the store -----------------------------------------------------------------------------------------------------------

TEST_CASE("when the store's pause ends one read asks it, and the others do without until it has answered") {
  FullStore store;
  detail::StoreAccess<FullStore> access(store, 500ms);
  detail::StoreAccess<FullStore>::Failure failure;
  const auto ask = [&](auto&& call) { return access.ask(call, failure); };
  const auto answers = [](auto&) { return true; };
  CHECK_FALSE(ask([](auto&) -> bool { throw StoreUnavailable("down"); }));
  CHECK_FALSE(ask(answers));
  std::this_thread::sleep_for(510ms);
  CHECK(ask([&](auto&) {
    CHECK_FALSE(ask(answers));  // as another thread would
    return true;
  }));
  CHECK(ask(answers));
}

TEST_CASE("a store that was late for one call while it answered others is not left alone") {
  Fixture f({.store_pause = 1h});
  f.store.before = [](std::string_view) { throw StoreTimeout("late"); };
  CHECK(f.cache.find(key, f.cache.fingerprint(x)).detail == "late");
  CHECK(f.cache.get(key, x)->rendered_html == "<p>x</p>");
  CHECK(f.cache.stats().store_available);
  CHECK(f.cache.stats().store_unavailable >= 2);
  CHECK(f.cache.stats().owed == 1);
  f.store.before = [](std::string_view) { throw StoreUnavailable("down"); };
  f.cache.find(key, f.cache.fingerprint(x));
  CHECK_FALSE(f.cache.stats().store_available);
}

TEST_CASE("a look-up says why it does without the store") {
  Fixture f({.store_pause = 1h});
  f.store.before = [](std::string_view) { throw StoreUnavailable("down"); };
  const auto now = f.cache.fingerprint(x);
  CHECK(f.cache.find(key, now).detail == "down");
  CHECK(f.cache.find(key, now).detail == "the store was unavailable a moment ago and is left alone");
}

TEST_CASE("what is near and fails too does not keep the store from being asked again") {
  struct : FullStore {
    FullStore part;
    FullStore& near() { return part; }
  } store;
  detail::StoreAccess<decltype(store)> access(store, 20ms);
  decltype(access)::Failure failure;
  bool up = false;
  const auto ask = [&](auto& asked) {
    if (!std::is_same_v<decltype(asked), decltype(store)&> || !up) throw StoreUnavailable("down");
    return true;
  };
  CHECK_FALSE(access.ask(ask, failure));
  up = true;
  bool answered = false;
  for (const auto start = std::chrono::steady_clock::now(); !answered && std::chrono::steady_clock::now() < start + 10s;) {
    answered = access.ask(ask, failure);
  }
  CHECK(answered);
}

TEST_CASE("a store that refuses what it is asked when its pause ends is there again") {
  Fixture f({.store_pause = 1ms, .max_owed = 0});
  f.store.before = [](std::string_view) { throw StoreUnavailable("down"); };
  f.cache.get(key, x);
  CHECK_FALSE(f.cache.stats().store_available);
  std::this_thread::sleep_for(2ms);
  f.store.before = [](std::string_view) { throw StoreFull("full"); };
  CHECK(f.cache.find(key, f.cache.fingerprint(x)).miss == Miss::store_failed);
  CHECK(f.cache.stats().store_available);
  CHECK(f.cache.stats().store_full == 1);
}

TEST_CASE("what is answered near does not end the store's pause, all else does") {
  using Found = Lookup<WikiPage>;
  struct Answering : FullStore {
    FullStore part;
    FullStore& near() { return part; }
    std::vector<Found> answers;
    bool up = true;
    Found lookup(const WikiKey&, const Fingerprint&) { return up ? answers.front() : throw StoreUnavailable("down"); }
    std::vector<Found> lookup_many(std::span<const Query<WikiKey>>) { return answers; }
  };
  const auto entry = std::make_shared<const Entry<WikiPage>>();
  const Fingerprint now = MinimalHasher().components(x);
  const auto pauses_after = [&](std::vector<Found> answers) {
    Answering store;
    detail::Lookups<Answering> lookups(store, 0ms, NoObserver());
    const auto fails = [&] {
      store.up = false;
      CHECK(lookups.find(key, now).outcome.miss == Miss::store_failed);
      store.up = true;
    };
    const auto paused = [&] {
      CacheStats stats;
      lookups.add_to(stats);
      return !stats.store_available;
    };
    fails();
    store.answers = answers;
    CHECK(bool(lookups.find(key, now).outcome) == bool(answers.front().entry));
    const bool alone = paused();
    fails();
    CHECK(lookups.find_many(std::vector<Query<WikiKey>>(answers.size(), {key, now})).size() == answers.size());
    CHECK((paused() == alone || answers.size() > 1));
    return paused();
  };
  const Found near{.entry = entry, .origin = Origin::near}, far{.entry = entry, .origin = Origin::store},
      none{.origin = Origin::near};
  CHECK(pauses_after({near}));
  CHECK_FALSE(pauses_after({far}));
  CHECK_FALSE(pauses_after({none}));
  CHECK(pauses_after({near, near}));
  CHECK_FALSE(pauses_after({near, none}));
}

TEST_CASE("a store that was not asked after all is asked by the next one") {
  FullStore store;
  detail::StoreAccess<FullStore> access(store, 0ms);
  detail::StoreAccess<FullStore>::Failure failure;
  const auto pauses_after = [&](bool asked) {
    CHECK_FALSE(access.ask([](auto&) -> bool { throw StoreUnavailable("down"); }, failure));
    CHECK(access.ask([&](auto&) { return asked; }, failure));
    CacheStats stats;
    access.add_to(stats);
    return !stats.store_available;
  };
  CHECK(pauses_after(false));
  CHECK_FALSE(pauses_after(true));
}

TEST_CASE("a key that the store refuses is the caller's to know") {
  Fixture f;
  f.store.before = [](std::string_view) { throw InvalidKey("too long for this one"); };
  CHECK_THROWS_AS(f.cache.find(key, f.cache.fingerprint(x)), InvalidKey);
  CHECK_THROWS_AS(f.cache.get(key, x), InvalidKey);
}

// -- batches -------------------------------------------------------------------------------------------------------------

TEST_CASE("keys that repeat in a batch share a render, also when forced and when the store is down") {
  Fixture f;
  const std::vector<Wanted<WikiKey, std::string>> wanted{{key, x}, {other, x}, {key, x}, {key, "y"}, {key, x}};
  std::vector<std::size_t> done;
  const auto answers = f.cache.get_many(
      wanted, {.refresh = true, .parallel = 1, .progress = [&](const Progress& progress) { done.push_back(progress.done); }});
  CHECK(f.renders() == 3);
  CHECK(answers[4].outcome().entry == answers[0].outcome().entry);
  CHECK(answers[3].outcome()->rendered_html == "<p>y</p>");
  CHECK(done == std::vector<std::size_t>{0, 1, 2, 3, 4, 5});
  CHECK(f.cache.stats().misses_for(Miss::forced) == 5);
  f.store.before = [](std::string_view) { throw StoreUnavailable("down"); };
  f.cache.get_many(wanted, {.parallel = 1});
  CHECK(f.renders() == 6);
}

TEST_CASE("a hasher of batches gives each source the fingerprint that it has alone") {
  struct Hasher : MinimalHasher {
    std::vector<Fingerprint> components_many(std::span<const std::string* const> sources) const {
      std::vector<Fingerprint> all;
      for (const auto* source : sources) all.push_back(components(*source));
      return all;
    }
  };
  FullStore store;
  RenderCache cache(CountingRenderer{}, Hasher{}, store);
  const std::vector<Wanted<WikiKey, std::string>> wanted{{key, x}, {other, "y"}};
  CHECK(cache.get_many(wanted)[1].outcome()->rendered_html == "<p>y</p>");
  for (const auto& [of, source] : wanted) CHECK(cache.get(of, source).hit());
  for (const auto& answer : cache.get_many(wanted)) CHECK(answer.outcome().hit());
}

TEST_CASE("a hasher or a store that answers too few of a batch is told so") {
  struct ShortHasher : MinimalHasher {
    std::vector<Fingerprint> components_many(std::span<const std::string* const> sources) const {
      return std::vector<Fingerprint>(sources.size() / 2);
    }
  };
  struct ShortStore : FullStore {
    std::vector<Lookup<WikiPage>> lookup_many(std::span<const Query<WikiKey>> queries) {
      return std::vector<Lookup<WikiPage>>(queries.size() / 2);
    }
  };
  const std::vector<Wanted<WikiKey, std::string>> wanted(8, {key, x});
  FullStore store;
  RenderCache with_hasher(CountingRenderer{}, ShortHasher{}, store);
  CHECK_THROWS_WITH(with_hasher.get_many(wanted), ContainsSubstring("answered 4 of 8 sources"));
  ShortStore short_store;
  RenderCache with_store(CountingRenderer{}, MinimalHasher{}, short_store);
  for (const auto& answer : with_store.get_many(wanted)) {
    CHECK(answer.outcome().miss == Miss::store_failed);
    CHECK(answer.outcome()->rendered_html == "<p>x</p>");
  }
  CHECK_THAT(with_store.get_many(std::vector<Wanted<WikiKey, std::string>>(4, {other, x}))[0].outcome().detail,
             ContainsSubstring("answered 2 of 4 queries"));
}

}  // namespace misses_tests
