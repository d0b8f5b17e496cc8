// Histories of several processes on one database: each writes its own, and all of them together are checked.
#include <render_cache/laws/history_check.hpp>

#include "cluster/node.hpp"
#include "cluster/stores.hpp"
#include "support/catch.hpp"
#include "support/numbers.hpp"

#include <render_cache/store/memory.hpp>
#include <render_cache/store/tiered.hpp>

#include <atomic>
#include <chrono>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <signal.h>

namespace history_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using test::OnPostgres;
using test::OnSqlite;

namespace {

struct World {
  test::Sources sources{};
  std::atomic<int> ready{0}, reads{0};
  std::atomic<bool> go{false}, over{false};
};

/// Two threads read until the end, and may erase.
void live(World& world, laws::Log& log, auto& store, unsigned seed, bool erases) {
  const CacheOptions options{.single_flight = SingleFlight::cluster, .lease_time = 200ms, .store_pause = 1ms};
  const auto takes = [](const WikiKey&) { std::this_thread::sleep_for(1ms); };
  RenderCache cache(test::NumberRenderer{&log, takes}, test::Freezable{}, store, options);
  ++world.ready;
  test::wait_until([&] { return world.go.load(); });
  const auto work = [&](unsigned of) {
    std::mt19937 random(of);
    while (!world.over) {
      const auto page = random() % test::pages;
      try {
        if (erases && random() % 500 == 0) {
          log.erase(test::name_of(page), [&] { return cache.erase(test::key_of(page)); });
        }
      } catch (const StoreError&) {
      }
      test::read(log, cache, world.sources, page);
      ++world.reads;
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 100));
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < 2; ++i) threads.emplace_back(work, seed + i);
}

}  // namespace

TEMPLATE_TEST_CASE("history of three processes, of which one stands still for longer than its leases last", "", OnPostgres,
                   OnSqlite) {
  const bool faulty = GENERATE(false, true);
  const unsigned seed = std::random_device{}();
  TestType cluster;
  test::TemporaryDirectory files;
  test::Shared<World> world;
  const auto file = [&](unsigned node) { return files / ("history of node " + std::to_string(node)); };

  std::vector<test::Node> nodes;
  for (unsigned node = 0; node < 3; ++node) {
    nodes.emplace_back([&, node, world = world.get()] {
      laws::Log log(file(node));
      typename TestType::Store database(cluster.options());
      laws::RecordedStore recorded(database, log);
      const laws::Faults faults{.delays = 20, .errors = 10, .lost = 50, .duplicated = 50, .reordered = 50, .stale = 50};
      laws::FaultyStore far(recorded, faulty ? faults : laws::Faults{}, seed + node);
      MemoryStore<WikiSchema> near;
      TieredStore tiers(near, far);
      live(*world, log, tiers, seed + 10 * node, node == 0 && !faulty);
    });
  }

  laws::Log log(file(3));
  for (std::size_t page = 0; page < test::pages; ++page) log.edit(test::name_of(page), test::state(0));
  test::wait_until([&] { return world->ready == 3; });
  world->go = true;
  std::mt19937 random(seed);
  for (int step = 0; step < 100 || world->reads < 2000; ++step) {
    if (step == 30) nodes[1].send(SIGSTOP);
    if (step == 60) nodes[1].send(SIGCONT);
    test::edit(log, world->sources, random() % test::pages);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
  }
  world->over = true;
  for (auto& node : nodes) CHECK(node.ended_well());

  laws::History history;
  for (unsigned node = 0; node < 4; ++node) {
    std::ifstream events(file(node));
    history.read(events);
  }
  const auto verdict = check(history, {.keeps = !faulty, .erases = !faulty, .once = !faulty});
  INFO("seed " << seed << ": " << verdict.text());
  CHECK(verdict);
  CHECK(verdict.reads > 1000);
  CHECK(verdict.hits > 100);
  CHECK(verdict.publishes > 10);
}

}  // namespace history_tests
