#include <render_cache/store/near_tier.hpp>

#include "support/archetypes.hpp"
#include "support/catch.hpp"

#include <render_cache/store/memory.hpp>
#include <render_cache/store/tiered.hpp>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace near_tier_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using archetype::FullStore;

namespace {

const WikiKey key{"docs", "a.md"};

Fingerprint fingerprint(const std::string& source) { return std::move(Fingerprint().add("source", source)); }
EntryPtr<WikiPage> page(const std::string& source) {
  return std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{source, {"{}"}}, fingerprint(source)});
}

/// What overtakes a far look-up happens in `after_lookup`: the row has been read and has not come back yet.
struct Far : FullStore {
  std::function<void()> after_lookup = [] {};
  std::function<PruneReport()> sweep = [] { return PruneReport{}; };

  Lookup<WikiPage> lookup(const WikiKey& asked, const Fingerprint& wanted) {
    auto found = FullStore::lookup(asked, wanted);
    std::exchange(after_lookup, [] {})();
    return found;
  }
  std::vector<Lookup<WikiPage>> lookup_many(std::span<const Query<WikiKey>> queries) {
    auto found = FullStore::lookup_many(queries);
    std::exchange(after_lookup, [] {})();
    return found;
  }
  PruneReport prune_groups(std::string_view, const PruneOptions&) { return sweep(); }
};

struct Near : MemoryStore<WikiSchema> {
  std::function<void()> before_publish = [] {};
  void publish(const WikiKey& at, EntryPtr<WikiPage> entry) {
    std::exchange(before_publish, [] {})();
    MemoryStore::publish(at, std::move(entry));
  }
};

struct Fixture {
  Near near;
  Far far;
  TieredStore<Near, Far> store{near, far};

  [[nodiscard]] bool near_has(const std::string& source) { return near.lookup(key, fingerprint(source)).entry != nullptr; }
};

}  // namespace

TEST_CASE("a far hit that a publish has overtaken does not replace what was published") {
  Fixture f;
  f.far.publish(key, page("x"));
  const auto refreshed = page("x");  // of the same fingerprint: only the fence tells the two apart
  SECTION("through both stores") {
    f.far.after_lookup = [&] { f.store.publish(key, refreshed); };
  }
  SECTION("while the far store is left alone") {
    f.far.after_lookup = [&] { f.store.near().publish(key, refreshed); };
  }
  CHECK(f.store.lookup(key, fingerprint("x")).entry != nullptr);
  CHECK(f.near.lookup(key, fingerprint("x")).entry == refreshed);
}

TEST_CASE("a far hit that an erase has overtaken leaves nothing near, not for a moment") {
  Fixture f;
  f.far.publish(key, page("x"));
  bool filled = false;
  f.near.before_publish = [&] { filled = true; };
  const std::vector<std::function<void()>> ways = {
      [&] { f.store.erase(key); },
      [&] { f.store.erase_group("docs"); },
      [&] { f.store.prune([](const WikiKey&) { return false; }, {}); },
      [&] { f.store.near().erase(key); },
  };
  const std::vector<Query<WikiKey>> queries{{key, fingerprint("x")}};
  for (const auto& way : ways) {
    f.far.publish(key, page("x"));
    f.far.after_lookup = way;
    CHECK(f.store.lookup(key, fingerprint("x")).entry != nullptr);
    CHECK_FALSE(f.near_has("x"));

    f.far.publish(key, page("x"));
    f.far.after_lookup = way;
    CHECK(f.store.lookup_many(queries).front().entry != nullptr);
    CHECK_FALSE(f.near_has("x"));
    CHECK_FALSE(filled);
  }
}

TEST_CASE("a far hit that nothing has overtaken is kept near") {
  Fixture f;
  f.far.publish(key, page("x"));
  f.far.after_lookup = [&] { f.store.prune([](const WikiKey&) { return false; }, {.dry_run = true}); };
  f.store.lookup(key, fingerprint("x"));
  CHECK(f.near_has("x"));
}

TEST_CASE("an erase waits for a fill that has begun, and then removes it", "[concurrent]") {
  Fixture f;
  std::future<void> eraser;
  f.near.before_publish = [&] {
    eraser = std::async(std::launch::async, [&] { f.store.near().erase(key); });
    eraser.wait_for(100ms);  // it would end within, were it not made to wait
  };
  f.store.near().fill(key, page("x"), f.store.near().changes(key));
  eraser.get();
  CHECK_FALSE(f.near_has("x"));
}

TEST_CASE("a sweep by the registry that fails midway leaves nothing near of what it may have removed") {
  Fixture f;
  f.store.publish(key, page("x"));
  f.far.sweep = []() -> PruneReport { throw StoreUnavailable("the second batch"); };
  CHECK_THROWS_AS(f.store.prune_groups("SELECT 1", PruneOptions{}), StoreUnavailable);
  CHECK_FALSE(f.near_has("x"));
}

TEST_CASE("a sweep by the registry that has removed nothing leaves the near store as it is") {
  Fixture f;
  f.store.publish(key, page("x"));
  CHECK(f.store.prune_groups("SELECT 1", PruneOptions{}).removed == 0);
  CHECK(f.near_has("x"));
  f.far.sweep = [] { return PruneReport{.removed = 3}; };
  CHECK(f.store.prune_groups("SELECT 1", PruneOptions{.dry_run = true}).removed == 3);
  CHECK(f.near_has("x"));
  f.store.prune_groups("SELECT 1", PruneOptions{});
  CHECK_FALSE(f.near_has("x"));
}

}  // namespace near_tier_tests
