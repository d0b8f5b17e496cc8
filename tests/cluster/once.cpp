// One render among all nodes that share a store, whatever becomes of the node that renders.
#include <render_cache/render_cache.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/store/postgres.hpp>
#include <render_cache/store/sqlite.hpp>
#include <render_cache/store/tiered.hpp>
#include <render_cache/wiki.hpp>

#include "cluster/node.hpp"
#include "cluster/stores.hpp"
#include "support/catch.hpp"
#include "support/patience.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace once_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using test::OnPostgres;
using test::OnSqlite;

namespace {

/// What the nodes of a test see of each other.
struct Counted {
  std::atomic<int> ready{0}, renders{0}, wrong{0}, saved{0}, leases{0}, missing{0};
  std::atomic<bool> go{false}, hold{false};
  std::atomic<std::int64_t> ended{0};
};

struct SlowRenderer {
  Counted* seen;
  std::chrono::microseconds takes;
  std::function<void(const WikiKey&)> before = [](const WikiKey&) {};
  [[nodiscard]] std::string version() const { return "1"; }
  [[nodiscard]] WikiPage render(const WikiKey& key, const std::string& source) const {
    ++seen->renders;
    before(key);
    std::this_thread::sleep_for(takes);
    return {"<p>" + source + "</p>", {"{}"}};
  }
};

struct Text {
  [[nodiscard]] Fingerprint components(const std::string& source) const { return Fingerprint().add("text", source); }
};

WikiKey key(int number) { return {"docs", "page " + std::to_string(number) + ".md"}; }

/// A node's work with a cache over a near and the far store; then it adds what its cache has counted to what was seen.
template <class Cluster>
test::Node node(const Cluster& cluster, Counted* seen, SlowRenderer renderer, CacheOptions options, auto work) {
  return test::Node([=, far = cluster.options()] {
    typename Cluster::Store store(far);
    MemoryStore<WikiSchema> near({.capacity = 64 << 20});
    TieredStore tiers(near, store);
    RenderCache cache(renderer, Text{}, tiers, options);
    ++seen->ready;
    test::wait_until([&] { return seen->go.load(); });
    work(cache);
    const auto stats = cache.stats();
    seen->saved += static_cast<int>(stats.rendered_elsewhere);
    seen->leases += static_cast<int>(stats.leases);
    seen->missing += static_cast<int>(stats.leases_missing);
  });
}

void begin(Counted* seen, std::vector<test::Node>& nodes) {
  test::wait_until([&] { return seen->ready == static_cast<int>(nodes.size()); });
  seen->go = true;
}

void in_threads(int count, const std::function<void(int)>& work) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&, i] { work(i); });
}

constexpr CacheOptions in_cluster{.single_flight = SingleFlight::cluster};

}  // namespace

TEMPLATE_TEST_CASE("once across nodes: one cold key that 4 processes of 8 threads ask for is rendered once", "", OnPostgres,
                   OnSqlite) {
  TestType cluster;
  const auto mode = GENERATE(SingleFlight::cluster, SingleFlight::automatic);
  test::Shared<Counted> seen;
  std::vector<test::Node> nodes;
  for (int i = 0; i < 4; ++i) {
    nodes.push_back(node(cluster, seen.get(), {seen.get(), 1500ms}, {.single_flight = mode}, [s = seen.get()](auto& cache) {
      in_threads(8, [&](int) {
        if (cache.get(key(1), std::string("a")).value()->rendered_html != "<p>a</p>") ++s->wrong;
      });
    }));
  }
  begin(seen.get(), nodes);
  for (auto& each : nodes) CHECK(each.ended_well());
  CHECK(seen->renders == 1);
  CHECK(seen->saved == 3);
  CHECK(seen->wrong == 0);
  CHECK(seen->missing == 0);
  CHECK(cluster.leases() == 0);
}

TEMPLATE_TEST_CASE("once across nodes: a thousand cold keys are rendered a thousand times", "", OnPostgres, OnSqlite) {
  constexpr int keys = 1000;
  TestType cluster;
  test::Shared<Counted> seen;
  std::vector<test::Node> nodes;
  for (int i = 0; i < 4; ++i) {
    nodes.push_back(node(cluster, seen.get(), {seen.get(), 1ms}, in_cluster, [s = seen.get()](auto& cache) {
      in_threads(8, [&](int thread) {
        for (int step = 0; step < keys; ++step) {
          const int n = (step + thread * 7) % keys;
          const auto page = cache.get(key(n), std::to_string(n)).value();
          if (page->rendered_html != "<p>" + std::to_string(n) + "</p>") ++s->wrong;
        }
      });
    }));
  }
  begin(seen.get(), nodes);
  for (auto& each : nodes) CHECK(each.ended_well());
  CHECK(seen->renders == keys);
  CHECK(seen->wrong == 0);
  CHECK(seen->missing == 0);
  CHECK(cluster.leases() == 0);
}

TEMPLATE_TEST_CASE("once across nodes: quick renders take no leases once that is known", "", OnPostgres, OnSqlite) {
  TestType cluster;
  test::Shared<Counted> seen;
  std::vector<test::Node> nodes;
  const CacheOptions quick_below_patience{.lease_above = test::patience};  // a busy machine may take its time over one of 40 us
  nodes.push_back(node(cluster, seen.get(), {seen.get(), 40us}, quick_below_patience, [](auto& cache) {
    for (int n = 0; n < 100; ++n) cache.get(key(n), std::string("a"));
  }));
  begin(seen.get(), nodes);
  CHECK(nodes[0].ended_well());
  CHECK(seen->renders == 100);
  CHECK(seen->leases == 1);
}

