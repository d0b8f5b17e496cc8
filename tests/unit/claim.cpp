// The claim of the library, checked on histories: threads that read, an editor that changes the sources under them, a
// store that fails, forgets and is swept.
//
// A source's state is a number that only grows. A reader notes it before its call and after the return: the fingerprint
// of what it got must lie between. And what came from the store must be what its fingerprint says.
//
// RENDER_CACHE_STRESS_SECONDS=60 makes all of them together last that long, with seeds of the moment.
#include <render_cache/cache.hpp>

#include "support/archetypes.hpp"
#include "support/catch.hpp"

#include <render_cache/store/memory.hpp>
#include <render_cache/store/tiered.hpp>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace render_cache;
using archetype::FullStore;

namespace {

constexpr std::size_t pages = 3;
using Sources = std::array<std::atomic<long>, pages>;

WikiKey key_of(std::size_t page) { return {"docs", std::to_string(page)}; }

long number(std::string_view digits) {
  long value = -1;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}
long sampled(const Fingerprint& fingerprint) { return number(fingerprint.components()[0].second); }

/// Cannot be frozen: it is sampled before and after.
struct Live {
  static constexpr bool source_can_move = true;
  Fingerprint components(const std::atomic<long>* source) const { return std::move(Fingerprint().add("source", source->load())); }
};
/// As a file.
struct Freezable {
  Fingerprint components(const std::atomic<long>* source) const { return std::move(Fingerprint().add("source", source->load())); }
  Frozen<long> freeze(const std::atomic<long>* source) const {
    const long now = source->load();
    return {std::move(Fingerprint().add("source", now)), now};
  }
};

struct NumberRenderer {
  struct Ledger {
    std::function<void(const WikiKey&, long)> before = [](const WikiKey&, long) {};
    std::atomic<int> needless = 0;
  };
  std::shared_ptr<Ledger> ledger = std::make_shared<Ledger>();

  std::string_view version() const { return "number/1"; }
  WikiPage render(const WikiKey& key, long state) const {
    ledger->before(key, state);
    return {std::to_string(state), {"{}"}};
  }
  WikiPage render(const WikiKey& key, const std::atomic<long>* source) const {
    auto page = render(key, source->load());
    std::this_thread::yield();
    if (source->load() % 7 == 0) throw std::runtime_error("sevens cannot be rendered");
    return page;
  }
};

struct History {
  unsigned seed = 0;
  std::atomic<long> reads = 0, hits = 0, failed = 0;
  std::atomic<long> outside = 0;     ///< fingerprints that were not the source's during the call
  std::atomic<long> mismatched = 0;  ///< values that are not what their fingerprint says

  [[nodiscard]] bool tells_enough() const { return reads > 100 && hits > 0; }
};

/// How long each of the five histories here goes on.
std::chrono::milliseconds stress() {
  const char* seconds = std::getenv("RENDER_CACHE_STRESS_SECONDS");
  return seconds == nullptr ? std::chrono::milliseconds(400) : std::chrono::milliseconds(1000 * number(seconds) / 5);
}

/// Reads from several threads while an editor edits and `disturb` disturbs, for a moment, and on a busy machine until that has told
/// something.
template <class Cache>
void run(Cache& cache, Sources& sources, History& history, auto&& disturb) {
  const auto end = std::chrono::steady_clock::now() + stress();
  history.seed = stress() == std::chrono::milliseconds(400) ? 1 : std::random_device{}();
  const auto goes_on = [&] {
    const auto now = std::chrono::steady_clock::now();
    return now < end || (!history.tells_enough() && now < end + std::chrono::minutes(1));
  };
  const auto until_end = [&](auto&& step) {
    return [&, step](unsigned seed) {
      std::mt19937 random(seed);
      while (goes_on()) step(random);
    };
  };
  const auto read = until_end([&](std::mt19937& random) {
    const std::size_t page = random() % pages;
    const long before = sources[page].load();
    try {
      const auto outcome =
          random() % 16 == 0 ? cache.refresh(key_of(page), &sources[page]) : cache.get(key_of(page), &sources[page]);
      const long after = sources[page].load();
      const long told = sampled(outcome.entry->fingerprint);
      history.outside += told < before || told > after;
      history.mismatched += outcome.stored && number(outcome->rendered_html) != told;
      history.hits += outcome.hit();
      ++history.reads;
    } catch (const std::runtime_error&) {
      ++history.failed;
    }
  });
  const auto edit = until_end([&](std::mt19937& random) {
    ++sources[random() % pages];
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
  });
  const auto disturb_more = until_end([&](std::mt19937& random) {
    disturb(random);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 500));
  });
  std::vector<std::jthread> threads;
  unsigned seed = history.seed;
  for (int reader = 0; reader < 4; ++reader) threads.emplace_back(read, seed++);
  threads.emplace_back(edit, seed++);
  threads.emplace_back(disturb_more, seed++);
}

