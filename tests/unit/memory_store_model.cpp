// MemoryStore against a map that forgets nothing: what it holds is right, what it lacks was evicted.
#include <render_cache/store/memory.hpp>

#include "memory_pages.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>

namespace memory_store_model_tests {

using namespace render_cache;
using namespace render_cache::test;

namespace {

struct Model {
  explicit Model(std::uint64_t seed, std::size_t shards)
      : random(seed), store({.capacity = capacity, .shards = shards, .seed = seed}) {}

  static constexpr std::size_t capacity = 200'000;
  static constexpr unsigned groups = 5, keys = 200;

  std::mt19937_64 random;
  Pages store;
  std::map<unsigned, unsigned> published;  // number -> version; what a store that never evicts would hold
  std::uint64_t removed = 0;

  unsigned pick(unsigned below) { return static_cast<unsigned>(random() % below); }
  static WikiKey key_of(unsigned number) { return {"group " + std::to_string(number % groups), std::to_string(number)}; }
  static unsigned group_number(const WikiKey& of) { return static_cast<unsigned>(of.repo_alias.back() - '0'); }
  /// Content that only this version of this page has.
  static EntryPtr<WikiPage> page_of(unsigned number, unsigned version, std::size_t bytes) {
    auto text = std::to_string(number) + ':' + std::to_string(version) + ' ';
    text.resize(std::max(bytes, text.size()), '.');
    return std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{text, {}}, fingerprint(version), Timestamp{}, {}});
  }

  void look_up(unsigned number, unsigned version) {
    const auto found = store.lookup(key_of(number), fingerprint(version));
    const auto expected = published.find(number);
    if (found.entry) {
      REQUIRE(expected != published.end());
      REQUIRE(version == expected->second);
      REQUIRE(found.entry->value.rendered_html.starts_with(std::to_string(number) + ':' + std::to_string(version) + ' '));
    } else if (found.stored) {
      REQUIRE(expected != published.end());
      REQUIRE(*found.stored == fingerprint(expected->second));
      REQUIRE(version != expected->second);
    }
  }

  void publish(unsigned number, unsigned version) {
    const auto bytes = pick(20) == 0 ? pick(60'000) : pick(3000);
    store.publish(key_of(number), page_of(number, version, bytes));
    published[number] = version;
  }

  std::size_t forget_if(const auto& doomed) { return std::erase_if(published, doomed); }

  void step() {
    const auto number = pick(pick(keys) + 1), version = pick(3);
    const auto action = pick(1000);
    if (action < 600) {
      look_up(number, version);
    } else if (action < 960) {
      publish(number, version);
    } else if (action < 990) {
      const bool erased = store.erase(key_of(number));
      REQUIRE((!erased || published.contains(number)));
      published.erase(number);
      REQUIRE_FALSE(store.lookup(key_of(number), fingerprint(version)).stored);
    } else if (action < 993) {
      const auto group = pick(groups);
      const auto erased = store.erase_group("group " + std::to_string(group));
      REQUIRE(erased <= forget_if([&](const auto& page) { return page.first % groups == group; }));
    } else if (action < 996) {
      const auto group = pick(groups);
      const auto report = store.prune([&](const WikiKey& of) { return group_number(of) != group; }, {});
      REQUIRE(report.kept_newer == 0);
      REQUIRE(report.removed <= forget_if([&](const auto& page) { return page.first % groups == group; }));
    } else {
      store.set_capacity(capacity / 2 + pick(capacity));
    }
    const auto stats = store.stats();
    REQUIRE(stats.bytes <= stats.capacity);
    REQUIRE(stats.entries <= published.size());
  }
};

}  // namespace

TEST_CASE("MemoryStore: never a value of another key or fingerprint, whatever happens in what order", "[memory]") {
  const auto seed = GENERATE(1u, 2u, 3u, 4u);
  const auto shards = GENERATE(1u, 4u);
  CAPTURE(seed, shards);
  Model model(seed, shards);
  for (int step = 0; step < 20'000; ++step) model.step();
  const auto stats = model.store.stats();
  CHECK(stats.hits > 1000);
  CHECK(stats.evictions > 100);
  CHECK(stats.too_large > 10);
}

}  // namespace memory_store_model_tests
