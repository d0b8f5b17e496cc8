// The memory store beside a bare hash map, and beside what else a program would take, in the same run.
//
// `hit/memory/limit` is a bare boost::unordered_flat_map with the store's own hash under the cheapest lock: no bound, no
// fingerprint, nothing but a copy of the shared pointer. `hit/cache/limit` has a shared lock instead. All rows do what a server does: a thread was started, so that neither
// malloc nor shared_ptr may leave out their atomic instructions.
#include <render_cache/cache.hpp>
#include <render_cache/hasher/file.hpp>
#include <render_cache/hasher/sha256.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/store/tiered.hpp>
#include <render_cache/wiki.hpp>

#include "pages.hpp"

#include <benchmark/benchmark.h>
#include <tbb/concurrent_hash_map.h>
#include <boost/unordered/unordered_flat_map.hpp>
#include <libcuckoo/cuckoohash_map.hh>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <list>
#include <memory>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace render_cache;
using Store = MemoryStore<WikiSchema>;
using Page = EntryPtr<WikiPage>;

constexpr std::uint64_t seed = 42;

struct KeyHash {
  using is_avalanching = void;
  std::size_t operator()(const WikiKey& key) const noexcept { return hash_key(key, seed); }
};

struct TbbHash {
  [[nodiscard]] std::size_t hash(const WikiKey& key) const noexcept { return hash_key(key, seed); }
  [[nodiscard]] bool equal(const WikiKey& a, const WikiKey& b) const noexcept { return a == b; }
};

struct Published {
  WikiKey key;
  Page entry;
};

Page make_entry(std::string html) {
  const auto fingerprint = Fingerprint().add("source", "s2:" + std::string(64, '0')).add("renderer", "benchmark/1");
  return std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{std::move(html), {R"({"toc": []})"}}, fingerprint, {}, {}});
}

const std::vector<Published>& published() {
  static const auto all = [] {
    std::jthread([] {});  // from here on this is a program with threads
    std::vector<Published> pages;
    for (const auto& page : benchmark_pages()) pages.push_back({{"rust-book", page.path}, make_entry(page.html)});
    return pages;
  }();
  return all;
}

/// Draws pages in an order that no prefetcher knows. Each thread has its own.
class Draw {
 public:
  explicit Draw(int thread) : state_(static_cast<std::uint32_t>(thread) + 1) {}
  const Published& operator()() noexcept {
    state_ = state_ * 1664525u + 1013904223u;
    return pages_[(std::uint64_t{state_} * pages_.size()) >> 32];
  }

 private:
  const std::vector<Published>& pages_ = published();
  std::uint32_t state_;
};

/// A map behind one interface: `find(key, fingerprint)` gives the shared entry or null.
template <class Lock, class Guard>
struct LockedMap {
  boost::unordered_flat_map<WikiKey, Page, KeyHash> map;
  Lock lock;
  void publish(const WikiKey& key, const Page& entry) { map.emplace(key, entry); }
  Page find(const WikiKey& key, const Fingerprint&) {
    const Guard guard(lock);
    const auto found = map.find(key);
    return found == map.end() ? nullptr : found->second;
  }
};

using Limit = LockedMap<detail::SpinLock, std::scoped_lock<detail::SpinLock>>;
using SharedLimit = LockedMap<std::shared_mutex, std::shared_lock<std::shared_mutex>>;

struct Memory {
  Store store{{.capacity = std::size_t{64} << 20}};
  void publish(const WikiKey& key, const Page& entry) { store.publish(key, entry); }
  Page find(const WikiKey& key, const Fingerprint& fingerprint) { return store.lookup(key, fingerprint).entry; }
};

/// With a store behind it, which is never asked: its every page is near.
struct Tiered {
  Store near{{.capacity = std::size_t{64} << 20}}, far{{.capacity = std::size_t{64} << 20}};
  TieredStore<Store, Store> store{near, far};
  void publish(const WikiKey& key, const Page& entry) { store.publish(key, entry); }
  Page find(const WikiKey& key, const Fingerprint& fingerprint) { return store.lookup(key, fingerprint).entry; }
};

struct NoRenderer {
  [[nodiscard]] std::string_view version() const { return "benchmark/1"; }
};
struct NoHasher {};

/// All that a read by RenderCache adds to its store's look-up: the outcome, the counters, the care for a failing store.
struct Cached {
  Store store{{.capacity = std::size_t{64} << 20}};
  RenderCache<NoRenderer, NoHasher, Store> cache{{}, {}, store};
  void publish(const WikiKey& key, const Page& entry) { store.publish(key, entry); }
  Page find(const WikiKey& key, const Fingerprint& fingerprint) { return cache.find(key, fingerprint).entry; }
};