void check(const History& history) {
  INFO("seed " << history.seed << ": " << history.reads << " reads, " << history.hits << " hits, " << history.failed
               << " failed");
  CHECK(history.outside == 0);
  CHECK(history.mismatched == 0);
  CHECK(history.tells_enough());
}

}  // namespace

TEST_CASE("no read returns what its source was not during the call, though all else fails", "[concurrent][claim]") {
  Sources sources{};
  History history;
  FullStore far;
  std::atomic<unsigned> faults = 0;
  far.before = [&](std::string_view) {
    const unsigned turn = ++faults;
    if (turn % 11 == 0) throw StoreUnavailable("down");
    if (turn % 13 == 0) throw StoreFull("full");
  };
  const CacheOptions options{.failure_memory = std::chrono::milliseconds(1), .store_pause = std::chrono::milliseconds(1)};
  const auto disturb = [&](auto& cache) {
    return [&](std::mt19937& random) {
      try {
        switch (random() % 3) {
          case 0: cache.erase(key_of(random() % pages)); break;
          case 1: cache.erase_group("docs"); break;
          default: cache.prune([&](const WikiKey&) { return random() % 2 == 0; });
        }
      } catch (const StoreError&) {
      }
    };
  };

  SECTION("a source that is sampled before and after") {
    RenderCache cache(NumberRenderer{}, Live{}, far, options);
    run(cache, sources, history, disturb(cache));
  }
  SECTION("a source that is frozen") {
    RenderCache cache(NumberRenderer{}, Freezable{}, far, options);
    run(cache, sources, history, disturb(cache));
  }
  SECTION("with a memory tier in front") {
    MemoryStore<WikiSchema> near({.capacity = 1 << 20});
    TieredStore store(near, far);
    RenderCache cache(NumberRenderer{}, Freezable{}, store, options);
    run(cache, sources, history, disturb(cache));
  }
  check(history);
}

TEST_CASE("two nodes on one store never tell each other an older state", "[concurrent][claim]") {
  Sources sources{};
  History history;
  FullStore far;
  MemoryStore<WikiSchema> near_a, near_b;
  TieredStore store_a(near_a, far), store_b(near_b, far);
  RenderCache a(NumberRenderer{}, Freezable{}, store_a), b(NumberRenderer{}, Freezable{}, store_b);
  struct Both {
    RenderCache<NumberRenderer, Freezable, decltype(store_a)>&a, &b;
    std::atomic<unsigned> turn = 0;
    auto get(const WikiKey& key, const std::atomic<long>* source) {
      return ++turn % 2 == 0 ? a.get(key, source) : b.get(key, source);
    }
    auto refresh(const WikiKey& key, const std::atomic<long>* source) { return a.refresh(key, source); }
  } both{a, b};
  run(both, sources, history, [](std::mt19937&) {});
  check(history);
}

TEST_CASE("what the store holds is not rendered", "[concurrent][claim]") {
  Sources sources{};
  History history;
  FullStore store;  // neither fails nor forgets
  NumberRenderer renderer;
  RenderCache cache(renderer, Freezable{}, store);
  renderer.ledger->before = [&](const WikiKey& key, long state) {
    const auto now = Fingerprint().add("source", state).add("renderer", renderer.version());
    if (store.MinimalStore::lookup(key, now).entry) ++renderer.ledger->needless;
  };
  struct Reads {
    decltype(cache)& inner;
    auto get(const WikiKey& key, const std::atomic<long>* source) { return inner.get(key, source); }
    auto refresh(const WikiKey& key, const std::atomic<long>* source) { return inner.get(key, source); }
  } reads{cache};
  run(reads, sources, history, [](std::mt19937&) {});
  check(history);
  CHECK(renderer.ledger->needless == 0);
}
