// Traces, and what each eviction policy makes of them: the arithmetic behind replay.cpp and the hit-ratio tests.
// S3-FIFO here is the library's own header, sharded as MemoryStore shards it; the others are textbook versions.
#pragma once

#include <render_cache/entry/keys.hpp>
#include <render_cache/store/memory.hpp>

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <fstream>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace render_cache::replay {

struct Request {
  std::uint32_t object;  // 0, 1, 2 ... in the order of first appearance
  std::uint64_t weight;  // bytes, or 1 where every object counts the same
};

struct Trace {
  std::vector<Request> requests;
  std::uint32_t objects = 0;  // distinct ones
  std::uint64_t bytes = 0;    // of the distinct ones, as first requested
  std::vector<double> costs{};  // seconds to render each object; empty where that plays no part

  void request(std::uint32_t object, std::uint64_t weight) {
    if (object >= objects) {
      objects = object + 1;
      bytes += weight;
    }
    requests.push_back({object, weight});
  }

  /// The same requests where every object counts 1.
  [[nodiscard]] Trace of_equal_objects() const {
    Trace equal;
    equal.costs = costs;
    for (const auto& each : requests) equal.request(each.object, 1);
    return equal;
  }
};

/// Lines `id,bytes`; an id is any text, a first line that is no request is taken for the column names.
/// Throws std::runtime_error with the line's number.
inline Trace read_trace(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read the trace '" + path + "'");
  Trace trace;
  std::unordered_map<std::string, std::uint32_t> numbers;
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const auto comma = line.find(',');
    const std::string_view text = comma == line.npos ? std::string_view{} : std::string_view(line).substr(comma + 1);
    std::uint64_t bytes = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
      if (number == 1) continue;
      throw std::runtime_error(path + ":" + std::to_string(number) + ": expected 'id,bytes', found '" + line + "'");
    }
    const auto next = static_cast<std::uint32_t>(numbers.size());
    const auto object = numbers.try_emplace(line.substr(0, comma), next).first->second;
    trace.request(object, bytes == 0 ? 1 : bytes);
  }
  return trace;
}

/// Requests for `objects` objects of 1 to 32 KiB after Zipf's law with exponent `alpha`; from the middle third on
/// they are mixed one to one with a scan, each of whose objects is asked for once. The same on every machine.
inline Trace zipf_with_scan(double alpha, std::uint32_t objects, std::size_t length, std::uint64_t seed = 1) {
  std::vector<double> cumulative(objects);
  double sum = 0;
  for (std::uint32_t rank = 0; rank < objects; ++rank) cumulative[rank] = sum += std::pow(rank + 1.0, -alpha);
  std::mt19937_64 random(seed);
  const auto bytes_of = [](std::uint32_t id) { return 1024 + detail::hash_value(id, 7) % (31 * 1024); };

  std::vector<std::uint32_t> ids;  // ranks below `objects`, scanned objects above
  std::uint32_t scanned = objects;
  while (ids.size() < length) {
    const double point = static_cast<double>(random() >> 11) * 0x1p-53 * sum;
    const auto rank = std::lower_bound(cumulative.begin(), cumulative.end() - 1, point) - cumulative.begin();
    ids.push_back(static_cast<std::uint32_t>(rank));
    if (ids.size() > length / 3 && ids.size() < 2 * length / 3) ids.push_back(scanned++);
  }
  Trace trace;
  std::unordered_map<std::uint32_t, std::uint32_t> numbers;
  for (const auto id : ids) {
    const auto next = static_cast<std::uint32_t>(numbers.size());
    trace.request(numbers.try_emplace(id, next).first->second, bytes_of(id));
  }
  return trace;
}

/// What a policy failed to keep.
struct Misses {
  std::size_t count = 0;
  double seconds = 0;  // spent in rendering them

  void add(const Trace& trace, std::uint32_t object) {
    ++count;
    if (!trace.costs.empty()) seconds += trace.costs[object];
  }
};

/// Costs of 0.2 to 40 seconds after Pareto's law with exponent 0.8: most are cheap, and a few make up half of the whole.
/// They have nothing to do with size or popularity. The same on every machine.
inline std::vector<double> heavy_tailed_costs(std::uint32_t objects) {
  std::mt19937_64 random(5);
  std::vector<double> costs(objects);
  for (auto& cost : costs) cost = std::min(40.0, 0.2 * std::pow(1 - static_cast<double>(random() >> 11) * 0x1p-53, -1 / 0.8));
  return costs;
}

