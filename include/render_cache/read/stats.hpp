// What a cache counts.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/miss.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace render_cache {

/// A moment's numbers since the cache was made. Each is exact; together they are not one instant's.
struct CacheStats {
  std::uint64_t hits = 0;       ///< reads answered by the store, verified
  std::uint64_t near_hits = 0;  ///< of these, from this process's memory
  std::array<std::uint64_t, miss_reasons> misses{};  ///< by reason; indexed by Miss, [0] unused
  std::uint64_t renders = 0;    ///< renderer calls that ended well
  std::uint64_t render_failures = 0;      ///< renderer calls that threw
  std::uint64_t failures_remembered = 0;  ///< reads answered by a remembered failure, without a render
  std::uint64_t shared = 0;     ///< reads that waited for another's render
  std::uint64_t stale = 0;      ///< reads answered by an older value, where the caller allowed it
  std::uint64_t moved = 0;      ///< renders not stored since the source changed meanwhile
  std::uint64_t leases = 0;         ///< leases that were granted
  std::uint64_t leases_waited = 0;  ///< waits for a lease that another process had
  std::uint64_t leases_missing = 0;  ///< renders that should have a lease and have none: the store gave none, or not in time
  std::uint64_t rendered_elsewhere = 0;  ///< renders saved, since another process had just ended the same
  std::uint64_t published = 0;  ///< entries that a store took
  std::uint64_t publish_conflicts = 0;  ///< renders not stored since another process has stored or erased something meanwhile
  std::uint64_t owed = 0;         ///< entries that are kept to be stored when the store is back, at the moment
  std::uint64_t owed_stored = 0;  ///< of those, in the store again: put there, or found
  std::uint64_t owed_dropped = 0;  ///< given up: the source moved, something newer was stored, they were erased, or had no room
  std::uint64_t store_unavailable = 0;  ///< StoreUnavailable that was survived
  std::uint64_t store_full = 0;  ///< StoreFull that was survived
  std::uint64_t store_refused = 0;  ///< values a store cannot hold
  std::uint64_t store_forbidden = 0;  ///< StoreForbidden that was survived: a store that is only read takes no render
  std::uint64_t store_other = 0;  ///< other store errors that were survived
  std::uint64_t store_skipped = 0;  ///< calls not made while an unavailable store was left alone
  std::uint64_t render_nanoseconds = 0;  ///< spent in the renderer, all threads together
  bool store_available = true;  ///< false while an unavailable store is left alone

  /// The misses of one reason.
  [[nodiscard]] std::uint64_t misses_for(Miss reason) const noexcept { return misses[static_cast<std::size_t>(reason)]; }
};

namespace detail {

/// Counters that threads add to without sharing a cache line; a sum costs one read a stripe.
template <std::size_t Count>
class StripedCounters {
 public:
  void add(std::size_t counter, std::uint64_t amount = 1) noexcept {
    stripe().values[counter].fetch_add(amount, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t sum(std::size_t counter) const noexcept {
    std::uint64_t total = 0;
    for (const auto& each : stripes_) total += each.values[counter].load(std::memory_order_relaxed);
    return total;
  }

 private:
  struct alignas(128) Stripe {
    std::array<std::atomic<std::uint64_t>, Count> values{};
  };
  Stripe& stripe() noexcept {
    thread_local const char place = 0;  // an address of this thread's own: cheaper to come by than its id
    return stripes_[(reinterpret_cast<std::uintptr_t>(&place) * 0x9e3779b97f4a7c15u) >> 61];
  }
  std::array<Stripe, 8> stripes_{};
};

}  // namespace detail
}  // namespace render_cache
