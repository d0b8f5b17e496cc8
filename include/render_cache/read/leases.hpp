// One render among all processes that share a store: who renders holds a lease meanwhile, and the others wait for what he brings.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/store.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/read/options.hpp>
#include <render_cache/read/periodic_task.hpp>
#include <render_cache/read/stats.hpp>
#include <render_cache/read/store_access.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <new>
#include <optional>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace render_cache::detail {

/// The leases of one cache. Whatever becomes of them, no answer is wrong and no render is refused: a store that fails gives none, and
/// who has waited too long renders without one. All members may be called from any thread.
template <class Store, class Observer>
class Leases {
  using Clock = std::chrono::steady_clock;

 public:
  using key_type = typename Store::key_type;

  /// Throws std::invalid_argument for options that cannot be kept.
  Leases(StoreAccess<Store, Observer>& store, const CacheOptions& options)
      : store_(store), single_flight_(options.single_flight), lease_above_(bounded(options.lease_above)),
        time_(bounded(options.lease_time)), renewal_(time_ / 3, [this](const std::stop_token&) { return renew(); }) {
    if (single_flight_ == SingleFlight::cluster && !HasLeases<Store>) {
      throw std::invalid_argument("SingleFlight::cluster needs a store that keeps leases: one in PostgreSQL or SQLite");
    }
    if (time_ < std::chrono::milliseconds(100)) {
      throw std::invalid_argument("CacheOptions::lease_time must be 100 ms at least: a lease is renewed each third of it");
    }
  }

  /// A lease that was granted. It is given back when this is destroyed.
  class Lease {
   public:
    Lease(Leases& leases, const key_type& key, const Fingerprint& fingerprint) : leases_(leases), of_{key, fingerprint} {
      leases_.keep_alive(*this);
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { leases_.release(*this); }

   private:
    friend Leases;
    Leases& leases_;
    const Query<key_type> of_;
  };

  /// Makes `lease` for a render that is expected to take so long, if that is worth one; waits while another process has it, but not
  /// beyond `until`, nor once `may_wait()` says no. `finished()` looks whether the other's render is stored, and is asked once more
  /// before a lease is used: the other may have ended since.
  template <class MayWait, class Finished>
  void acquire(std::optional<Lease>& lease, const key_type& key, const Fingerprint& fingerprint,
               std::optional<std::chrono::nanoseconds> expected, Clock::time_point until, MayWait&& may_wait,
               Finished&& finished) {
    if constexpr (HasLeases<Store>) {
      if (single_flight_ == SingleFlight::process) return;
      if (single_flight_ == SingleFlight::automatic && expected && *expected < lease_above_) return;
      const auto longest = std::clamp<Clock::duration>(expected.value_or(std::chrono::milliseconds(500)) / 10,
                                                       std::chrono::milliseconds(5), std::chrono::seconds(1));
      Clock::duration pause = std::chrono::milliseconds(5);
      for (bool waits = false;;) {
        typename StoreAccess<Store, Observer>::Failure failure;
        auto answer = LeaseAnswer::none;
        const auto ask = [&]<class Asked>(Asked& store) {
          if constexpr (HasLeases<Asked>) answer = store.acquire_lease(key, fingerprint, owner_, time_);
          return answer != LeaseAnswer::none;
        };
        store_.ask(ask, failure);  // a near part, which is asked while the rest is away, keeps none
        if (answer == LeaseAnswer::granted) {
          lease.emplace(*this, key, fingerprint);
          counts_.add(granted);
          if (finished()) counts_.add(rendered_elsewhere);
          return;
        }
        if (answer == LeaseAnswer::none || Clock::now() + pause > until || !may_wait()) return counts_.add(missing);
        if (!std::exchange(waits, true)) counts_.add(waited);
        std::this_thread::sleep_for(jittered(pause));
        if (finished()) return counts_.add(rendered_elsewhere);
        pause = std::min(pause * 3 / 2, longest);
      }
    }
  }

  void add_to(CacheStats& stats) const noexcept {
    stats.leases = counts_.sum(granted);
    stats.leases_waited = counts_.sum(waited);
    stats.leases_missing = counts_.sum(missing);
    stats.rendered_elsewhere = counts_.sum(rendered_elsewhere);
  }

 private:
  enum Counter : std::size_t { granted, waited, missing, rendered_elsewhere, counters };

  void keep_alive(const Lease& lease) {
    const std::lock_guard lock(mutex_);
    held_.push_back(&lease);
    try {
      renewal_.begin();
    } catch (const std::system_error&) {  // no thread to be had: the lease ends by itself
    }
  }

  /// Whether there was a lease to renew. Without memory for it nothing is renewed this time.
  [[gnu::cold]] bool renew() noexcept {
    std::vector<Query<key_type>> held;
    try {
      const std::lock_guard lock(mutex_);
      if (held_.empty()) return false;
      for (const auto* lease : held_) held.push_back(lease->of_);
    } catch (const std::bad_alloc&) {
      return true;
    }
    tell([&](auto& store) { store.renew_leases(held, owner_, time_); });
    return true;
  }

  /// A flight that followed an erase may hold the same: the last one gives it back.
  void release(const Lease& lease) {
    const auto& [key, fingerprint] = lease.of_;
    {
      const std::lock_guard lock(mutex_);
      std::erase(held_, &lease);
      for (const auto* other : held_) {
        if (other->of_.key == key && other->of_.fingerprint == fingerprint) return;
      }
    }
    tell([&](auto& store) { store.release_lease(key, fingerprint, owner_); });
  }

  /// Whether the store hears it changes no answer: it counts its failures.
  template <class Call>
  void tell(Call&& call) noexcept {
    if constexpr (HasLeases<Store>) {
      typename StoreAccess<Store, Observer>::Failure failure;
      try {
        const auto ask = [&]<class Asked>(Asked& store) {
          if constexpr (HasLeases<Asked>) call(store);
          return HasLeases<Asked>;
        };
        store_.ask(ask, failure);
      } catch (...) {
      }
    }
  }

  /// `milliseconds::max()` would overflow the clock.
  static std::chrono::milliseconds bounded(std::chrono::milliseconds time) {
    return std::clamp<std::chrono::milliseconds>(time, std::chrono::milliseconds::zero(), std::chrono::years(100));
  }

  static Clock::duration jittered(Clock::duration pause) {
    thread_local std::minstd_rand random(static_cast<std::minstd_rand::result_type>(random_seed()));
    return pause + pause * static_cast<int>(random() % 128) / 256;
  }

  StoreAccess<Store, Observer>& store_;
  const SingleFlight single_flight_;
  const std::chrono::milliseconds lease_above_, time_;
  const std::string owner_ = std::to_string(random_seed()) + "-" + std::to_string(random_seed());
  StripedCounters<counters> counts_;
  std::mutex mutex_;
  std::vector<const Lease*> held_;
  PeriodicTask renewal_;  // of all leases. Last: it uses all the rest
};

}  // namespace render_cache::detail
