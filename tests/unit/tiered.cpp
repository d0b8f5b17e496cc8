#include <render_cache/store/tiered.hpp>

#include "support/archetypes.hpp"
#include "support/catch.hpp"

#include <render_cache/store/memory.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <semaphore>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace tiered_tests {

using namespace render_cache;
using archetype::CountingRenderer;
using archetype::FullStore;
using archetype::MinimalHasher;

namespace {

const WikiKey key{"docs", "a.md"};

Fingerprint fingerprint(const std::string& source) { return std::move(Fingerprint().add("source", source)); }
EntryPtr<WikiPage> page(const std::string& source) {
  return std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{source, {"{}"}}, fingerprint(source)});
}

struct Fixture {
  MemoryStore<WikiSchema> near{};
  FullStore far;
  TieredStore<MemoryStore<WikiSchema>, FullStore> store{near, far};
  std::vector<std::string> asked;
  Fixture() {
    far.before = [this](std::string_view operation) { asked.emplace_back(operation); };
  }
  void far_is_down() {
    far.before = [](std::string_view operation) { throw StoreUnavailable(std::string(operation) + " refused"); };
  }
};

}  // namespace

TEST_CASE("a far hit fills the near store, and a near hit needs no round trip") {
  Fixture f;
  f.far.publish(key, page("x"));
  f.asked.clear();
  CHECK(f.store.lookup(key, fingerprint("x")).origin == Origin::store);
  CHECK(f.asked == std::vector<std::string>{"lookup"});
  const auto near = f.store.lookup(key, fingerprint("x"));
  CHECK(near.origin == Origin::near);
  CHECK(near.entry->value.rendered_html == "x");
  CHECK(f.asked.size() == 1);
}

TEST_CASE("an older near entry is no hit: the far store is asked, and replaces it") {
  Fixture f;
  f.store.publish(key, page("x"));
  f.far.publish(key, page("y"));  // another node
  CHECK(f.store.lookup(key, fingerprint("y")).origin == Origin::store);
  CHECK(f.store.lookup(key, fingerprint("y")).origin == Origin::near);
  CHECK(f.store.lookup(key, fingerprint("z")).stored == fingerprint("y"));
}

TEST_CASE("publish and erase reach both") {
  Fixture f;
  f.store.publish(key, page("x"));
  CHECK(f.near.lookup(key, fingerprint("x")).entry);
  CHECK(f.far.lookup(key, fingerprint("x")).entry);
  CHECK(f.store.erase(key));
  CHECK_FALSE(f.near.lookup(key, fingerprint("x")).entry);
  CHECK_FALSE(f.far.lookup(key, fingerprint("x")).entry);
  CHECK_FALSE(f.store.erase(key));

  f.store.publish(key, page("x"));
  CHECK(f.store.erase_group("docs") == 1);
  CHECK_FALSE(f.near.lookup(key, fingerprint("x")).entry);

  f.store.publish(key, page("x"));
  CHECK(f.store.prune([](const WikiKey&) { return false; }, {}).removed == 1);
  CHECK_FALSE(f.near.lookup(key, fingerprint("x")).entry);
}

TEST_CASE("a batch that is published reaches both") {
  struct Far : FullStore {
    void publish_many(std::span<const std::pair<WikiKey, EntryPtr<WikiPage>>> entries) {
      for (const auto& [at, entry] : entries) publish(at, entry);
    }
  } far;
  MemoryStore<WikiSchema> near;
  TieredStore store(near, far);
  const std::vector<std::pair<WikiKey, EntryPtr<WikiPage>>> entries{{key, page("x")}, {{"docs", "b.md"}, page("y")}};
  store.publish_many(entries);
  for (const auto& [at, entry] : entries) {
    CHECK(far.lookup(at, entry->fingerprint).entry == entry);
    CHECK(near.lookup(at, entry->fingerprint).entry == entry);
  }
}

