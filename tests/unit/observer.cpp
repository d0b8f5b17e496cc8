#include <render_cache/concepts/observer.hpp>

#include "support/archetypes.hpp"
#include "support/catch.hpp"

#include <render_cache/store/memory.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace observer_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using archetype::CountingRenderer;
using archetype::FullStore;
using archetype::MinimalHasher;

namespace {

const WikiKey key{"docs", "a.md"};

/// Writes down what it is told, and how long that took.
struct Recorder {
  struct Told {
    std::vector<std::string> events;
    std::vector<std::chrono::nanoseconds> durations;
  };
  std::shared_ptr<Told> told = std::make_shared<Told>();

  void note(std::string event, std::chrono::nanoseconds took) const {
    told->events.push_back(std::move(event));
    told->durations.push_back(took);
  }
  void on_hit(const WikiKey& k, const HitEvent& e) const noexcept {
    note("hit " + k.page_path + " " + std::string(to_string(e.origin)), e.took);
  }
  void on_miss(const WikiKey& k, const MissEvent& e) const noexcept {
    note("miss " + k.page_path + " " + std::string(to_string(e.reason)) + " " + std::string(e.detail), e.took);
  }
  void on_render(const WikiKey& k, const RenderEvent& e) const noexcept {
    std::string error;
    try {
      if (e.error) std::rethrow_exception(e.error);
    } catch (const std::exception& thrown) {
      error = thrown.what();
    }
    note("render " + k.page_path + " " + error, e.took);
  }
  void on_publish(const WikiKey& k, const PublishEvent& e) const noexcept { note("publish " + k.page_path, e.took); }
  void on_evict(const WikiKey& k, const EvictEvent& e) const noexcept {
    note("evict " + k.page_path + (e.weight > 0 ? "" : " of no weight"), 0ns);
  }
  void on_store_error(const StoreErrorEvent& e) const noexcept {
    constexpr const char* kinds[] = {"unavailable", "full", "refused", "forbidden", "other"};
    note("store error " + std::string(kinds[static_cast<int>(e.kind)]) + " " + e.error.what(), e.took);
  }

  std::vector<std::string> take() const { return std::exchange(told->events, {}); }
};
static_assert(check_observer<Recorder, WikiKey>());
using Events = std::vector<std::string>;

struct OnlyHits {
  std::atomic<int>* hits;
  void on_hit(const auto&, const HitEvent&) const noexcept { ++*hits; }
};

struct Fixture {
  FullStore store;
  CountingRenderer renderer;
  Recorder recorder;
  RenderCache<CountingRenderer, MinimalHasher, FullStore, Recorder> cache;
  explicit Fixture(CacheOptions options = {}) : cache(renderer, MinimalHasher{}, store, options, recorder) {}
};

}  // namespace

TEST_CASE("an observer is told of each step of a read, in order") {
  Fixture f;
  f.cache.get(key, std::string("x"));
  CHECK(f.recorder.take() == Events{"miss a.md absent ", "render a.md ", "publish a.md"});
  f.cache.get(key, std::string("x"));
  CHECK(f.recorder.take() == Events{"hit a.md store"});
  f.cache.get(key, std::string("y"));
  CHECK(f.recorder.take() == Events{"miss a.md changed source", "render a.md ", "publish a.md"});
  f.cache.refresh(key, std::string("y"));
  CHECK(f.recorder.take() == Events{"miss a.md forced ", "render a.md ", "publish a.md"});
  CHECK_FALSE(f.cache.find(key, f.cache.fingerprint(std::string("z"))));
  CHECK(f.recorder.take() == Events{"miss a.md changed source"});
  CHECK(f.cache.stats().misses_for(Miss::forced) == 1);
}

namespace {

/// Takes back what has been stored.
struct Eraser {
  std::shared_ptr<std::function<void()>> erase = std::make_shared<std::function<void()>>([] {});
  void on_publish(const WikiKey&, const PublishEvent&) const noexcept { (*erase)(); }
};

}  // namespace

TEST_CASE("an observer may erase what it is told has been published") {
  FullStore store;
  const Eraser eraser;
  RenderCache cache(CountingRenderer{}, MinimalHasher{}, store, {}, eraser);
  bool erased = false;
  *eraser.erase = [&] { erased = cache.erase(key); };
  CHECK(cache.get(key, std::string("x"))->rendered_html == "<p>x</p>");
  CHECK(erased);
  CHECK_FALSE(store.lookup(key, cache.fingerprint(std::string("x"))).entry);
}

TEST_CASE("an observer is told of a batch key by key") {
  Fixture f;
  const std::vector<Wanted<WikiKey, std::string>> wanted{{key, "x"}, {{"docs", "b.md"}, "x"}};
  f.cache.get(key, std::string("x"));
  f.recorder.take();
  f.cache.get_many(wanted, {.parallel = 1});
  CHECK(f.recorder.take() == Events{"hit a.md store", "miss b.md absent ", "render b.md ", "publish b.md"});
  f.cache.get_many(wanted, {.refresh = true, .parallel = 1});
  CHECK(f.recorder.take() ==
        Events{"miss a.md forced ", "miss b.md forced ", "render a.md ", "publish a.md", "render b.md ", "publish b.md"});
}

TEST_CASE("an observer is told of hits that are near") {
  MemoryStore<WikiSchema> store;
  Recorder recorder;
  RenderCache cache(CountingRenderer{}, MinimalHasher{}, store, {}, recorder);
  const auto now = cache.fingerprint(std::string("x"));
  CHECK_FALSE(cache.find_near(key, now));
  CHECK(recorder.take().empty());
  cache.get(key, std::string("x"));
  recorder.take();
  CHECK(cache.find_near(key, now));
  cache.get(key, std::string("x"));
  CHECK(recorder.take() == Events{"hit a.md near", "hit a.md near"});
}

