#include <render_cache/store/memory/s3_fifo.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <numeric>
#include <random>
#include <unordered_map>
#include <utility>
#include <vector>

namespace s3_fifo_tests {

using namespace render_cache;

namespace {

/// Objects by number, owned as a cache would: gone when evicted.
struct Cache {
  struct Numbered : S3Fifo::Object {
    Numbered(unsigned of, std::size_t weight) : Object(of * 0x9e3779b97f4a7c15u, weight), number(of) {}
    unsigned number;
  };

  explicit Cache(std::size_t capacity) : policy(capacity) {}

  auto evicts() {
    return [this](S3Fifo::Object& t) { objects.erase(static_cast<Numbered&>(t).number); };
  }

  /// One request; whether it was a hit.
  bool request(unsigned number, std::size_t weight = 1) {
    if (const auto found = objects.find(number); found != objects.end()) {
      S3Fifo::read(*found->second);
      return true;
    }
    auto x = std::make_unique<Numbered>(number, weight);
    policy.insert(*x, evicts());
    objects.emplace(number, std::move(x));
    return false;
  }
  void requests(unsigned from, unsigned to) {
    for (auto number = from; number < to; ++number) request(number);
  }
  [[nodiscard]] bool has(unsigned number) const { return objects.contains(number); }

  S3Fifo policy;
  std::unordered_map<unsigned, std::unique_ptr<Numbered>> objects;
};

constexpr unsigned scan = 1'000'000;  // numbers from here on are asked for once

}  // namespace

TEST_CASE("S3-FIFO: what is asked for once leaves soon, without pushing out what is in M", "[s3_fifo]") {
  Cache cache(100);
  for (int round = 0; round < 3; ++round) cache.requests(0, 50);  // all read twice
  cache.requests(scan, scan + 1000);
  for (unsigned number = 0; number < 50; ++number) CHECK(cache.has(number));
}

TEST_CASE("S3-FIFO: two reads in S lead into M, one does not", "[s3_fifo]") {
  Cache cache(100);
  cache.request(1);
  cache.request(1);
  cache.request(2);
  cache.request(2);
  cache.request(2);
  cache.requests(scan, scan + 150);
  CHECK_FALSE(cache.has(1));
  CHECK(cache.has(2));
}

TEST_CASE("S3-FIFO: what returns while G remembers it goes into M", "[s3_fifo]") {
  Cache cache(100);
  cache.request(1);
  cache.requests(scan, scan + 120);
  REQUIRE_FALSE(cache.has(1));
  cache.request(1);  // from G into M: a scan passes by
  cache.requests(scan + 200, scan + 1000);
  CHECK(cache.has(1));
}

TEST_CASE("S3-FIFO: G forgets after as much as fills M was evicted", "[s3_fifo]") {
  Cache cache(100);
  cache.request(1);
  cache.requests(scan, scan + 100 + 91);
  cache.request(1);  // forgotten: into S again
  cache.requests(scan + 200, scan + 500);
  CHECK_FALSE(cache.has(1));
}

TEST_CASE("S3-FIFO: in M a read gives one more round, and a hundred no more than three", "[s3_fifo]") {
  Cache cache(100);
  auto once = scan;
  const auto enter_M = [&](unsigned number) {
    cache.request(number);
    for (int i = 0; i < 100 && cache.has(number); ++i) cache.request(once++);
    cache.request(number);  // G remembers it
  };
  for (unsigned number = 0; number < 90; ++number) enter_M(number);
  for (int reads = 0; reads < 100; ++reads) cache.request(1);
  cache.request(2);
  auto round = [&, next = 100'000u]() mutable {
    for (int i = 0; i < 90; ++i) enter_M(next++);
  };
  round();
  CHECK(cache.has(1));
  CHECK(cache.has(2));
  CHECK_FALSE(cache.has(3));
  round();
  CHECK(cache.has(1));
  CHECK_FALSE(cache.has(2));
  for (int i = 0; i < 4; ++i) round();
  CHECK_FALSE(cache.has(1));
}

TEST_CASE("S3-FIFO: an object larger than S is kept, for it goes straight into M", "[s3_fifo]") {
  Cache cache(100);
  cache.request(1, 20);
  CHECK(cache.has(1));
  for (auto number = scan; number < scan + 1000; ++number) cache.request(number);
  CHECK(cache.has(1));
}

TEST_CASE("S3-FIFO: what weighs more than a quarter of the capacity is not admitted", "[s3_fifo]") {
  const S3Fifo policy(100);
  CHECK(policy.admits(25));
  CHECK_FALSE(policy.admits(26));
}

TEST_CASE("S3-FIFO: an update keeps the object, its frequency and its queue", "[s3_fifo]") {
  Cache cache(100);
  cache.request(1);
  cache.request(1);
  cache.request(1);
  cache.requests(scan, scan + 99);
  REQUIRE(cache.policy.size() == 100);
  cache.policy.update(*cache.objects.at(1), 5, cache.evicts());
  CHECK(cache.has(1));
  CHECK(cache.policy.size() == 100);
  CHECK(cache.objects.size() == 96);
  cache.requests(scan + 200, scan + 400);  // read twice before: into M
  CHECK(cache.has(1));

  cache.request(2);
  cache.policy.update(*cache.objects.at(2), 2, cache.evicts());  // unread: still in S
  cache.requests(scan + 400, scan + 600);
  CHECK_FALSE(cache.has(2));
}

TEST_CASE("S3-FIFO: an object that an edit makes as large as S goes into M", "[s3_fifo]") {
  Cache cache(100);
  cache.request(1);
  cache.policy.update(*cache.objects.at(1), 10, cache.evicts());
  cache.requests(scan, scan + 1000);
  CHECK(cache.has(1));
}

TEST_CASE("S3-FIFO: a capacity that is just enough evicts nothing", "[s3_fifo]") {
  Cache cache(100);
  cache.requests(0, 50);
  cache.policy.set_capacity(50, cache.evicts());
  CHECK(cache.objects.size() == 50);
}

TEST_CASE("S3-FIFO: a smaller capacity evicts at once, down to none", "[s3_fifo]") {
  Cache cache(100);
  for (int round = 0; round < 3; ++round) cache.requests(0, 80);
  cache.policy.set_capacity(10, cache.evicts());
  CHECK(cache.policy.size() <= 10);
  CHECK(cache.objects.size() == cache.policy.size());
  cache.policy.set_capacity(0, cache.evicts());
  CHECK(cache.objects.empty());
  cache.policy.set_capacity(50, cache.evicts());
  cache.requests(0, 80);
  CHECK(cache.policy.size() == 50);
}

TEST_CASE("S3-FIFO: whatever happens, the size is the objects' weight and within the capacity", "[s3_fifo]") {
  std::mt19937 random(4);
  Cache cache(1000);
  for (int step = 0; step < 100'000; ++step) {
    const auto number = static_cast<unsigned>(random() % (random() % 500 + 1));
    const std::size_t weight = 1 + random() % 250;
    if (const auto action = random() % 100; action < 85) {
      cache.request(number, std::min(weight, cache.policy.capacity() / 4));
    } else if (const auto found = cache.objects.find(number); action < 90 && found != cache.objects.end()) {
      cache.policy.update(*found->second, std::min(weight, cache.policy.capacity() / 4), cache.evicts());
      REQUIRE(cache.has(number));
    } else if (action < 99 && found != cache.objects.end()) {
      cache.policy.erase(*found->second);
      cache.objects.erase(found);
    } else if (action == 99) {
      cache.policy.set_capacity(500 + random() % 1000, cache.evicts());
    }
    REQUIRE(cache.policy.size() <= cache.policy.capacity());
    if (step % 100 == 0) {
      std::size_t weights = 0;
      for (const auto& [of, x] : cache.objects) weights += x->weight();
      REQUIRE(cache.policy.size() == weights);
    }
  }
}

namespace {

/// The same rules as plainly as lists allow: the head is in front.
struct Model {
  struct X {
    unsigned number;
    std::size_t weight;
    int freq, first_freq;
  };
  using Fifo = std::list<X>;