/// The shards that a MemoryStore has by default if it holds as much of this trace.
inline std::size_t default_shards(const Trace& trace, std::uint64_t capacity) {
  const bool equal = trace.bytes == trace.objects;  // every object counts 1, and stands for a page of 40 KiB
  return render_cache::default_shards(equal ? capacity * 40 * 1024 : capacity);
}

/// Misses of a policy: `capacity` in the weights' unit.
inline Misses s3_fifo_misses(const Trace& trace, std::uint64_t capacity, std::size_t shards, Evict evict = Evict::s3_fifo) {
  struct Cached : S3Fifo::Object {
    Cached(std::uint32_t number, std::uint64_t hash, std::uint64_t weight) : Object(hash, weight), object(number) {}
    std::uint32_t object;
  };
  std::deque<S3Fifo> policies;
  std::vector<detail::CostScale> scales(shards);
  for (std::size_t i = 0; i < shards; ++i) policies.emplace_back(capacity / shards);
  std::vector<std::unique_ptr<Cached>> cached(trace.objects);
  const auto evicted = [&](S3Fifo::Object& t) { cached[static_cast<Cached&>(t).object].reset(); };

  Misses misses;
  for (const auto& [object, weight] : trace.requests) {
    if (cached[object]) {
      S3Fifo::read(*cached[object]);
      continue;
    }
    misses.add(trace, object);
    const auto hash = detail::hash_value(object, 0);
    const auto shard = shards == 1 ? 0 : hash >> (64 - std::bit_width(shards - 1));
    auto& policy = policies[shard];
    if (!policy.admits(weight)) continue;
    auto x = std::make_unique<Cached>(object, hash, weight);
    std::optional<std::chrono::nanoseconds> cost;
    if (evict == Evict::cost_aware) cost = std::chrono::nanoseconds(static_cast<std::int64_t>(trace.costs.at(object) * 1e9));
    policy.insert(*x, evicted, scales[shard].first_freq(cost, weight));
    cached[object] = std::move(x);
  }
  return misses;
}

/// FIFO, and LRU where a hit moves an object back to the head.
inline Misses list_misses(const Trace& trace, std::uint64_t capacity, bool moves_on_hit) {
  std::list<Request> queue;
  std::vector<std::optional<std::list<Request>::iterator>> places(trace.objects);
  std::uint64_t size = 0;
  Misses misses;
  for (const auto& request : trace.requests) {
    auto& place = places[request.object];
    if (place) {
      if (moves_on_hit) queue.splice(queue.begin(), queue, *place);
      continue;
    }
    misses.add(trace, request.object);
    if (request.weight > capacity) continue;
    while (size + request.weight > capacity) {
      size -= queue.back().weight;
      places[queue.back().object].reset();
      queue.pop_back();
    }
    queue.push_front(request);
    size += request.weight;
    place = queue.begin();
  }
  return misses;
}

/// Belady's MIN: what is needed last leaves first, the new object included. The bound for objects of one size; for
/// bytes a very good policy with knowledge of the future.
inline Misses belady_misses(const Trace& trace, std::uint64_t capacity) {
  constexpr auto never = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> next(trace.requests.size()), seen(trace.objects, never);
  for (std::size_t i = trace.requests.size(); i-- > 0;) {
    next[i] = std::exchange(seen[trace.requests[i].object], i);
  }
  std::set<std::pair<std::size_t, std::uint32_t>> by_next_use;
  std::vector<std::uint64_t> cached(trace.objects, 0);  // the weight; 0: not cached
  std::uint64_t size = 0;
  Misses misses;
  for (std::size_t i = 0; i < trace.requests.size(); ++i) {
    const auto& [object, weight] = trace.requests[i];
    if (cached[object] != 0) {
      by_next_use.erase({i, object});
    } else {
      misses.add(trace, object);
      cached[object] = weight;
      size += weight;
    }
    by_next_use.emplace(next[i], object);
    while (size > capacity) {
      const auto last = std::prev(by_next_use.end());
      size -= std::exchange(cached[last->second], 0);
      by_next_use.erase(last);
    }
  }
  return misses;
}

}  // namespace render_cache::replay
