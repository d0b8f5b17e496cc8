#include <render_cache/store/memory.hpp>

#include "memory_pages.hpp"
#include "support/catch.hpp"

#include <boost/hana/adapt_struct.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace memory_store_tests {

using namespace render_cache;
using namespace render_cache::test;

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

struct KeyView {
  std::string_view alias, path;
};

/// A value whose destructor does what a test wants.
struct Talkative {
  std::string text;
  std::shared_ptr<std::function<void()>> last_words{};
  Talkative() = default;
  Talkative(std::string content, std::shared_ptr<std::function<void()>> words)
      : text(std::move(content)), last_words(std::move(words)) {}
  Talkative(Talkative&&) = default;
  Talkative(const Talkative&) = default;
  Talkative& operator=(const Talkative&) = default;
  ~Talkative() {
    if (last_words && *last_words) (*last_words)();
  }
};

}  // namespace

}  // namespace memory_store_tests

BOOST_HANA_ADAPT_STRUCT(memory_store_tests::KeyView, alias, path);
BOOST_HANA_ADAPT_STRUCT(memory_store_tests::Talkative, text);

namespace memory_store_tests {

namespace {

struct TalkativeSchema {
  using key_type = WikiKey;
  using value_type = Talkative;
};

auto talkative(const std::function<void()>& last_words, std::size_t bytes = 1000) {
  return std::make_shared<const Entry<Talkative>>(
      Entry<Talkative>{{std::string(bytes, 'x'), std::make_shared<std::function<void()>>(last_words)}, fingerprint(1), {}, {}});
}

}  // namespace

TEST_CASE("MemoryStore: a view of a key finds what the key does", "[memory]") {
  Pages store;
  store.publish({"book", "chapter"}, page(1));
  CHECK(store.lookup(KeyView{"book", "chapter"}, fingerprint(1)).entry);
  CHECK_FALSE(store.lookup(KeyView{"book", "chapte"}, fingerprint(1)).entry);
  CHECK_FALSE(store.lookup(KeyView{"bookc", "hapter"}, fingerprint(1)).entry);
}

TEST_CASE("MemoryStore: the capacity holds for keys, values and bookkeeping together", "[memory]") {
  Pages store({.capacity = 4 * mib});
  const auto large_keys = GENERATE(false, true);
  for (unsigned i = 0; i < 20'000; ++i) {
    auto of = key(i);
    if (large_keys) of.page_path += std::string(2000, 'k');
    store.publish(of, page(1, large_keys ? 0 : 500));
    if (i % 100 == 0) REQUIRE(store.stats().bytes <= 4 * mib);
  }
  const auto stats = store.stats();
  CHECK(stats.bytes > 4 * mib * 9 / 10);
  CHECK(stats.entries == 20'000 - stats.evictions);
  CHECK(stats.bytes / stats.entries > (large_keys ? 2000 : 500) + sizeof(Entry<WikiPage>) + sizeof(WikiKey));
}

TEST_CASE("MemoryStore: an entry's weight covers every text it owns", "[memory]") {
  const Pages store;
  const auto weight = [&](const WikiKey& of, const Entry<WikiPage>& entry) { return store.weight(of, entry); };
  const std::string text(10'000, 'x');
  const Entry<WikiPage> empty{};
  const auto base = weight({}, empty);
  CHECK(weight({text, ""}, empty) >= base + text.size());
  CHECK(weight({"", text}, empty) >= base + text.size());
  CHECK(weight({}, {{text, {}}, {}, {}, {}}) >= base + text.size());
  CHECK(weight({}, {{"", {text}}, {}, {}, {}}) >= base + text.size());
  CHECK(weight({}, {{}, Fingerprint::from_text(text), {}, {}}) >= base + text.size());
}

TEST_CASE("MemoryStore: an entry's weight is that of its blocks, of its share of the tables and of its texts, and a quarter more",
          "[memory]") {
  using render_cache::detail::block;
  CHECK(block(0) == 32);
  CHECK(block(24) == 32);
  CHECK(block(25) == 48);
  CHECK(block(40) == 48);
  CHECK(block(41) == 64);
  struct Node {
    std::byte bytes[100];
  };
  const auto weight = [](const std::string& text) {
    return render_cache::detail::weight_of<Node>(WikiKey{}, Entry<WikiPage>{{text, {}}, {}, {}, {}}, 4);
  };
  // The node's block, that of five cache lines, the entry's with its reference counts, two places in the table, a ghost.
  const std::size_t blocks = 112 + 336 + block(sizeof(Entry<WikiPage>) + 16) + 2 * sizeof(void*) + 48;
  CHECK(weight("") == blocks + blocks / 4);
  const std::string text(1000, 'x');
  const auto with_text = blocks + text.capacity() + 1 + 16;
  CHECK(weight(text) == with_text + with_text / 4);
}

TEST_CASE("MemoryStore: a page larger than a shard's small queue is kept while a scan passes", "[memory]") {
  Pages store({.capacity = 16 * mib, .shards = 16});  // small queue: 100 KiB
  store.publish(key(0), page(1, 150 * 1024));
  for (unsigned i = 1; i < 20'000; ++i) store.publish(key(i), page(1, 1000));
  CHECK(store.stats().evictions > 0);
  CHECK(has(store, 0));
}

TEST_CASE("MemoryStore: more than a quarter of a shard is refused and counted, and what it replaces is gone", "[memory]") {
  Pages store({.capacity = 16 * mib, .shards = 16});
  store.publish(key(0), page(1, 1000));
  store.publish(key(0), page(2, 300 * 1024));
  const auto found = store.lookup(key(0), fingerprint(2));
  CHECK_FALSE(found.entry);
  CHECK_FALSE(found.stored);
  CHECK(store.stats().too_large == 1);
  CHECK(store.stats().entries == 0);
  CHECK(store.stats().bytes == 0);
}

TEST_CASE("MemoryStore: a small capacity gets few shards, so that big pages fit", "[memory]") {
  CHECK(Pages({.capacity = 1 * mib}).shards() == 1);
  CHECK(Pages({.capacity = 38 * mib}).shards() == 8);
  CHECK(Pages({.capacity = 1024 * mib}).shards() == 16);
  CHECK(Pages({.capacity = 1 * mib, .shards = 5}).shards() == 8);
}

TEST_CASE("MemoryStore: the capacity changes while running", "[memory]") {
  Pages store({.capacity = 16 * mib});
  for (unsigned i = 0; i < 10'000; ++i) store.publish(key(i), page(1, 1000));
  const auto before = store.stats();
  store.set_capacity(4 * mib);
  const auto after = store.stats();
  CHECK(after.bytes <= 4 * mib);
  CHECK(after.entries < before.entries);
  CHECK(after.evictions == before.entries - after.entries + before.evictions);
  store.set_capacity(64 * mib);
  for (unsigned i = 0; i < 20'000; ++i) store.publish(key(i), page(1, 1000));
  CHECK(store.stats().entries == 20'000);
  store.set_capacity(0);
  CHECK(store.stats().entries == 0);
  store.publish(key(1), page(1));
  CHECK_FALSE(has(store, 1));
}

TEST_CASE("MemoryStore: an edited page weighs what it weighs now, and who asks for another state is told which is there",
          "[memory]") {
  Pages store({.capacity = 1 * mib, .shards = 1});
  store.publish(key(0), page(1, 100));
  store.publish(key(0), page(2, 5000));
  CHECK(store.stats().bytes == store.weight(key(0), *page(2, 5000)));
  CHECK(store.lookup(key(0), fingerprint(1)).stored == fingerprint(2));
}

TEST_CASE("MemoryStore: an edited page keeps its place", "[memory]") {
  Pages store({.capacity = 1 * mib, .shards = 1});
  store.publish(key(0), page(1));
  for (int i = 0; i < 3; ++i) CHECK(has(store, 0));
  store.publish(key(0), page(2, 2000));
  for (unsigned i = 1; i < 5000; ++i) store.publish(key(i), page(1));
  CHECK(has(store, 0, 2));
}

TEST_CASE("MemoryStore: what was expensive to render stays longer, if that is wanted", "[memory]") {
  const auto kept = [](auto&& store) {
    constexpr unsigned pages = 2000;
    for (unsigned i = 0; i < pages; ++i) {
      auto entry = *page(1);
      entry.render_cost = std::chrono::milliseconds(i % 10 == 0 ? 10'000 : 100);
      store.publish(key(i), std::make_shared<const Entry<WikiPage>>(entry));
      if (i % 10 == 0) store.lookup(key(i), fingerprint(1));
    }
    unsigned expensive = 0;
    for (unsigned i = 0; i < pages; i += 10) expensive += store.lookup(key(i), fingerprint(1)).entry != nullptr;
    return expensive;
  };
  const MemoryOptions options{.capacity = mib / 4, .shards = 1};
  CHECK(kept(MemoryStore<WikiSchema>(options)) < 100);
  CHECK(kept(MemoryStore<WikiSchema, Evict::cost_aware>(options)) > 150);
}

TEST_CASE("MemoryStore: equal keys hash differently under another seed", "[memory]") {
  CHECK(hash_key(key(1), 1) != hash_key(key(1), 2));
  // Unseeded stores differ from each other: the order in which a sweep meets the keys shows it.
  const auto order = [] {
    Pages store;
    for (unsigned i = 0; i < 100; ++i) store.publish(key(i), page(1));
    std::vector<std::string> paths;
    store.prune([&](const WikiKey& of) { return paths.push_back(of.page_path), true; }, {});
    return paths;
  };
  CHECK(order() != order());
}

TEST_CASE("MemoryStore: misses are counted by reason", "[memory]") {
  Pages store;
  store.publish(key(1), page(1));
  for (int i = 0; i < 3; ++i) has(store, 1);
  for (int i = 0; i < 2; ++i) has(store, 1, 2);
  has(store, 2);
  const auto stats = store.stats();
  CHECK(stats.hits == 3);
  CHECK(stats.misses_changed == 2);
  CHECK(stats.misses_absent == 1);
}

TEST_CASE("MemoryStore: an old value's age counts from its render, and is never negative", "[memory]") {
  using namespace std::chrono;
  Pages store;
  Entry<WikiPage> entry{{}, fingerprint(1), floor<microseconds>(system_clock::now() - hours(1)), {}};
  store.publish(key(1), std::make_shared<const Entry<WikiPage>>(entry));
  CHECK(store.lookup_stale(key(1))->age >= hours(1));
  entry.rendered_at += hours(2);  // another machine's clock
  store.publish(key(1), std::make_shared<const Entry<WikiPage>>(entry));
  CHECK(store.lookup_stale(key(1))->age == microseconds(0));
}

TEST_CASE("MemoryStore: a value is destroyed outside the locks: its destructor may use the cache", "[memory]") {
  // With one shard a lock that is still held would be waited for by its own holder.
  int destroyed = 0;
  MemoryStore<TalkativeSchema> store({.capacity = 1 * mib, .shards = 1});
  const auto use_store = [&] {
    ++destroyed;
    std::ignore = store.lookup(key(999), fingerprint(1));
    store.erase(key(999));
    std::ignore = store.stats();
  };
  SECTION("when it is replaced") {
    store.publish(key(1), talkative(use_store));
    store.publish(key(1), talkative({}));
    CHECK(destroyed == 1);
  }
  SECTION("when it is erased") {
    store.publish(key(1), talkative(use_store));
    store.erase(key(1));
    CHECK(destroyed == 1);
  }
  SECTION("when its group is erased") {
    store.publish(key(1), talkative(use_store));
    store.erase_group("book");
    CHECK(destroyed == 1);
  }
  SECTION("when it is pruned") {
    store.publish(key(1), talkative(use_store));
    store.prune([](const WikiKey&) { return false; }, {});
    CHECK(destroyed == 1);
  }
  SECTION("when it is evicted") {
    for (unsigned i = 0; i < 2000; ++i) store.publish(key(i), talkative(use_store));
    CHECK(destroyed > 0);
    store.publish(key(5000), talkative(use_store, 2 * mib));  // refused
    const auto before = destroyed;
    store.set_capacity(0);
    CHECK(destroyed > before);
  }
  SECTION("when the look-up that missed it held it last") {
    store.publish(key(1), talkative(use_store));
    std::ignore = store.lookup(key(1), fingerprint(2));
    store.erase(key(1));
    CHECK(destroyed == 1);
  }
  store.set_capacity(0);  // before `store` is half destroyed
}

TEST_CASE("MemoryStore: a value whose destructor is slow blocks nobody", "[memory][concurrent]") {
  std::atomic<bool> in_destructor = false, go_on = false;
  MemoryStore<TalkativeSchema> store({.capacity = 1 * mib, .shards = 1});
  store.publish(key(1), talkative([&] {
                  in_destructor = true;
                  while (!go_on) std::this_thread::yield();
                }));
  store.publish(key(2), talkative({}));
  std::jthread eraser([&] { store.erase(key(1)); });
  while (!in_destructor) std::this_thread::yield();
  CHECK(store.lookup(key(2), fingerprint(1)).entry);  // hangs if the lock is held
  store.publish(key(3), talkative({}));
  CHECK(store.stats().entries == 2);
  go_on = true;
}

TEST_CASE("MemoryStore: a predicate that prunes may use the store", "[memory]") {
  Pages store({.capacity = 16 * mib, .shards = 1});
  for (unsigned i = 0; i < 100; ++i) store.publish(key(i), page(1));
  const auto report = store.prune(
      [&](const WikiKey& of) {
        std::ignore = store.lookup(of, fingerprint(1));
        store.publish(key(1000), page(1));
        store.publish(key(7), page(2));
        return false;
      },
      {});
  CHECK(report.removed == 99);
  CHECK(report.kept_newer >= 1);
  CHECK(has(store, 7, 2));  // newer than the sweep
  CHECK(has(store, 1000));
}

TEST_CASE("MemoryStore: what others erase while a sweep goes on is neither removed by it nor newer than it", "[memory]") {
  Pages store({.capacity = 16 * mib, .shards = 1});
  for (unsigned i = 0; i < 10; ++i) store.publish(key(i), page(1));
  const auto report = store.prune(
      [&](const WikiKey& of) {
        if (of == key(1)) store.erase(of);
        if (of == key(2)) store.publish(of, page(2));
        return false;
      },
      {});
  CHECK(report == PruneReport{10, 8, 1, false});
}

TEST_CASE("MemoryStore: a sweep that only counts removes nothing, and counts what is newer as kept", "[memory]") {
  Pages store({.capacity = 16 * mib, .shards = 1});
  const auto publish_all = [&](unsigned version) {
    for (unsigned i = 0; i < 1'000; ++i) store.publish(key(i), page(version));
  };
  publish_all(1);
  unsigned version = 1;
  PruneOptions options;
  options.dry_run = true;
  options.batch = 1;
  const auto report = store.prune(
      [&](const WikiKey&) {
        if (version == 1) publish_all(++version);  // all but those of the first batch are seen after that
        return false;
      },
      options);
  CHECK(report.removed > 0);
  CHECK(report.kept_newer > report.removed);
  CHECK(report.removed + report.kept_newer == 1'000);
  CHECK(store.stats().entries == 1'000);
}

TEST_CASE("MemoryStore: a sweep tells how far it is after as many entries as were asked for, and of none nothing", "[memory]") {
  Pages store({.capacity = 16 * mib, .shards = 1});
  std::vector<std::size_t> examined;
  PruneOptions options;
  options.progress = [&](const PruneReport& report) { examined.push_back(report.examined); };
  const auto sweep = [&](std::size_t batch) {
    examined.clear();
    options.batch = batch;
    CHECK(store.prune([](const WikiKey&) { return true; }, options).removed == 0);
  };
  sweep(1);
  CHECK(examined.empty());
  for (unsigned i = 0; i < 1'000; ++i) store.publish(key(i), page(1));
  sweep(1);  // a few buckets at a time all the same
  REQUIRE(examined.size() > 2);
  CHECK(examined.back() == 1'000);
  const auto few = examined.front();
  REQUIRE(few > 1);
  sweep(few);
  CHECK(examined.front() == few);
  sweep(few + 1);
  CHECK(examined.front() > few);
}

TEST_CASE("MemoryStore: a sweep that is asked to stop says that it did, and leaves what it has not come to", "[memory]") {
  Pages store({.capacity = 16 * mib, .shards = 1});
  for (unsigned i = 0; i < 1'000; ++i) store.publish(key(i), page(1));
  std::stop_source stop;
  PruneOptions options{.batch = 1, .stop = stop.get_token()};
  options.progress = [&](const PruneReport&) { stop.request_stop(); };
  const auto report = store.prune([](const WikiKey&) { return false; }, options);
  CHECK(report.stopped);
  CHECK(report.examined < 1'000);
  CHECK(store.stats().entries == 1'000 - report.removed);
}

TEST_CASE("MemoryStore: what is not given is as documented", "[memory]") {
  CHECK(MemoryOptions{}.capacity == 64 * mib);
  CHECK(Pages({}).stats().capacity == 64 * mib);
}

}  // namespace memory_store_tests
