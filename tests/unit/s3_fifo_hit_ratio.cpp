// The hit ratio that S3-FIFO is chosen for, as MemoryStore shards it: against LRU, and against libCacheSim's S3-FIFO.
#include "../../benchmarks/tools/replay.hpp"

#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace s3_fifo_hit_ratio_tests {

using namespace render_cache::replay;

namespace {

double ratio(const Misses& misses, const Trace& trace) {
  return static_cast<double>(misses.count) / static_cast<double>(trace.requests.size());
}

std::string cloudphysics() {
  const char* data = std::getenv("RENDER_CACHE_DATA");
  return std::string(data != nullptr ? data : RENDER_CACHE_SOURCE_DIR "/../shared/data") + "/traces/cloudphysics.csv";
}

}  // namespace

TEST_CASE("S3-FIFO misses clearly less than LRU on Zipf traces with a scan", "[s3_fifo]") {
  for (const double alpha : {0.7, 0.9, 1.1}) {
    const auto trace = zipf_with_scan(alpha, 30'000, 300'000);
    for (const double share : {0.01, 0.05, 0.1, 0.2}) {
      const auto capacity = static_cast<std::uint64_t>(static_cast<double>(trace.bytes) * share);
      const double lru = ratio(list_misses(trace, capacity, true), trace);
      const double belady = ratio(belady_misses(trace, capacity), trace);
      for (const std::size_t shards : {1u, 16u}) {
        CAPTURE(alpha, share, shards, lru, belady);
        const double s3_fifo = ratio(s3_fifo_misses(trace, capacity, shards), trace);
        CHECK(s3_fifo < lru - 0.01);
        CHECK(s3_fifo > belady);
      }
    }
  }
}

TEST_CASE("S3-FIFO misses no more than libCacheSim's on a real trace", "[s3_fifo]") {
  if (!std::filesystem::exists(cloudphysics())) {
    WARN("skipped: no trace at " << cloudphysics() << " (RENDER_CACHE_DATA names the folder)");
    return;
  }
  struct Reference {
    std::uint64_t capacity;
    double misses;
  };
  constexpr std::uint64_t mib = 1 << 20;
  const auto check = [](const Trace& trace, const Reference& reference) {
    CAPTURE(reference.capacity);
    CHECK(ratio(s3_fifo_misses(trace, reference.capacity, 1), trace) <= reference.misses + 0.005);
    CHECK(ratio(s3_fifo_misses(trace, reference.capacity, default_shards(trace, reference.capacity)), trace) <=
          reference.misses + 0.01);
  };
  const auto by_bytes = read_trace(cloudphysics());
  const auto by_objects = by_bytes.of_equal_objects();
  for (const Reference reference : {Reference{2448, 0.8026}, {4897, 0.7525}, {9794, 0.6780}}) check(by_objects, reference);
  for (const Reference reference : {Reference{38 * mib, 0.8192}, {96 * mib, 0.8031}, {193 * mib, 0.7356}})
    check(by_bytes, reference);
}

TEST_CASE("cost-aware eviction spends clearly less on rendering where costs are heavy-tailed", "[s3_fifo]") {
  auto trace = zipf_with_scan(0.9, 30'000, 300'000);
  trace.costs = heavy_tailed_costs(trace.objects);
  for (const double share : {0.01, 0.05, 0.2}) {
    const auto capacity = static_cast<std::uint64_t>(static_cast<double>(trace.bytes) * share);
    const auto by_use = s3_fifo_misses(trace, capacity, 1);
    const auto by_cost = s3_fifo_misses(trace, capacity, 1, render_cache::Evict::cost_aware);
    CAPTURE(share, by_use.count, by_use.seconds, by_cost.count, by_cost.seconds);
    CHECK(by_cost.seconds < 0.95 * by_use.seconds);
    CHECK(ratio(by_cost, trace) < ratio(by_use, trace) + 0.03);
  }
}

}  // namespace s3_fifo_hit_ratio_tests
