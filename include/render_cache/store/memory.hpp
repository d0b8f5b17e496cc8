// The memory store: bounded by bytes, the best hit ratio for them, and a hit that costs some 25 ns.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/observer.hpp>
#include <render_cache/concepts/store.hpp>
#include <render_cache/store/memory/shard.hpp>

#include <boost/hana/accessors.hpp>
#include <boost/hana/second.hpp>
#include <boost/hana/unpack.hpp>

#include <algorithm>
#include <bit>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

namespace render_cache {

namespace detail {

template <Described A, Described B>
bool members_equal(const A& a, const B& b) {
  namespace hana = boost::hana;
  return hana::unpack(hana::accessors<A>(), [&](const auto&... of_a) {
    return hana::unpack(hana::accessors<B>(),
                        [&](const auto&... of_b) { return (... && (hana::second(of_a)(a) == hana::second(of_b)(b))); });
  });
}

/// Whether a value is, or has as a member or element, what only refers to memory of somebody else.
template <class T>
consteval bool refers_in() {
  if constexpr (Optional<T>::value) {
    return refers_in<typename Optional<T>::content>();
  } else if constexpr (std::is_pointer_v<T> || std::ranges::view<T> || std::is_same_v<T, std::nullptr_t>) {
    return true;
  } else if constexpr (Described<T>) {
    return !every_member<T>([]<class Member>(std::type_identity<Member>) { return !refers_in<Member>(); });
  } else if constexpr (std::ranges::range<T>) {
    using Element = std::remove_cvref_t<std::ranges::range_reference_t<T>>;
    if constexpr (!std::same_as<Element, T>) return refers_in<Element>();  // a path's elements are paths
    return false;
  } else {
    return false;
  }
}

template <class S, class O>
consteval bool check_memory_schema() {
  if constexpr (!requires {
                  typename S::key_type;
                  typename S::value_type;
                }) {
    RENDER_CACHE_MISTAKE("a MemoryStore takes a struct that names its types: `using key_type = ...; using value_type = ...;`");
  } else if constexpr (!Key<typename S::key_type>) {
    check_key_type<typename S::key_type>();
  } else if constexpr (refers_in<typename S::value_type>()) {
    RENDER_CACHE_MISTAKE("a value in memory outlives what views and raw pointers lead to: own it, by std::string or std::vector");
  } else if constexpr (!has_weight<typename S::value_type>()) {
    RENDER_CACHE_MISTAKE(
        "what a value in memory weighs is not known: specialise render_cache::MemberTraits for its type (or a member of it) with "
        "static std::size_t heap_bytes(const T&), or describe the struct to Boost.Hana");
  } else {
    check_key_type<typename S::key_type>();
    check_observer<O, typename S::key_type>();
  }
  return true;
}

}  // namespace detail

/// How many shards a store of that capacity has unless told otherwise.
constexpr std::size_t default_shards(std::size_t capacity) noexcept {
  return std::bit_floor(std::clamp<std::size_t>(capacity >> 22, 1, 16));
}

/// How much a MemoryStore holds.
struct MemoryOptions {
  /// Bytes for all entries together: keys, values, fingerprints, bookkeeping, and what malloc loses between them. Resident
  /// memory stays below 1.15 times that with up to four publishing threads; for more see docs/memory.md.
  std::size_t capacity = std::size_t{64} << 20;
  /// Parts with a lock each, rounded up to a power of two. 0: up to 16, while each has at least 4 MiB. An entry may weigh
  /// at most a quarter of a shard, so few shards suit a small capacity with big values.
  std::size_t shards = 0;
  /// For the hash of keys. Random unless given, so that an author who chooses keys cannot make them collide.
  std::optional<std::uint64_t> seed{};
};

/// Keeps entries in this process within a number of bytes; S3-FIFO (s3_fifo.hpp) decides which, alone or with their render
/// costs in mind (cost_scale.hpp). Never blocks on anything but its own short sections, in which no value is destroyed and no
/// function of the caller runs but the key's ==. A hit allocates nothing, and writes to no cache line that readers on other
/// processors use: they do not slow each other down, even on one and the same entry.
///
/// An entry of more than a quarter of a shard is refused: `publish` then removes what was stored for its key and counts it
/// (`too_large`). All members may be called from many threads at once. `Schema` gives `key_type` and `value_type`. `Observer` is
/// told of evictions, with no lock held: concepts/observer.hpp.
template <class Schema, Evict evict = Evict::s3_fifo, class Observer = NoObserver>
class MemoryStore {
  static_assert(detail::check_memory_schema<Schema, Observer>());

 public:
  using key_type = typename Schema::key_type;
  using value_type = typename Schema::value_type;

  explicit MemoryStore(const MemoryOptions& options = {}, Observer observer = {})
      : observer_(std::move(observer)), seed_(options.seed ? *options.seed : detail::random_seed()),
        shard_bits_(bits_for(options)), shards_(std::size_t{1} << shard_bits_) {
    set_capacity(options.capacity);
  }

  /// No copies. Not merely deleted: GCC would find `MemoryStore<S> store({})` ambiguous, for it could be a copy of a default one.
  MemoryStore(const MemoryStore&)
    requires false
  = delete;

  Lookup<value_type> lookup(const key_type& key, const Fingerprint& fingerprint) { return lookup_as(key, fingerprint); }

