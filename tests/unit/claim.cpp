// The claim of the library, and what else it promises, checked on histories: threads that read, an editor that changes the sources under
// them, a store that fails, forgets, lags and is swept.
//
// RENDER_CACHE_STRESS_SECONDS=60 makes all of them together last that long, with seeds of the moment.
#include <render_cache/laws/history_check.hpp>

#include "support/archetypes.hpp"
#include "support/catch.hpp"
#include "support/numbers.hpp"

#include <render_cache/store/memory.hpp>
#include <render_cache/store/replica.hpp>
#include <render_cache/store/tiered.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <vector>

namespace claim_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using archetype::SharedStore;
using laws::FaultyStore;
using laws::Promises;
using laws::RecordedStore;
using test::Freezable;
using test::Live;
using test::NumberRenderer;
using test::Numbers;

namespace {

constexpr auto round_time = 400ms;

/// Checks one history of `round(numbers, seed)` after the other, for this test's share of the time, and on a busy machine until they have
/// told something.
void check_rounds(const Promises& promises, auto&& round) {
  const char* seconds = std::getenv("RENDER_CACHE_STRESS_SECONDS");
  const auto start = std::chrono::steady_clock::now();
  const auto end = start + (seconds == nullptr ? 0ms : 1000ms * std::atol(seconds) / 8);
  std::size_t reads = 0, hits = 0;
  unsigned seed = seconds == nullptr ? 1 : std::random_device{}();
  const unsigned first = seed;
  const auto tells_enough = [&] { return reads > 100 && hits > 0; };
  do {
    Numbers numbers;
    round(numbers, seed);
    auto history = numbers.history();
    const auto verdict = check(history, promises);
    INFO("seed " << seed << ": " << verdict.text());
    REQUIRE(verdict);
    reads += verdict.reads;
    hits += verdict.hits;
    seed += 100;
  } while (std::chrono::steady_clock::now() < end ||
           (!tells_enough() && std::chrono::steady_clock::now() < start + std::chrono::minutes(1)));
  INFO("seeds " << first << ", " << first + 100 << "... to " << seed - 100 << ": " << reads << " reads, " << hits << " hits");
  CHECK(tells_enough());
}

const laws::Faults some_faults{.delays = 2, .errors = 10, .lost = 30, .longest_delay = 500us};
const CacheOptions impatient{.failure_memory = 1ms, .store_pause = 1ms};

/// Erases and sweeps, of a cache that is process 1.
template <class Cache>
auto erasing(Cache& cache, Numbers& numbers) {
  return [&cache, &log = numbers.new_log(1)](std::mt19937& random) {
    try {
      const auto page = random() % test::pages;
      switch (random() % 3) {
        case 0: log.erase(test::name_of(page), [&] { return cache.erase(test::key_of(page)); }); break;
        case 1: {
          const auto call = laws::Log::now();
          cache.erase_group("docs");
          for (std::size_t each = 0; each < test::pages; ++each) {
            log.add(laws::Event::Kind::erase, test::name_of(each), {}, call, laws::Log::now());
          }
          break;
        }
        default: cache.prune([&](const WikiKey&) { return random() % 2 == 0; });
      }
    } catch (const StoreError&) {
    }
  };
}
const auto nothing = [](std::mt19937&) {};

}  // namespace

TEMPLATE_TEST_CASE("no read returns what its source was not during the call, though all else fails", "[concurrent][claim]", Live,
                   Freezable) {
  check_rounds({.keeps = false}, [](Numbers& numbers, unsigned seed) {
    SharedStore shared;
    RecordedStore recorded(shared, numbers.log);
    FaultyStore store(recorded, some_faults, seed);
    RenderCache cache(NumberRenderer{&numbers.log}, TestType{}, store, impatient);
    numbers.run(seed, std::vector{&cache}, round_time, true, erasing(cache, numbers));
  });
}

