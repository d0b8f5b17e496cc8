#include <render_cache/store/memory.hpp>

#include "memory_pages.hpp"
#include "support/catch.hpp"

#include <atomic>
#include <cstddef>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace memory_store_concurrent_tests {

using namespace render_cache;
using namespace render_cache::test;

namespace {

constexpr unsigned keys = 64, versions = 4;

/// Runs `work(thread, random)` on some threads and waits for all.
void on_threads(unsigned count, const auto& work) {
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < count; ++i) {
    threads.emplace_back([&work, i] {
      std::mt19937 random(i);
      work(i, random);
    });
  }
}

EntryPtr<WikiPage> page_of(unsigned number, unsigned version, std::size_t bytes) {
  auto text = std::to_string(number) + ':' + std::to_string(version) + ' ';
  text.resize(text.size() + bytes, '.');
  return std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{text, {}}, fingerprint(version), Timestamp{}, {}});
}

}  // namespace

TEST_CASE("MemoryStore: many threads get no value of another key or fingerprint and stay within the capacity",
          "[memory][concurrent]") {
  constexpr std::size_t capacity = 100'000, shards = 2, largest = capacity / shards / 4;
  Pages store({.capacity = capacity, .shards = shards});
  std::atomic<unsigned> wrong = 0, hits = 0, over = 0;
  on_threads(4, [&](unsigned, std::mt19937& random) {
    for (int step = 0; step < 5000; ++step) {
      const auto number = static_cast<unsigned>(random() % keys), version = static_cast<unsigned>(random() % versions);
      const auto action = random() % 1000;
      if (action < 700) {
        const auto found = store.lookup(key(number), fingerprint(version));
        if (!found.entry) continue;
        ++hits;
        const auto expected = std::to_string(number) + ':' + std::to_string(version) + ' ';
        if (!found.entry->value.rendered_html.starts_with(expected)) ++wrong;
      } else if (action < 970) {
        store.publish(key(number), page_of(number, version, random() % 4000));
      } else if (action < 990) {
        store.erase(key(number));
      } else if (action < 993) {
        store.erase_group("book");
      } else if (action < 996) {
        store.prune([&](const WikiKey& of) { return of.page_path.back() % 2 == 0; }, {});
      } else if (action < 998) {
        store.set_capacity(capacity);
      } else if (store.stats().bytes > capacity + shards * largest) {
        ++over;
      }
    }
  });
  CHECK(wrong == 0);
  CHECK(over == 0);
  CHECK(hits > 100);
  const auto stats = store.stats();
  CHECK(stats.bytes <= capacity);
  CHECK(stats.evictions > 0);
}

TEST_CASE("MemoryStore: an entry outlives its eviction in the hands of its readers", "[memory][concurrent]") {
  Pages store({.capacity = 50'000, .shards = 1});
  std::atomic<unsigned> broken = 0;
  on_threads(3, [&](unsigned thread, std::mt19937& random) {
    std::vector<EntryPtr<WikiPage>> held;
    for (int step = 0; step < 3000; ++step) {
      const auto number = static_cast<unsigned>(random() % keys);
      if (thread == 0) {
        store.publish(key(number), page_of(number, 1, 1000));
      } else if (auto found = store.lookup(key(number), fingerprint(1)); found.entry) {
        held.push_back(std::move(found.entry));
      }
      if (held.size() == 100) {
        for (const auto& entry : held) {
          if (!entry->value.rendered_html.ends_with('.')) ++broken;
        }
        held.clear();
      }
    }
  });
  CHECK(broken == 0);
}

TEST_CASE("MemoryStore: what was published before erase_group is gone after it, whatever else goes on", "[memory][concurrent]") {
  Pages store({.capacity = std::size_t{64} << 20, .shards = 4});
  std::atomic<bool> done = false;
  std::jthread other([&] {  // grows the tables meanwhile
    for (unsigned i = 0; !done; ++i) store.publish({"other", std::to_string(i % 20'000)}, page(1));
  });
  for (unsigned round = 0; round < 20; ++round) {
    for (unsigned i = 0; i < 200; ++i) store.publish(key(i), page(round));
    CHECK(store.erase_group("book") == 200);
    for (unsigned i = 0; i < 200; ++i) REQUIRE_FALSE(store.lookup(key(i), fingerprint(round)).entry);
  }
  done = true;
}

TEST_CASE("MemoryStore: a sweep beside publishes removes all that is old and nothing that is new", "[memory][concurrent]") {
  Pages store({.capacity = std::size_t{64} << 20, .shards = 4});
  for (unsigned round = 0; round < 10; ++round) {
    for (unsigned i = 0; i < 500; ++i) store.publish(key(i), page(1));
    std::atomic<bool> started = false;
    std::jthread publisher;
    store.prune(
        [&](const WikiKey&) {
          if (!started.exchange(true)) {
            publisher = std::jthread([&] {
              for (unsigned i = 1000; i < 1500; ++i) store.publish(key(i), page(1));
            });
          }
          return false;
        },
        {.batch = 50});
    publisher.join();
    for (unsigned i = 0; i < 500; ++i) REQUIRE_FALSE(has(store, i));
    for (unsigned i = 1000; i < 1500; ++i) REQUIRE(has(store, i));
    store.erase_group("book");
  }
}

}  // namespace memory_store_concurrent_tests