  static std::size_t size_of(const Fifo& fifo) {
    return std::accumulate(fifo.begin(), fifo.end(), std::size_t{0}, [](std::size_t sum, const X& x) { return sum + x.weight; });
  }
  [[nodiscard]] std::size_t size() const { return size_of(S) + size_of(M); }
  [[nodiscard]] std::size_t S_capacity() const { return capacity / 10; }
  bool erase_from(Fifo& fifo, unsigned number) {
    return std::erase_if(fifo, [&](const X& x) { return x.number == number; }) == 1;
  }
  X* find(unsigned number) {
    for (auto* fifo : {&S, &M}) {
      for (auto& x : *fifo) {
        if (x.number == number) return &x;
      }
    }
    return nullptr;
  }
  void read(unsigned number) {
    auto& freq = find(number)->freq;
    freq = std::min(freq + 1, 3);
  }
  void insert(unsigned number, std::size_t weight, int first_freq) {
    make_room(weight);
    auto& fifo = erase_from(G, number) || weight >= S_capacity() ? M : S;
    fifo.push_front({number, weight, first_freq, first_freq});
  }
  void update(unsigned number, std::size_t weight) {
    auto x = *find(number);
    auto& fifo = erase_from(S, number) ? S : M;
    erase_from(M, number);
    x.weight = weight;
    make_room(weight);
    (weight >= S_capacity() ? M : fifo).push_front(x);
  }
  void erase(unsigned number) {
    erase_from(S, number);
    erase_from(M, number);
  }
  void make_room(std::size_t weight) {
    while (size() > 0 && size() + weight > capacity) {
      const bool from_S = M.empty() || (!S.empty() && size_of(S) >= S_capacity());
      from_S ? evict_S() : evict_M();
    }
  }
  void evict_S() {
    while (!S.empty()) {
      auto t = take_tail(S);
      if (t.freq <= 1) return to_G(t);
      t.freq = t.first_freq;
      M.push_front(t);
    }
  }
  void evict_M() {
    while (!M.empty()) {
      auto t = take_tail(M);
      if (t.freq == 0) return evicted.push_back(t.number);
      --t.freq;
      M.push_front(t);
    }
  }
  static X take_tail(Fifo& fifo) {
    const X t = fifo.back();
    fifo.pop_back();
    return t;
  }
  void to_G(const X& t) {
    evicted.push_back(t.number);
    const auto G_capacity = capacity - S_capacity();
    if (t.weight > G_capacity) return;
    while (size_of(G) + t.weight > G_capacity) G.pop_back();
    G.push_front(t);
  }

