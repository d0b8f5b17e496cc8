// Single flight: one render in progress per (key, fingerprint), shared by all who ask for it.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/entry.hpp>
#include <render_cache/entry/error.hpp>
#include <render_cache/entry/keys.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace render_cache {

/// What a flight brought. Neither entry nor error: the source had moved on before it could be rendered.
template <class Value>
struct Landing {
  EntryPtr<Value> entry{};
  std::exception_ptr error{};
  bool rendered = false;     ///< else the entry was found in the store after all
  bool stored = false;
  std::string detail{};        ///< why it was not stored
};

/// One render in progress.
template <class Key, class Value>
struct Flight {
  const Key key;
  const Fingerprint fingerprint;
  const std::uint64_t number;  ///< in order of departure
  const bool renders;          ///< renders whatever is stored: only such a flight serves a caller who insists on that
  std::atomic<bool> erased{false};  ///< its key was erased meanwhile: what it brings must not stay stored

  std::thread::id leader{};            // these are guarded by the registry's mutex
  std::optional<Landing<Value>> landing{};  // final once it is there, and then read without the mutex
  std::condition_variable arrival{};
};

/// The flights of one cache. All members may be called from any thread.
///
/// A wait that could never end is refused with `RecursiveRender`: each waiting thread has an edge to the leader of the
/// flight it waits for, a thread that works for another (`Crew`) is part of that one, and an edge that would
/// close a circle is a render that needs itself, on one thread or across several. A circle through two caches is not seen.
template <class Key, class Value>
class Flights {
 public:
  using FlightPtr = std::shared_ptr<Flight<Key, Value>>;

  struct Boarding {
    FlightPtr flight;
    bool leads = false;       ///< the caller sees to it that a thread leads and lands it, whatever happens
    bool look_again = false;  ///< a flight has landed since `ticket`: its entry may be in the store by now
  };

  /// Taken before a look-up and given to `board` after it.
  [[nodiscard]] std::uint64_t ticket() const noexcept { return landings_.load(std::memory_order_acquire); }
  /// The number that the next flight will have.
  [[nodiscard]] std::uint64_t next_number() const {
    const std::lock_guard lock(mutex_);
    return departures_;
  }

  /// Joins the flight of (key, fingerprint) or leads a new one. With `not_before` only a flight that renders and whose number is at
  /// least that is joined as it is; an older one is returned all the same, for the caller to wait out and board again.
  Boarding board(const Key& key, const Fingerprint& fingerprint, std::uint64_t ticket,
                 std::optional<std::uint64_t> not_before = {}) {
    const std::lock_guard lock(mutex_);
    auto& same_key = in_air_[key];
    for (const auto& flight : same_key) {
      if (is_part_of_leader(flight->leader)) refuse(key);
      // Of equal texts the unsettled one may stand for another state of the source.
      if (flight->fingerprint == fingerprint && flight->fingerprint.settled() == fingerprint.settled())
        return {flight, false, false};
    }
    auto flight = std::make_shared<Flight<Key, Value>>(key, fingerprint, departures_++, not_before.has_value());
    same_key.push_back(flight);
    return {std::move(flight), true, landings_.load(std::memory_order_relaxed) != ticket};
  }

  /// The calling thread is the one that renders; until then nobody is.
  void lead(Flight<Key, Value>& flight) {
    const std::lock_guard lock(mutex_);
    flight.leader = std::this_thread::get_id();
  }

  /// Ends the flight and wakes all who wait for it.
  void land(const FlightPtr& flight, Landing<Value> landing) {
    const std::lock_guard lock(mutex_);
    flight->landing = std::move(landing);
    const auto at = in_air_.find(flight->key);
    std::erase(at->second, flight);
    if (at->second.empty()) in_air_.erase(at);
    landings_.fetch_add(1, std::memory_order_release);
    flight->arrival.notify_all();
  }

  using Deadline = std::optional<std::chrono::steady_clock::time_point>;
  /// Waits until the flight has landed; false if the deadline came first.
  bool wait(const FlightPtr& flight, Deadline deadline = {}) {
    std::unique_lock lock(mutex_);
    if (flight->landing) return true;
    if (leads_back_here(flight->leader)) refuse(flight->key);
    const auto self = std::this_thread::get_id();
    waiting_[self] = flight.get();
    const auto has_landed = [&] { return flight->landing.has_value(); };
    bool arrived = true;
    if (deadline) {
      arrived = flight->arrival.wait_until(lock, *deadline, has_landed);
    } else {
      flight->arrival.wait(lock, has_landed);
    }
    waiting_.erase(self);
    return arrived;
  }

  /// What flights that match bring must not stay stored.
  template <class Matches>
  void mark_erased(Matches&& matches) {
    const std::lock_guard lock(mutex_);
    for (auto& [key, flights] : in_air_) {
      if (!matches(key)) continue;
      for (const auto& flight : flights) flight->erased.store(true, std::memory_order_release);
    }
  }

  /// For as long as it lives, the calling thread works for `employer`, which waits for it.
  class Crew {
   public:
    Crew(Flights& flights, std::thread::id employer) : flights_(flights) {
      const std::lock_guard lock(flights_.mutex_);
      flights_.employers_[std::this_thread::get_id()] = employer;
    }
    ~Crew() {
      const std::lock_guard lock(flights_.mutex_);
      flights_.employers_.erase(std::this_thread::get_id());
    }
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

   private:
    Flights& flights_;
  };

 private:
  struct HashKey {
    std::size_t operator()(const Key& key) const noexcept { return hash_key(key, 0x2545f4914f6cdd1d); }
  };

  [[noreturn]] void refuse(const Key& key) const {
    throw RecursiveRender("the render of (" + describe_key(key) +
                          ") needs itself: a renderer may ask the cache for other keys only, and not in a circle");
  }

  /// Whether the calling thread is `leader`, or works for it.
  bool is_part_of_leader(std::thread::id leader) const {
    auto self = std::this_thread::get_id();
    for (;;) {
      if (self == leader) return true;
      const auto employer = employers_.find(self);
      if (employer == employers_.end()) return false;
      self = employer->second;
    }
  }

  /// Whether `leader`, by what it or its crew waits for, waits for the calling thread.
  bool leads_back_here(std::thread::id leader) const {
    if (is_part_of_leader(leader)) return true;
    const auto waits_for = waiting_.find(leader);
    if (waits_for != waiting_.end()) return leads_back_here(waits_for->second->leader);
    return std::any_of(employers_.begin(), employers_.end(),
                       [&](const auto& hired) { return hired.second == leader && leads_back_here(hired.first); });
  }

  mutable std::mutex mutex_;
  std::atomic<std::uint64_t> landings_{0};
  std::uint64_t departures_ = 0;
  std::unordered_map<Key, std::vector<FlightPtr>, HashKey> in_air_;
  std::unordered_map<std::thread::id, const Flight<Key, Value>*> waiting_;
  std::unordered_map<std::thread::id, std::thread::id> employers_;
};

}  // namespace render_cache