TEMPLATE_TEST_CASE("once across nodes: where the renderer is killed another takes over when its lease ends", "", OnPostgres,
                   OnSqlite) {
  TestType cluster;
  test::Shared<Counted> seen;
  std::vector<test::Node> nodes;
  const CacheOptions options{.single_flight = SingleFlight::cluster, .lease_time = 1500ms};
  const SlowRenderer hangs{seen.get(), 0us, [s = seen.get()](const WikiKey&) {
                             if (s->renders == 1) std::this_thread::sleep_for(1h);
                           }};
  for (int i = 0; i < 2; ++i) {
    nodes.push_back(node(cluster, seen.get(), hangs, options, [s = seen.get(), i](auto& cache) {
      if (i == 1) test::wait_until([&] { return s->renders == 1; });
      cache.get(key(1), std::string("a"));
      s->ended = Clock::now().time_since_epoch().count();
    }));
  }
  begin(seen.get(), nodes);
  test::wait_until([&] { return seen->renders == 1; });
  std::this_thread::sleep_for(2500ms);  // longer than the lease, which is renewed
  CHECK(seen->renders == 1);
  const auto killed = Clock::now();
  nodes[0].send(SIGKILL);
  CHECK(nodes[1].ended_well());
  CHECK(seen->renders == 2);
  const auto took = Clock::duration(seen->ended) - killed.time_since_epoch();
  CHECK(took < 1500ms + 10s);  // the lease and a poll, and what a busy machine adds
  CHECK(cluster.leases() == 0);
}

TEMPLATE_TEST_CASE("once across nodes: a render that fails gives its lease back at once", "", OnPostgres, OnSqlite) {
  TestType cluster;
  test::Shared<Counted> seen;
  std::vector<test::Node> nodes;
  const CacheOptions options{.single_flight = SingleFlight::cluster, .lease_time = 1min};
  const SlowRenderer fails_first{seen.get(), 300ms, [s = seen.get()](const WikiKey&) {
                                   if (s->renders == 1) throw std::runtime_error("a first render that fails");
                                 }};
  for (int i = 0; i < 2; ++i) {
    nodes.push_back(node(cluster, seen.get(), fails_first, options, [s = seen.get(), i](auto& cache) {
      if (i == 0) {
        try {
          cache.get(key(1), std::string("a"));
          ++s->wrong;
        } catch (const std::runtime_error&) {
        }
      } else {
        test::wait_until([&] { return s->renders == 1; });
        const auto start = Clock::now();
        cache.get(key(1), std::string("a"));
        if (Clock::now() - start > 30s) ++s->wrong;
      }
    }));
  }
  begin(seen.get(), nodes);
  for (auto& each : nodes) CHECK(each.ended_well());
  CHECK(seen->renders == 2);
  CHECK(seen->wrong == 0);
  CHECK(cluster.leases() == 0);
}

TEMPLATE_TEST_CASE("once across nodes: pages that include each other on two nodes are refused, and not waited for", "",
                   OnPostgres, OnSqlite) {
  TestType cluster;
  test::Shared<Counted> seen;
  std::vector<test::Node> nodes;
  for (int i = 0; i < 2; ++i) {
    nodes.push_back(test::Node([=, far = cluster.options(), s = seen.get()] {
      typename TestType::Store store(far);
      using Cache = RenderCache<SlowRenderer, Text, typename TestType::Store>;
      Cache* whole = nullptr;
      // Page 0 includes page 1, and page 1 includes page 0; each node begins with another, and both are at it at the same time.
      const SlowRenderer includes{s, 0us, [&whole, s](const WikiKey& page) {
                                    test::wait_until([&] { return s->renders >= 2; });
                                    whole->get(key(page == key(0) ? 1 : 0), std::string("a"));
                                  }};
      Cache cache(includes, Text{}, store, in_cluster);
      whole = &cache;
      ++s->ready;
      test::wait_until([&] { return s->go.load(); });
      try {
        cache.get(key(i), std::string("a"));
        ++s->wrong;
      } catch (const RecursiveRender&) {
      }
    }));
  }
  const auto start = Clock::now();
  begin(seen.get(), nodes);
  for (auto& each : nodes) CHECK(each.ended_well());
  CHECK(Clock::now() - start < 1min);
  CHECK(seen->wrong == 0);
  CHECK(cluster.leases() == 0);
}

TEMPLATE_TEST_CASE("once across nodes: without leases each node renders for itself", "", OnPostgres, OnSqlite) {
  TestType cluster;
  test::Shared<Counted> seen;
  std::vector<test::Node> nodes;
  for (int i = 0; i < 3; ++i) {
    nodes.push_back(node(cluster, seen.get(), {seen.get(), 1s}, {.single_flight = SingleFlight::process},
                         [](auto& cache) { in_threads(4, [&](int) { cache.get(key(1), std::string("a")); }); }));
  }
  begin(seen.get(), nodes);
  for (auto& each : nodes) CHECK(each.ended_well());
  CHECK(seen->renders == 3);
  CHECK(seen->leases == 0);
}

}  // namespace once_tests