  std::size_t capacity;
  Fifo S{}, M{}, G{};
  std::vector<unsigned> evicted{};
};

}  // namespace

TEST_CASE("S3-FIFO: what leaves, and in which order, is as the rules say", "[s3_fifo]") {
  std::mt19937 random(11);
  Cache cache(1000);
  Model model{1000};
  std::vector<unsigned> evicted;
  const auto evicts = [&](S3Fifo::Object& t) {
    evicted.push_back(static_cast<Cache::Numbered&>(t).number);
    cache.objects.erase(evicted.back());
  };
  for (int step = 0; step < 30'000; ++step) {
    const auto number = static_cast<unsigned>(random() % (random() % 100 + 1));
    const auto weight = std::min<std::size_t>(1 + random() % (random() % 4 == 0 ? 250 : 60), model.capacity / 4) + 1;
    const auto found = cache.objects.find(number);
    if (const auto action = random() % 200; action == 0) {
      model.capacity = random() % 4 == 0 ? random() % 100 : 500 + random() % 1000;
      model.make_room(0);
      cache.policy.set_capacity(model.capacity, evicts);
    } else if (found == cache.objects.end()) {
      const auto first_freq = static_cast<std::uint8_t>(random() % 3 == 0 ? random() % 4 : 0);
      model.insert(number, weight, first_freq);
      auto x = std::make_unique<Cache::Numbered>(number, weight);
      cache.policy.insert(*x, evicts, first_freq);
      cache.objects.emplace(number, std::move(x));
    } else if (action < 160) {
      model.read(number);
      S3Fifo::read(*found->second);
    } else if (action < 180) {
      model.update(number, weight);
      cache.policy.update(*found->second, weight, evicts);
    } else {
      model.erase(number);
      cache.policy.erase(*found->second);
      cache.objects.erase(found);
    }
    REQUIRE(evicted == model.evicted);
    REQUIRE(cache.policy.size() == model.size());
    evicted.clear();
    model.evicted.clear();
  }
}

TEST_CASE("the ghost queue is a FIFO queue by weight that hashes can leave", "[s3_fifo]") {
  std::mt19937_64 random(9);
  GhostQueue ghosts;
  std::list<std::pair<std::uint64_t, std::size_t>> expected;  // the newest first
  constexpr std::size_t capacity = 500;
  std::size_t size = 0;
  const auto find = [&](std::uint64_t hash) {
    return std::find_if(expected.begin(), expected.end(), [&](const auto& ghost) { return ghost.first == hash; });
  };
  for (int step = 0; step < 50'000; ++step) {
    const auto hash = random() % 400 * 64;  // few buckets: long chains
    const auto place = find(hash);
    if (random() % 3 == 0) {
      REQUIRE(ghosts.remove(hash) == (place != expected.end()));
      if (place != expected.end()) {
        size -= place->second;
        expected.erase(place);
      }
    } else {
      const std::size_t weight = 1 + random() % 9;
      ghosts.insert(hash, weight, capacity);
      if (place != expected.end()) continue;
      for (; size + weight > capacity; expected.pop_back()) size -= expected.back().second;
      expected.emplace_front(hash, weight);
      size += weight;
    }
  }
  CHECK_FALSE(expected.empty());
  for (const auto& ghost : expected) CHECK(ghosts.remove(ghost.first));
}

}  // namespace s3_fifo_tests
