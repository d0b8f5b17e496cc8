// Usage: cluster sqlite:FILE|postgres:CONNINFO
//
// What leases save and what they cost: nodes, each a process, ask for the same keys in the same order at the same time: first cold
// ones alone, then a mix in which nine reads of ten are hits. A render sleeps, as one does that waits for a disk, a network or
// another program. Prints a row for each cost of a render and number of nodes, separated by tabs: hits in percent, cost in ms, nodes,
// reads of each, then without and with leases: renders, seconds of the slowest node; and the microseconds that a lease adds to a
// render where nobody else is there.
#include <render_cache/render_cache.hpp>
#include <render_cache/store/postgres.hpp>
#include <render_cache/store/sqlite.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "cluster/node.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace render_cache;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Tally {
  std::atomic<int> ready{0}, renders{0};
  std::atomic<bool> go{false};
  std::atomic<std::int64_t> slowest{0};  // ns
};

struct Text {
  [[nodiscard]] Fingerprint components(const std::string& source) const { return Fingerprint().add("text", source); }
};

struct Sleeper {
  Tally* seen;
  milliseconds takes;
  [[nodiscard]] std::string version() const { return "1"; }
  [[nodiscard]] WikiPage render(const WikiKey&, const std::string& source) const {
    ++seen->renders;
    std::this_thread::sleep_for(takes);
    return {source, {"{}"}};
  }
};

/// What each node reads.
struct Reads {
  int number;
  bool mixed;  ///< nine of ten are of pages that are stored
  [[nodiscard]] WikiKey key(int read) const {
    constexpr int stored = 100;
    return {"bench", mixed && read % 10 != 0 ? "stored " + std::to_string(read % stored) : std::to_string(read)};
  }
};

struct Run {
  int renders;
  double seconds;
};

template <class Store, class Options>
Run run(const Options& options, int nodes, milliseconds cost, Reads reads, SingleFlight single_flight) {
  test::Shared<Tally> seen;
  {
    Store store(options);
    store.erase_group("bench");
    RenderCache cache(Sleeper{seen.get(), milliseconds(0)}, Text{}, store);
    for (int read = 0; reads.mixed && read < reads.number; ++read) {
      if (read % 10 != 0) cache.get(reads.key(read), std::string("text"));
    }
    seen->renders = 0;
  }
  std::vector<test::Node> running;
  for (int node = 0; node < nodes; ++node) {
    running.emplace_back([&, s = seen.get()] {
      Store store(options);
      RenderCache cache(Sleeper{s, cost}, Text{}, store, {.single_flight = single_flight});
      store.lookup({"bench", "warm"}, Fingerprint().add("text", "warm"));
      ++s->ready;
      test::wait_until([&] { return s->go.load(); });
      const auto start = Clock::now();
      for (int read = 0; read < reads.number; ++read) cache.get(reads.key(read), std::string("text"));
      const std::int64_t took = (Clock::now() - start).count();
      for (auto slowest = s->slowest.load(); slowest < took && !s->slowest.compare_exchange_weak(slowest, took);) {
      }
    });
  }
  test::wait_until([&] { return seen->ready == nodes; });
  seen->go = true;
  for (auto& node : running) {
    if (!node.ended_well()) throw std::runtime_error("a node has failed");
  }
  return {seen->renders, static_cast<double>(seen->slowest) / 1e9};
}

template <class Store, class Options>
void measure(const Options& options) {
  constexpr int alone_keys = 300;
  const auto alone = [&](SingleFlight single_flight) {
    return run<Store>(options, 1, milliseconds(0), {alone_keys, false}, single_flight).seconds / alone_keys * 1e6;
  };
  alone(SingleFlight::cluster);
  const double lease_us = alone(SingleFlight::cluster) - alone(SingleFlight::process);
  const auto compare = [&](milliseconds cost, int nodes, Reads reads) {
    const auto without = run<Store>(options, nodes, cost, reads, SingleFlight::process);
    const auto with = run<Store>(options, nodes, cost, reads, SingleFlight::cluster);
    std::printf("%d\t%d\t%d\t%d\t%d\t%.2f\t%d\t%.2f\t%.0f\n", reads.mixed ? 90 : 0, static_cast<int>(cost.count()), nodes,
                reads.number, without.renders, without.seconds, with.renders, with.seconds, lease_us);
  };
  for (const int cost : {1, 10, 100, 1000}) {
    const int keys = cost == 1 ? 500 : cost == 10 ? 200 : cost == 100 ? 30 : 5;
    for (const int nodes : {2, 4}) compare(milliseconds(cost), nodes, {keys, false});
  }
  for (const int cost : {1, 10, 100}) {
    const int reads = cost == 100 ? 300 : 2000;
    for (const int nodes : {1, 2, 4}) compare(milliseconds(cost), nodes, {reads, true});
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string_view store = argc == 2 ? argv[1] : "";
  if (store.starts_with("sqlite:")) {
    measure<SqliteStore<WikiSchema>>(
        SqliteOptions{.path = std::string(store.substr(7)), .migrations = wiki_migrations<SqliteDialect>()});
  } else if (store.starts_with("postgres:")) {
    measure<PostgresStore<WikiSchema>>(
        PostgresOptions{.conninfo = std::string(store.substr(9)), .migrations = wiki_migrations<PostgresDialect>()});
  } else {
    std::fprintf(stderr, "usage: cluster sqlite:FILE|postgres:CONNINFO\n");
    return 2;
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "cluster: %s\n", error.what());
  return 1;
}