TEST_CASE("an observer is told what a renderer threw") {
  Fixture f;
  f.renderer.state->during = [](auto&&...) { throw std::runtime_error("poisonous"); };
  CHECK_THROWS(f.cache.get(key, std::string("x")));
  CHECK(f.recorder.take() == Events{"miss a.md absent ", "render a.md poisonous"});
  CHECK_THROWS(f.cache.get(key, std::string("x")));
  CHECK(f.recorder.take() == Events{"miss a.md absent "});  // remembered, not rendered
}

TEST_CASE("an observer is told of store errors by their kind") {
  Fixture f;
  f.store.before = [](std::string_view operation) {
    if (operation == "lookup") throw std::out_of_range("strange");
    throw InvalidValue("a NUL byte");
  };
  f.cache.get(key, std::string("x"));
  CHECK(f.recorder.take() ==
        Events{"store error other strange", "miss a.md store_failed strange", "render a.md ", "store error refused a NUL byte"});
  f.store.before = [](std::string_view operation) {
    if (operation == "lookup") throw StoreFull("disk full");
    throw StoreUnavailable("down");
  };
  f.cache.get(key, std::string("x"));
  CHECK(f.recorder.take() ==
        Events{"store error full disk full", "miss a.md store_failed disk full", "render a.md ", "store error unavailable down"});
}

TEST_CASE("an observer is told of a store that takes no changes, and what is read from it is") {
  Fixture f;
  f.store.before = [](std::string_view operation) {
    if (operation != "lookup") throw StoreForbidden("only read");
  };
  f.cache.get(key, std::string("x"));
  CHECK(f.recorder.take() == Events{"miss a.md absent ", "render a.md ", "store error forbidden only read"});
  CHECK(f.cache.stats().store_forbidden == 1);
  CHECK(f.cache.stats().store_available);
}

TEST_CASE("durations are those of what is told of") {
  Fixture f;
  f.renderer.state->during = [](auto&&...) { std::this_thread::sleep_for(20ms); };
  f.store.before = [](std::string_view operation) { std::this_thread::sleep_for(operation == "lookup" ? 5ms : 10ms); };
  f.cache.get(key, std::string("x"));
  const auto& took = f.recorder.told->durations;  // of the miss, the render and the publish
  REQUIRE(took.size() == 3);
  CHECK(took[0] >= 5ms);
  CHECK(took[1] >= 20ms);
  CHECK(took[2] >= 10ms);
  f.cache.get(key, std::string("x"));
  CHECK(took.back() >= 5ms);
  f.store.before = [](std::string_view) {
    std::this_thread::sleep_for(5ms);
    throw StoreFull("full");
  };
  f.cache.get(key, std::string("y"));
  CHECK(took[4] >= 5ms);  // the look-up that failed
}

TEST_CASE("a store in memory tells of what it evicts, and of nothing else, with no lock held") {
  struct Evictions {
    std::shared_ptr<std::vector<std::string>> told = std::make_shared<std::vector<std::string>>();
    std::function<void(const WikiKey&)> also = [](const WikiKey&) {};
    void on_evict(const WikiKey& k, const EvictEvent& e) const noexcept {
      if (e.weight > 0) told->push_back(k.page_path);
      also(k);
    }
  } observer;
  MemoryStore<WikiSchema, Evict::s3_fifo, Evictions>* asked = nullptr;
  observer.also = [&](const WikiKey& k) { CHECK_FALSE(asked->lookup(k, Fingerprint()).entry); };  // would wait for the lock
  MemoryStore<WikiSchema, Evict::s3_fifo, Evictions> store({.capacity = 4096, .shards = 1}, observer);
  asked = &store;
  const auto publish = [&](std::string page, std::size_t bytes) {
    store.publish({"docs", std::move(page)},
                  std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{std::string(bytes, 'x'), {"{}"}}, Fingerprint()}));
  };
  publish("replaced", 10);
  publish("replaced", 20);
  publish("erased", 10);
  CHECK(store.erase({"docs", "erased"}));
  publish("too large", 10);
  publish("too large", 4096);
  CHECK(observer.told->empty());
  for (int i = 0; i < 50; ++i) publish(std::to_string(i), 100);
  CHECK(observer.told->size() == store.stats().evictions);
  CHECK(observer.told->front() == "replaced");
  store.set_capacity(0);
  CHECK(observer.told->size() == 51);
  CHECK(store.stats().evictions == 51);
}

TEST_CASE("an observer that hears of one thing alone is enough, whatever the key") {
  std::atomic<int> hits = 0;
  FullStore store;
  RenderCache cache(CountingRenderer{}, MinimalHasher{}, store, {}, OnlyHits{&hits});
  cache.get(key, std::string("x"));
  cache.get(key, std::string("x"));
  CHECK(hits == 1);
}

TEST_CASE("without an observer a cache is made of three arguments and no larger for it") {
  FullStore store;
  RenderCache three(CountingRenderer{}, MinimalHasher{}, store);
  RenderCache four(CountingRenderer{}, MinimalHasher{}, store, CacheOptions{});
  STATIC_REQUIRE(std::is_same_v<decltype(three), RenderCache<CountingRenderer, MinimalHasher, FullStore>>);
  STATIC_REQUIRE(std::is_same_v<decltype(four), decltype(three)>);
  STATIC_REQUIRE(std::is_empty_v<detail::Stopwatch<false>>);
  STATIC_REQUIRE(sizeof(MemoryStore<WikiSchema>) == 40);
}

}  // namespace observer_tests