struct Tbb {
  tbb::concurrent_hash_map<WikiKey, Page, TbbHash> map;
  void publish(const WikiKey& key, const Page& entry) { map.insert({key, entry}); }
  Page find(const WikiKey& key, const Fingerprint&) {
    decltype(map)::const_accessor found;
    return map.find(found, key) ? found->second : nullptr;
  }
};

struct Cuckoo {
  libcuckoo::cuckoohash_map<WikiKey, Page, KeyHash> map;
  void publish(const WikiKey& key, const Page& entry) { map.insert(key, entry); }
  Page find(const WikiKey& key, const Fingerprint&) {
    Page found;
    map.find(key, found);
    return found;
  }
};

/// What a program writes first: a list in the order of use, a map into it, a mutex around both.
struct MutexLru {
  std::list<std::pair<WikiKey, Page>> order;
  std::unordered_map<WikiKey, decltype(order)::iterator, KeyHash> map;
  std::mutex mutex;
  void publish(const WikiKey& key, const Page& entry) {
    order.emplace_front(key, entry);
    map[key] = order.begin();
  }
  Page find(const WikiKey& key, const Fingerprint&) {
    const std::scoped_lock guard(mutex);
    const auto found = map.find(key);
    if (found == map.end()) return nullptr;
    order.splice(order.begin(), order, found->second);
    return found->second->second;
  }
};

template <class Map>
Map& filled() {
  static Map map;
  static const bool once = [] {
    for (const auto& [key, entry] : published()) map.publish(key, entry);
    return true;
  }();
  benchmark::DoNotOptimize(once);
  return map;
}

/// Against which row scripts/bench compares this one.
void compare_with(benchmark::State& state, const char* row) {
  if (state.thread_index() == 0 && row != nullptr) state.SetLabel(row);
}

template <class Map>
void hit(benchmark::State& state, const char* compared_with) {
  auto& map = filled<Map>();
  Draw draw(state.thread_index());
  for (auto _ : state) {
    const auto& [key, entry] = draw();
    auto found = map.find(key, entry->fingerprint);
    if (!found) return state.SkipWithError("a published page is not found");
    benchmark::DoNotOptimize(found);
  }
  compare_with(state, compared_with);
}

template <class Map>
void hit_hot(benchmark::State& state, const char* compared_with) {
  auto& map = filled<Map>();
  const auto& [key, entry] = published().front();
  for (auto _ : state) {
    auto found = map.find(key, entry->fingerprint);
    if (!found) return state.SkipWithError("a published page is not found");
    benchmark::DoNotOptimize(found);
  }
  compare_with(state, compared_with);
}

/// The pages as files whose times have settled, and the whole of a read: stat, memo, fingerprint, look-up.
struct Files {
  struct Renderer {
    [[nodiscard]] std::string_view version() const { return "benchmark/1"; }
    [[nodiscard]] WikiPage render(const WikiKey&, const std::string& text) const { return {text, {"{}"}}; }
  };
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("render_cache_bench." + std::to_string(::getpid()));
  std::vector<std::pair<WikiKey, FileSource>> sources;
  Store store{{.capacity = std::size_t{64} << 20}};
  RenderCache<Renderer, FileHasher<Sha256Hasher>, Store> cache{{}, FileHasher<Sha256Hasher>{}, store};

  Files() {
    std::filesystem::create_directory(folder);
    for (const auto& page : benchmark_pages()) std::ofstream(folder / page.path, std::ios::binary) << page.html;
    std::this_thread::sleep_for(std::chrono::milliseconds(2100));
    const auto root = std::make_shared<const DocumentRoot>(folder);
    for (const auto& page : benchmark_pages()) {
      sources.push_back({{"rust-book", page.path}, {root, page.path}});
      cache.get(sources.back().first, sources.back().second);
    }
  }
  ~Files() { std::filesystem::remove_all(folder); }
};

Files& files() {
  static Files all;
  return all;
}

void hit_file(benchmark::State& state) {
  auto& all = files();
  std::size_t at = 0;
  for (auto _ : state) {
    const auto& [key, source] = all.sources[at++ % all.sources.size()];
    auto outcome = all.cache.get(key, source);
    if (!outcome.hit()) return state.SkipWithError("a settled file is rendered again");
    benchmark::DoNotOptimize(outcome);
  }
}

void stat_file(benchmark::State& state) {
  auto& all = files();
  std::size_t at = 0;
  for (auto _ : state) {
    const auto& source = all.sources[at++ % all.sources.size()].second;
    struct ::stat found;
    if (!source.root->stat(source.path, found)) return state.SkipWithError("a file is gone");
    benchmark::DoNotOptimize(found);
  }
}