  /// Looks up without making a key: `view` is any described struct whose members compare to the key's in order, such as
  /// the same fields as std::string_view.
  template <Described View>
  Lookup<value_type> lookup(const View& view, const Fingerprint& fingerprint) {
    return lookup_as(view, fingerprint);
  }

  /// This store is as near as can be.
  MemoryStore& near() noexcept { return *this; }

  /// What is stored, whatever its fingerprint. Age counts from `rendered_at` by this machine's clock.
  std::optional<Aged<value_type>> lookup_stale(const key_type& key) {
    const auto hash = hash_key(key, seed_);
    auto entry = shard(hash).peek(hash, is(key));
    if (!entry) return std::nullopt;
    const auto now = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    const auto age = std::max(now - entry->rendered_at, std::chrono::microseconds::zero());
    return Aged<value_type>{std::move(entry), age};
  }

  void publish(const key_type& key, EntryPtr<value_type> entry) {
    const auto hash = hash_key(key, seed_);
    auto& into = shard(hash);
    into.publish(into.make_node(hash, key, std::move(entry)), observer_);
  }

  bool erase(const key_type& key) {
    const auto hash = hash_key(key, seed_);
    return shard(hash).erase(hash, is(key));
  }

  /// Asks every key, shard by shard and a few at a time. What was published before the call is gone after it; what is
  /// published during it may stay.
  std::size_t erase_group(const group_t<key_type>& group) {
    std::size_t erased = 0;
    for (auto& each : shards_) erased += each.erase_all([&](const key_type& key) { return group_of(key) == group; });
    return erased;
  }

  /// `keep` is called with no lock held.
  PruneReport prune(const KeepPredicate<key_type>& keep, const PruneOptions& options);

  /// In bytes, for all shards together; takes effect at once, shard by shard. Their number stays.
  void set_capacity(std::size_t bytes) {
    for (auto& each : shards_) each.set_capacity(bytes >> shard_bits_, observer_);
  }

  /// The moment's numbers, of all shards.
  [[nodiscard]] MemoryStats stats() const {
    MemoryStats stats;
    for (const auto& each : shards_) each.add_to(stats);
    return stats;
  }

  /// What is told of evictions.
  [[nodiscard]] const Observer& observer() const noexcept { return observer_; }
  /// How many parts there are.
  [[nodiscard]] std::size_t shards() const noexcept { return shards_.size(); }
  /// What an entry counts against the capacity, in bytes.
  [[nodiscard]] std::size_t weight(const key_type& key, const Entry<value_type>& entry) const noexcept {
    return shards_.front().weight(key, entry);
  }

 private:
  using Shard = detail::MemoryShard<key_type, value_type, evict>;
  using Node = typename Shard::Node;

  static unsigned bits_for(const MemoryOptions& options) noexcept {
    const auto shards = options.shards != 0 ? options.shards : default_shards(options.capacity);
    return static_cast<unsigned>(std::bit_width(std::bit_ceil(shards) - 1));
  }

  /// The table takes the hash's low bits, so the shard is chosen by the high ones.
  Shard& shard(std::uint64_t hash) noexcept { return shards_[shard_bits_ == 0 ? 0 : hash >> (64 - shard_bits_)]; }

  template <class View>
  static auto is(const View& view) noexcept {
    return [&view](const Node& node) {
      if constexpr (std::same_as<View, key_type>) {
        return node.key == view;
      } else {
        return detail::members_equal(node.key, view);
      }
    };
  }

  template <class View>
  Lookup<value_type> lookup_as(const View& view, const Fingerprint& fingerprint) {
    const auto hash = hash_key(view, seed_);
    return shard(hash).lookup(hash, is(view), fingerprint);
  }

  [[no_unique_address]] const Observer observer_;
  const std::uint64_t seed_;
  const unsigned shard_bits_;
  std::vector<Shard> shards_;
};

template <class Schema, Evict evict, class Observer>
PruneReport MemoryStore<Schema, evict, Observer>::prune(const KeepPredicate<key_type>& keep, const PruneOptions& options) {
  std::vector<std::uint64_t> publishes;  // of each shard, when the sweep starts
  for (auto& each : shards_) publishes.push_back(each.publishes());
  PruneReport report;
  struct Scanned {
    key_type key;
    std::uint64_t hash;
    bool newer;
  };
  std::vector<Scanned> seen;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    std::size_t bucket = 0;
    do {
      if (options.stop.stop_requested()) {
        report.stopped = true;
        return report;
      }
      seen.clear();
      do {
        bucket = shards_[i].scan(bucket, [&](const Node& node) {
          seen.push_back({node.key, node.hash(), node.published > publishes[i]});
        });
      } while (bucket != 0 && seen.size() < options.batch);
      for (const auto& [key, hash, newer] : seen) {
        ++report.examined;
        if (keep(key)) continue;
        const bool removed = !newer && (options.dry_run || shards_[i].erase(hash, is(key), publishes[i]));
        if (removed) {
          ++report.removed;
        } else if (newer || shards_[i].peek(hash, is(key))) {  // else somebody has erased it meanwhile
          ++report.kept_newer;
        }
      }
      if (options.progress && !seen.empty()) options.progress(report);
    } while (bucket != 0);
  }
  return report;
}

}  // namespace render_cache