TEST_CASE("what the far store has not replaced, or failed to, is near all the same, but for what it cannot hold") {
  struct Far : FullStore {
    bool replace(const WikiKey&, EntryPtr<WikiPage>, const Seen& seen) {
      before("replace");
      return seen.text == "as it was";
    }
  } far;
  MemoryStore<WikiSchema> near;
  TieredStore store(near, far);
  CHECK(store.replace(key, page("x"), Seen{"as it was"}));
  CHECK(near.lookup(key, fingerprint("x")).entry);
  CHECK_FALSE(store.replace(key, page("y"), Seen{}));
  CHECK(near.lookup(key, fingerprint("y")).entry);
  far.before = [](std::string_view) { throw StoreUnavailable("refused"); };
  CHECK_THROWS_AS(store.replace(key, page("z"), Seen{}), StoreUnavailable);
  CHECK(near.lookup(key, fingerprint("z")).entry);
  far.before = [](std::string_view) { throw InvalidValue("a NUL byte"); };
  CHECK_THROWS_AS(store.replace(key, page("a"), Seen{}), InvalidValue);
  CHECK_FALSE(near.lookup(key, fingerprint("a")).entry);
}

TEST_CASE("a near hit is one also of a store that does not know where it stands") {
  FullStore near, far;
  TieredStore store(near, far);
  store.publish(key, page("x"));
  CHECK(store.lookup(key, fingerprint("x")).origin == Origin::near);
}

TEST_CASE("a batch asks the far store once, for what the near one lacks") {
  Fixture f;
  for (const std::string name : {"a", "b", "c"}) f.far.publish({"docs", name}, page(name));
  f.store.lookup({"docs", "b"}, fingerprint("b"));
  f.asked.clear();
  std::vector<Query<WikiKey>> queries;
  for (const std::string name : {"a", "b", "c", "a", "d"}) queries.push_back({{"docs", name}, fingerprint(name)});
  f.far.lookups = 0;
  const auto found = f.store.lookup_many(queries);
  CHECK(f.asked == std::vector<std::string>{"lookup_many"});
  CHECK(f.far.lookups == 4);
  for (const std::size_t i : {0u, 1u, 2u, 3u}) CHECK(found[i].entry->value.rendered_html == queries[i].key.page_path);
  CHECK(found[1].origin == Origin::near);
  CHECK(found[0].origin == Origin::store);
  CHECK_FALSE(found[4].entry);
  queries.pop_back();
  f.asked.clear();
  CHECK(f.store.lookup_many(queries).size() == 4);
  CHECK(f.asked.empty());
}

TEST_CASE("a far store that is down leaves the near one working") {
  Fixture f;
  RenderCache cache(CountingRenderer{}, MinimalHasher{}, f.store);
  const std::string before = "x", meanwhile = "y";
  cache.get(key, before);
  f.far_is_down();
  CHECK(cache.get(key, before).origin == Origin::near);

  const auto rendered = cache.get(key, meanwhile);
  CHECK(rendered.miss == Miss::store_failed);
  CHECK(cache.stats().store_unavailable == 1);
  CHECK(cache.get(key, meanwhile).origin == Origin::near);
  CHECK(cache.get({"docs", "b.md"}, meanwhile).stored);  // near, while the far one is left alone
  CHECK(cache.get({"docs", "b.md"}, meanwhile).hit());
  CHECK(cache.stats().store_unavailable == 1);
  CHECK_THROWS_AS(cache.erase(key), StoreUnavailable);  // says that it reached only one
  CHECK_FALSE(f.near.lookup(key, cache.fingerprint(meanwhile)).entry);
}

TEST_CASE("a slow render does not replace what was asked for later near, although the far store failed to keep that",
          "[concurrent]") {
  Fixture f;
  CountingRenderer renderer;
  std::binary_semaphore rendering(0), go(0);
  renderer.state->during = [&](const WikiKey&, const std::string& source) {
    if (source != "old") return;
    rendering.release();
    go.acquire();
  };
  RenderCache cache(renderer, MinimalHasher{}, f.store, {.store_pause = std::chrono::milliseconds(0), .max_owed = 0});
  auto old = std::async(std::launch::async, [&] { return cache.get(key, std::string("old")); });
  rendering.acquire();
  f.far.before = [](std::string_view operation) {
    if (operation == "publish") throw StoreUnavailable("publish refused");
  };
  CHECK_FALSE(cache.get(key, std::string("new")).stored);
  f.far.before = [](std::string_view) {};
  go.release();
  CHECK_FALSE(old.get().stored);
  CHECK(cache.get(key, std::string("new")).origin == Origin::near);
}

TEST_CASE("what a sweep has removed is not left near by a predicate that throws") {
  Fixture f;
  f.store.publish(key, page("x"));
  f.asked.clear();
  CHECK_THROWS_AS(f.store.prune([](const WikiKey&) -> bool { throw std::runtime_error("no list of pages"); }, {}),
                  std::runtime_error);
  CHECK_FALSE(f.near.lookup(key, fingerprint("x")).entry);
}