TEST_CASE("no read returns what its source was not during the call, though a memory tier in front evicts",
          "[concurrent][claim]") {
  laws::Faults late = some_faults;  // the far store is asked more seldom
  late.delays = 200;
  check_rounds({.keeps = false}, [&](Numbers& numbers, unsigned seed) {
    SharedStore shared;
    RecordedStore recorded(shared, numbers.log);
    FaultyStore far(recorded, late, seed);
    MemoryStore<WikiSchema> near({.capacity = 1 << 20});
    TieredStore store(near, far);
    RenderCache cache(NumberRenderer{&numbers.log}, Freezable{}, store, impatient);
    auto erase = erasing(cache, numbers);
    numbers.run(seed, std::vector{&cache}, round_time, true, [&](std::mt19937& random) {
      near.erase(test::key_of(random() % test::pages));
      erase(random);
    });
  });
}

TEST_CASE("two nodes on one store never tell each other an older state", "[concurrent][claim]") {
  SECTION("on one that keeps its word") {
    check_rounds({}, [](Numbers& numbers, unsigned seed) {
      SharedStore shared;
      auto& other = numbers.new_log(2);
      RecordedStore far_a(shared, numbers.log), far_b(shared, other);
      MemoryStore<WikiSchema> near_a, near_b;
      TieredStore store_a(near_a, far_a), store_b(near_b, far_b);
      RenderCache a(NumberRenderer{&numbers.log}, Freezable{}, store_a), b(NumberRenderer{&other}, Freezable{}, store_b);
      numbers.run(seed, std::vector{&a, &b}, round_time, false, erasing(a, numbers));
    });
  }
  SECTION("on one that is late, repeats, loses, lags and fails") {
    const laws::Faults faults{
        .delays = 2, .errors = 20, .lost = 20, .duplicated = 100, .reordered = 100, .stale = 100, .longest_delay = 500us};
    check_rounds({.keeps = false, .erases = false}, [&](Numbers& numbers, unsigned seed) {
      SharedStore shared;
      auto& other = numbers.new_log(2);
      RecordedStore recorded_a(shared, numbers.log), recorded_b(shared, other);
      FaultyStore far_a(recorded_a, faults, seed), far_b(recorded_b, faults, seed + 1);
      MemoryStore<WikiSchema> near_a, near_b;
      TieredStore store_a(near_a, far_a), store_b(near_b, far_b);
      RenderCache a(NumberRenderer{&numbers.log}, Freezable{}, store_a, impatient),
          b(NumberRenderer{&other}, Freezable{}, store_b, impatient);
      numbers.run(seed, std::vector{&a, &b}, round_time, true, nothing);
    });
  }
}

TEST_CASE("two nodes that read from replicas which lag and fail render nothing that the primary holds", "[concurrent][claim]") {
  const bool ask_primary = GENERATE(true, false);
  std::uint64_t lagged = 0;
  check_rounds({.erases = false}, [&](Numbers& numbers, unsigned seed) {
    SharedStore shared;
    auto& other = numbers.new_log(2);
    RecordedStore primary_a(shared, numbers.log), primary_b(shared, other);
    const laws::Faults faults{.delays = 2, .errors = 50, .stale = 400, .longest_delay = 500us};
    FaultyStore replica_a(shared, faults, seed), replica_b(shared, faults, seed + 1);
    const ReplicaOptions options{.ask_primary = ask_primary, .max_lag = 0ms, .pause = 1ms};
    ReplicaStore store_a(replica_a, primary_a, options), store_b(replica_b, primary_b, options);
    RenderCache a(NumberRenderer{&numbers.log}, Freezable{}, store_a), b(NumberRenderer{&other}, Freezable{}, store_b);
    numbers.run(seed, std::vector{&a, &b}, round_time, false, nothing);
    lagged += replica_a.injected()[5];
  });
  CHECK(lagged > 0);
}

TEST_CASE("what the store holds is not rendered", "[concurrent][claim]") {
  check_rounds({}, [](Numbers& numbers, unsigned seed) {
    SharedStore shared;  // neither fails nor forgets
    RecordedStore store(shared, numbers.log);
    RenderCache cache(NumberRenderer{&numbers.log}, Freezable{}, store);
    numbers.run(seed, std::vector{&cache}, round_time, false, nothing);
  });
}

}  // namespace claim_tests
