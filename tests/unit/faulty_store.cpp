// The store of faults: each of them happens as it is told, and a seed repeats them.
#include <render_cache/laws/faulty_store.hpp>

#include "support/archetypes.hpp"
#include "support/catch.hpp"

#include <render_cache/laws/samples.hpp>
#include <render_cache/laws/store_laws.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/store/postgres.hpp>
#include <render_cache/store/replica.hpp>
#include <render_cache/store/sqlite.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace faulty_store_tests {

using namespace render_cache;
using archetype::MinimalStore;
using archetype::SharedStore;
using laws::Faults;
using laws::FaultyStore;
using laws::sample_fingerprint;

namespace {

template <class Inner>
constexpr bool same_concepts() {
  using Faulty = FaultyStore<Inner>;
  return check_store<Faulty>() && HasReplace<Faulty> == HasReplace<Inner> && HasLookupMany<Faulty> == HasLookupMany<Inner> &&
         HasPublishMany<Faulty> == HasPublishMany<Inner> && HasLookupStale<Faulty> == HasLookupStale<Inner> &&
         HasLookupLatest<Faulty> == HasLookupLatest<Inner> && HasBounds<Faulty> == HasBounds<Inner> &&
         HasLeases<Faulty> == HasLeases<Inner> && HasNear<Faulty> == HasNear<Inner>;
}
static_assert(same_concepts<MinimalStore>() && same_concepts<MemoryStore<WikiSchema>>() &&
              same_concepts<SqliteStore<WikiSchema>>() && same_concepts<PostgresStore<WikiSchema>>() &&
              same_concepts<ReplicaStore<MinimalStore, SqliteStore<WikiSchema>>>());

/// Without faults it is a store like any other.
struct FaultlessModel {
  static constexpr bool durable = false;
  MemoryStore<WikiSchema> inner{};
  FaultyStore<MemoryStore<WikiSchema>> store{inner, Faults{}, 1};
};

const WikiKey key{"docs", "a.md"};
EntryPtr<WikiPage> page(unsigned number) {
  return std::make_shared<const Entry<WikiPage>>(
      Entry<WikiPage>{{std::to_string(number), {"{}"}}, sample_fingerprint(number), Timestamp{}, {}});
}

/// All that happens to a sequence of calls, as text.
std::string story(std::uint64_t seed, const std::string& other_key = "") {
  SharedStore inner;
  FaultyStore store(inner, {.errors = 200, .lost = 200, .duplicated = 200, .reordered = 200, .stale = 200}, seed);
  std::string told;
  for (unsigned i = 0; i < 200; ++i) {
    try {
      if (!other_key.empty() && i % 3 == 0) store.erase({"docs", other_key});
    } catch (const StoreUnavailable&) {
    }
    try {
      if (i % 2 == 0) {
        store.publish(key, page(i / 4));
        told += 'p';
      } else {
        const auto found = store.lookup(key, sample_fingerprint(i / 4));
        told += found.entry ? 'h' : found.stored ? 'o' : 'n';
      }
    } catch (const StoreUnavailable&) {
      told += '!';
    }
  }
  return told;
}

}  // namespace

TEST_CASE("faults: calls in the same order meet the same, and with another seed others") {
  CHECK(story(1) == story(1));
  CHECK(story(1) != story(2));
  for (const char kind : {'p', 'h', 'o', '!'}) CHECK(story(1).find(kind) != std::string::npos);
}

TEST_CASE("faults: what is called for other keys changes nothing of it") {
  int same = 0;  // a line of calls is for some of the keys
  for (const char* other : {"b", "c", "d", "e"}) same += story(1, other) == story(1);
  CHECK(same >= 3);
}

TEST_CASE("faults: each happens as it is told") {
  SharedStore inner;
  const auto holds = [&](unsigned number) { return inner.lookup(key, sample_fingerprint(number)).entry != nullptr; };

  SECTION("an error comes before what was to be done, or after it") {
    FaultyStore store(inner, {.errors = 1000}, 1);
    int happened = 0;
    for (unsigned i = 0; i < 100; ++i) {
      CHECK_THROWS_AS(store.publish(key, page(i)), StoreUnavailable);
      happened += holds(i);
      CHECK_THROWS_AS(store.lookup(key, sample_fingerprint(i)), StoreUnavailable);
    }
    CHECK(happened > 20);
    CHECK(happened < 80);
    CHECK(store.injected()[1] == 200);
  }
  SECTION("what is lost never happens") {
    FaultyStore store(inner, {.lost = 1000}, 1);
    CHECK(store.replace(key, page(1), {}));
    store.settle();
    CHECK_FALSE(holds(1));
  }
  SECTION("what is late happens after later calls, and over what was seen alone") {
    FaultyStore store(inner, {.reordered = 1000}, 1);
    store.publish(key, page(1));
    CHECK_FALSE(holds(1));
    for (int i = 0; i < 4; ++i) store.lookup(key, sample_fingerprint(0));
    CHECK(holds(1));
    CHECK(store.replace(key, page(2), {.text = sample_fingerprint(1).text()}));
    inner.publish(key, page(3));
    store.settle();
    CHECK(holds(3));
  }
  SECTION("what is repeated happens twice") {
    FaultyStore store(inner, {.duplicated = 1000}, 1);
    store.publish(key, page(1));
    CHECK(holds(1));
    inner.publish(key, page(2));
    store.settle();
    CHECK(holds(1));
  }
  SECTION("what is stale is an answer of earlier, and never to another question") {
    FaultyStore store(inner, {.stale = 500}, 1);
    int hits = 0;
    for (int i = 0; i < 100; ++i) {
      inner.publish(key, page(1));
      CHECK_FALSE(store.lookup(key, sample_fingerprint(2)).entry);
      const auto before = store.lookup(key, sample_fingerprint(1));
      inner.publish(key, page(2));
      const auto found = store.lookup(key, sample_fingerprint(1));
      if (found.entry) {
        ++hits;
        CHECK(found.entry->value.rendered_html == "1");
      }
    }
    CHECK(hits > 5);
    CHECK(hits < 95);
    CHECK(store.injected()[5] > 50);
  }
  SECTION("what is delayed comes later") {
    FaultyStore store(inner, {.delays = 1000, .longest_delay = std::chrono::milliseconds(20)}, 1);
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 10; ++i) store.lookup(key, sample_fingerprint(1));
    CHECK(std::chrono::steady_clock::now() - start > std::chrono::milliseconds(20));
    CHECK(store.injected()[0] == 10);
  }
}

RENDER_CACHE_STORE_LAWS(FaultlessModel)

}  // namespace faulty_store_tests