TEST_CASE("what the far store refuses to hold is not kept near either") {
  Fixture f;
  f.far.before = [](std::string_view) { throw InvalidValue("a NUL byte"); };
  CHECK_THROWS_AS(f.store.publish(key, page("x")), InvalidValue);
  CHECK_FALSE(f.near.lookup(key, fingerprint("x")).entry);
}

TEST_CASE("the near tier alone can be asked, and never waits") {
  Fixture f;
  RenderCache cache(CountingRenderer{}, MinimalHasher{}, f.store);
  const std::string source = "x";
  const auto now = cache.fingerprint(source);
  CHECK_FALSE(cache.find_near(key, now));
  cache.get(key, source);
  f.far_is_down();
  CHECK(cache.find_near(key, now).origin == Origin::near);
  CHECK(cache.stats().near_hits == 1);
}

TEST_CASE("an erase that comes while a far hit is on its way leaves nothing near", "[concurrent]") {
  Fixture f;
  f.far.before = [](std::string_view) {};
  for (int round = 0; round < 500; ++round) {
    f.far.publish(key, page("x"));
    std::jthread reader([&] {
      for (int i = 0; i < 5; ++i) f.store.lookup(key, fingerprint("x"));
    });
    f.store.erase(key);
    reader.join();
    REQUIRE_FALSE(f.near.lookup(key, fingerprint("x")).entry);
  }
}

TEST_CASE("an older value comes from the far store, or from the near one while that is down, which is noticed") {
  Fixture f;
  CountingRenderer renderer;
  renderer.state->during = [](const WikiKey&, const std::string&) { throw std::runtime_error("no"); };
  RenderCache cache(renderer, MinimalHasher{}, f.store);
  f.store.publish(key, page("x"));
  f.far.publish(key, page("y"));
  CHECK(f.store.lookup_stale(key)->entry->value.rendered_html == "y");
  f.far.before = [](std::string_view operation) {
    if (operation == "lookup_stale") throw StoreUnavailable("gone in between");
  };
  const auto answer = cache.get(key, std::string("z"), {.freshness = Freshness::stale_if_error(Freshness::Age::max())});
  CHECK(answer->rendered_html == "x");
  CHECK(cache.stats().store_unavailable == 1);
  CHECK_FALSE(cache.stats().store_available);
  CHECK_THROWS_AS(f.store.lookup_stale(key), StoreUnavailable);
}

TEST_CASE("a near hit tells nothing of the far store: when its pause ends, one that needs it asks it") {
  Fixture f;
  RenderCache cache(CountingRenderer{}, MinimalHasher{}, f.store, {.store_pause = std::chrono::milliseconds(200), .max_owed = 0});
  const std::string x = "x";
  cache.get(key, x);
  f.far_is_down();
  cache.get({"docs", "b.md"}, x);
  std::this_thread::sleep_for(std::chrono::milliseconds(210));
  const auto by_batch = GENERATE(false, true);
  if (by_batch) {
    CHECK(cache.get_many(std::vector<Wanted<WikiKey, std::string>>{{key, x}}).front().outcome().origin == Origin::near);
  } else {
    CHECK(cache.get(key, x).origin == Origin::near);
  }
  CHECK_FALSE(cache.stats().store_available);
  int asked = 0;
  f.far.before = [&](std::string_view) {
    if (++asked == 1) cache.get({"docs", "d.md"}, x);  // as another thread would, while the far store lets this one wait
    throw StoreUnavailable("still down");
  };
  cache.get({"docs", "c.md"}, x);
  CHECK(asked == 1);
}

TEST_CASE("a far store that answers too few of a batch is told so") {
  struct ShortStore : FullStore {
    std::vector<Lookup<WikiPage>> lookup_many(std::span<const Query<WikiKey>> queries) {
      return std::vector<Lookup<WikiPage>>(queries.size() / 2);
    }
  } far;
  MemoryStore<WikiSchema> near;
  TieredStore store(near, far);
  const std::vector<Query<WikiKey>> queries(8, {key, fingerprint("x")});
  CHECK_THROWS_WITH(store.lookup_many(queries), ContainsSubstring("answered 4 of 8 queries"));
}

}  // namespace tiered_tests