/// 95 % hits, 5 % publishes that evict: how long the slow ones take. The time reported is the quantile.
void mixed(benchmark::State& state, double quantile, const char* compared_with) {
  using Clock = std::chrono::steady_clock;
  constexpr int calls = 200'000, reserve = 2000;
  Store store({.capacity = std::size_t{8} << 20});
  std::mt19937 random(7);
  std::vector<std::uint32_t> took(calls);
  std::vector<Published> next;  // made outside the measured time, as a renderer would
  unsigned number = 0;
  const auto& pages = benchmark_pages();
  const auto make_more = [&] {
    while (next.size() < reserve) {
      next.push_back({{"other", "page-" + std::to_string(number % 4000)}, make_entry(pages[number % pages.size()].html)});
      ++number;
    }
  };
  for (int filling = 0; filling < 3; ++filling) {
    make_more();
    for (const auto& [key, entry] : next) store.publish(key, entry);
    next.clear();
  }
  for (auto _ : state) {
    std::vector<Published> recent;
    for (auto& each : took) {
      if (recent.size() < 100 || random() % 20 == 0) {
        if (next.empty()) make_more();
        auto [key, entry] = std::move(next.back());
        next.pop_back();
        if (recent.size() < 400) {
          recent.push_back({key, entry});
        } else {
          recent[random() % recent.size()] = {key, entry};
        }
        const auto start = Clock::now();
        store.publish(key, std::move(entry));
        each = static_cast<std::uint32_t>((Clock::now() - start).count());
      } else {
        const auto& [key, entry] = recent[random() % recent.size()];
        const auto start = Clock::now();
        auto found = store.lookup(key, entry->fingerprint);
        benchmark::DoNotOptimize(found);
        each = static_cast<std::uint32_t>((Clock::now() - start).count());
      }
    }
    const auto at = took.begin() + static_cast<std::ptrdiff_t>(quantile * (calls - 1));
    std::nth_element(took.begin(), at, took.end());
    state.SetIterationTime(*at * 1e-9);
  }
  compare_with(state, compared_with);
}

// The time of a row is a call's share of the run: with two threads that keep out of each other's way, half of what it takes.
const bool registered = [] {
  using benchmark::RegisterBenchmark;
  RegisterBenchmark("hit/memory", hit<Memory>, nullptr)->UseRealTime();
  RegisterBenchmark("hit/memory/limit", hit<Limit>, nullptr)->UseRealTime();
  RegisterBenchmark("hit/tiered", hit<Tiered>, "hit/memory")->UseRealTime();
  RegisterBenchmark("hit/cache", hit<Cached>, nullptr)->UseRealTime();
  RegisterBenchmark("hit/cache/limit", hit<SharedLimit>, nullptr)->UseRealTime();
  RegisterBenchmark("hit/memory/file", hit_file)->UseRealTime();
  RegisterBenchmark("hit/memory/file/limit", stat_file)->UseRealTime();
  RegisterBenchmark("hit/memory/spread", hit<Memory>, "hit/memory")->Threads(2)->UseRealTime();
  RegisterBenchmark("hit/memory/hot", hit_hot<Memory>, nullptr)->UseRealTime();
  RegisterBenchmark("hit/memory/hot", hit_hot<Memory>, "hit/memory/hot")->Threads(2)->UseRealTime();
  RegisterBenchmark("hit/tbb", hit<Tbb>, "hit/memory")->UseRealTime();
  RegisterBenchmark("hit/tbb", hit<Tbb>, "hit/memory/spread/threads:2")->Threads(2)->UseRealTime();
  RegisterBenchmark("hit/libcuckoo", hit<Cuckoo>, "hit/memory")->UseRealTime();
  RegisterBenchmark("hit/libcuckoo", hit<Cuckoo>, "hit/memory/spread/threads:2")->Threads(2)->UseRealTime();
  RegisterBenchmark("hit/mutex_lru", hit<MutexLru>, "hit/memory")->UseRealTime();
  RegisterBenchmark("hit/mutex_lru", hit<MutexLru>, "hit/memory/spread/threads:2")->Threads(2)->UseRealTime();
  RegisterBenchmark("mixed/memory/median", mixed, 0.5, nullptr)->UseManualTime()->Iterations(3);
  RegisterBenchmark("mixed/memory/p99.9", mixed, 0.999, "mixed/memory/median/iterations:3")->UseManualTime()->Iterations(3);
  return true;
}();

}  // namespace
