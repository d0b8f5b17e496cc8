#include <render_cache/cache.hpp>

#include <render_cache/store/memory.hpp>
#include <render_cache/store/tiered.hpp>

#include "support/archetypes.hpp"
#include "support/catch.hpp"
#include "support/sqlite_wiki.hpp"

#include <chrono>
#include <stop_token>
#include <string>

namespace cache_bounds_tests {

using namespace render_cache;
using namespace render_cache::test;
using archetype::CountingRenderer;
using archetype::MinimalHasher;

namespace {

/// Six pages, of which four are old.
struct Fixture : SqliteWiki {
  SqliteOptions bounded() const {
    auto with = options();
    with.bounds = {.max_age = std::chrono::hours(240)};
    return with;
  }
  MemoryStore<WikiSchema> near{};
  WikiStore far{bounded()};
  TieredStore<MemoryStore<WikiSchema>, WikiStore> both{near, far};
  CountingRenderer renderer;
  RenderCache<CountingRenderer, MinimalHasher, TieredStore<MemoryStore<WikiSchema>, WikiStore>> cache{renderer, MinimalHasher{},
                                                                                                      both};
  Fixture() {
    for (char name = 'a'; name <= 'f'; ++name) cache.get({"docs", std::string(1, name)}, std::string("x"));
    outside().run_script("UPDATE wiki_cache SET rendered_at = '2001-01-01T00:00:00.000Z' WHERE page_path < 'e'");
  }
  std::string left() {
    return outside().query("SELECT coalesce(group_concat(page_path, ''), '') FROM wiki_cache").at(0).at(0).value();
  }
};

}  // namespace

TEST_CASE("a clean-up of a cache ends with the bounds of its store, and what memory has stays") {
  Fixture f;
  CHECK(f.cache.prune([](const WikiKey&) { return true; }) == PruneReport{6, 4, 0, false});
  CHECK(f.left() == "ef");
  const int rendered = f.renderer.state->renders;
  CHECK(f.cache.get({"docs", "a"}, std::string("x")).hit());
  CHECK(f.renderer.state->renders == rendered);
}

TEST_CASE("a dry run of both counts an entry once that would go for two reasons") {
  Fixture f;
  const auto keep = [](const WikiKey& key) { return key.page_path != "d" && key.page_path != "e"; };
  CHECK(f.cache.prune(keep, {.dry_run = true}) == PruneReport{6, 5, 0, false});
  CHECK(f.left() == "abcdef");
  CHECK(f.cache.prune(keep) == PruneReport{6, 5, 0, false});
  CHECK(f.left() == "f");
}

TEST_CASE("a clean-up that is stopped does not begin with the bounds") {
  Fixture f;
  std::stop_source stop;
  stop.request_stop();
  CHECK(f.cache.prune([](const WikiKey&) { return true; }, {.stop = stop.get_token()}) == PruneReport{0, 0, 0, true});
  CHECK(f.left() == "abcdef");
}

TEST_CASE("a clean-up whose bounds are stopped, or keep what is newer, says so") {
  struct Bounded : archetype::FullStore {
    Bounds kept_within{};
    const Bounds& bounds() const { return kept_within; }
    PruneReport prune_to(const Bounds&, const PruneOptions&, const KeepPredicate<WikiKey>&) {
      return {.examined = 5, .removed = 4, .kept_newer = 3, .stopped = true};
    }
  } store;
  RenderCache cache(CountingRenderer(), MinimalHasher(), store);
  CHECK(cache.prune([](const WikiKey&) { return true; }) == PruneReport{0, 4, 3, true});
}

}  // namespace cache_bounds_tests
