// Single flight: one render in progress per (key, fingerprint), shared by all who ask for it.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/deadline.hpp>
#include <render_cache/entry/entry.hpp>
#include <render_cache/entry/error.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/read/key_hash.hpp>

#include <algorithm>
#include <atomic>
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

namespace render_cache::detail {

/// What a flight brought. Neither entry nor error: nothing was rendered, and those who waited begin their reads again.
template <class Value>
struct FlightResult {
  EntryPtr<Value> entry{};
  std::exception_ptr error{};
  bool rendered = false;  ///< else the entry was found in the store after all
  bool stored = false;
  std::string detail{};  ///< why it was not stored
};

/// Which flights of its (key, fingerprint) a call may join.
enum class Join : unsigned char {
  any,      ///< each: the fingerprint says all
  not_yet,  ///< those that render whatever is stored, and have not begun: what they bring is from after the call
  none,     ///< none: it leads one of its own
};

/// The flights of one cache. All members may be called from any thread.
///
/// A wait that could never end is refused with `RecursiveRender`. Each flight knows which others its render waits for; an edge
/// ends with the call that made it, and all edges of a flight with its landing, so that only renders that go on now are in the
/// graph. A call that would close a circle in it is a render that needs itself, on one thread or across several. Not seen are a
/// circle through two caches, and a thread of the renderer's own: nothing tells for whom it works.
template <class Key, class Value>
class Flights {
 public:
  /// One render in progress.
  struct Flight {
    const Key key;
    const Fingerprint fingerprint;
    const std::uint64_t number;  ///< in the order in which they were called for
    const bool anew;             ///< renders whatever is stored or remembered

   private:  // guarded by the mutex of `Flights`
    friend Flights;
    Flight(const Key& of, const Fingerprint& now, std::uint64_t nth, bool whatever_is_stored)
        : key(of), fingerprint(now), number(nth), anew(whatever_is_stored) {}
    // NOLINTBEGIN(readability-identifier-naming): to `Flights`, the only one who sees them, they are members like those above
    bool begun = false;
    bool needed = false;  // by another render
    bool erased = false;  // its key was erased meanwhile
    std::shared_ptr<Flight> parent{};  // the render that called for this one, which waits for it
    std::shared_ptr<Flight> follows{};  // begins when that one has landed
    std::vector<Flight*> awaits{};  // what its render waits for
    std::uint64_t visited = 0;  // the last search that came by
    std::optional<FlightResult<Value>> result{};  // final once it is there, and then read without the mutex
    std::condition_variable landed{};
    // NOLINTEND(readability-identifier-naming)
  };
  using FlightPtr = std::shared_ptr<Flight>;

  /// A call's part in a flight, from `join` until the call is over.
  class Call {
   public:
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
      if (!caller_) return;
      const std::lock_guard lock(flights_.mutex_);
      auto& awaits = caller_->awaits;
      const auto edge = std::find(awaits.begin(), awaits.end(), flight_.get());
      if (edge != awaits.end()) awaits.erase(edge);
    }

    [[nodiscard]] const FlightPtr& flight() const noexcept { return flight_; }
    /// The caller sees to it that the flight begins and lands, whatever happens.
    [[nodiscard]] bool leads() const noexcept { return leads_; }
    /// A flight has landed since the caller looked: what it published may be what this one is for.
    [[nodiscard]] bool look_again() const noexcept { return look_again_; }

    /// What the flight brought; null if the deadline came first.
    const FlightResult<Value>* wait(const Deadline& deadline = {}) {
      std::unique_lock lock(flights_.mutex_);
      return land_by(lock, *flight_, deadline) ? &*flight_->result : nullptr;
    }

   private:
    friend Flights;
    Call(Flights& flights, FlightPtr caller, FlightPtr flight, bool leads, bool look_again)
        : flights_(flights), caller_(std::move(caller)), flight_(std::move(flight)), leads_(leads), look_again_(look_again) {}
    Flights& flights_;
    const FlightPtr caller_;  // the render that makes this call, if it is one
    const FlightPtr flight_;
    const bool leads_;
    const bool look_again_;
  };

  /// How many have landed; taken before a look-up and given to `join` after it.
  [[nodiscard]] std::uint64_t landings() const noexcept { return landings_.load(std::memory_order_acquire); }

  /// Joins a flight of (key, fingerprint), or leads a new one. Of those that call for a render that begins after their call, the
  /// first waits for the one that has begun before it and all others join the first: two renders at the most lie before them.
  Call join(const Key& key, const Fingerprint& fingerprint, std::uint64_t landings, Join which = Join::any) {
    const std::lock_guard lock(mutex_);
    auto caller = current_locked();
    for (const auto* at = caller.get(); at != nullptr; at = waiting_parent(*at)) {
      if (at->key == key) refuse(key);
    }
    FlightPtr follows;
    if (const auto of_key = in_air_.find(key); of_key != in_air_.end()) {
      for (const auto& flight : of_key->second.flights) {
        if (flight->erased) continue;  // asked for before the erase: no answer to who asks after it
        // Of equal texts the unsettled one may stand for another state of the source.
        if (!(flight->fingerprint == fingerprint) || flight->fingerprint.settled() != fingerprint.settled()) continue;
        if (which == Join::any || (which == Join::not_yet && flight->anew && !flight->begun)) {
          check_edge(caller, *flight);
          if (caller) {
            caller->awaits.push_back(flight.get());
            flight->needed = true;
          }
          return Call(*this, std::move(caller), flight, false, false);
        }
        if (which == Join::not_yet && flight->anew) follows = flight;
      }
    }
    const FlightPtr flight(new Flight(key, fingerprint, ++calls_, which != Join::any));
    flight->parent = caller;
    if (follows) flight->awaits.push_back(follows.get());
    flight->follows = std::move(follows);
    check_edge(caller, *flight);
    in_air_[key].flights.push_back(flight);
    if (caller) caller->awaits.push_back(flight.get());
    return Call(*this, std::move(caller), flight, true, landings_.load(std::memory_order_relaxed) != landings);
  }

  /// For its leader: waits for the flight that this one follows; false if the deadline came first. From then on it is too late to
  /// join for those who want a render that begins after their call.
  [[nodiscard]] bool begin(Flight& flight, const Deadline& deadline) {
    std::unique_lock lock(mutex_);
    if (flight.follows) {
      if (!land_by(lock, *flight.follows, deadline)) return false;
      flight.awaits.clear();
    }
    flight.begun = true;
    return true;
  }

  /// Ends the flight and wakes all who wait for it.
  void land(const FlightPtr& flight, FlightResult<Value> result) {
    FlightPtr parent, follows;  // destroyed after the lock, with what they may hold
    const std::lock_guard lock(mutex_);
    flight->result = std::move(result);
    flight->awaits.clear();
    parent = std::move(flight->parent);
    follows = std::move(flight->follows);
    const auto of_key = in_air_.find(flight->key);
    std::erase(of_key->second.flights, flight);
    forget_if_empty(of_key);
    landings_.fetch_add(1, std::memory_order_release);
    flight->landed.notify_all();
  }

  /// Of a flight that has not landed: what it brings is not stored before it lands, but later. For as long as what is returned lives an
  /// erase marks the flight, and who stores later overtakes it.
  [[nodiscard]] FlightPtr owe(const FlightPtr& flight) {
    {
      const std::lock_guard lock(mutex_);
      in_air_.find(flight->key)->second.owed.push_back(flight);
    }
    return FlightPtr(flight.get(), [this, flight](Flight*) {
      const std::lock_guard lock(mutex_);
      const auto of_key = in_air_.find(flight->key);
      std::erase(of_key->second.owed, flight);
      forget_if_empty(of_key);
    });
  }

  /// What flights that match bring must not be stored.
  template <class Matches>
  void mark_erased(Matches&& matches) {
    const std::lock_guard lock(mutex_);
    for (auto& [key, of_key] : in_air_) {
      if (!matches(key)) continue;
      for (const auto& flight : of_key.flights) flight->erased = true;
      for (const auto& flight : of_key.owed) flight->erased = true;
    }
  }
  [[nodiscard]] bool erased(const Flight& flight) const {
    const std::lock_guard lock(mutex_);
    return flight.erased;
  }
  /// Whether another render has called for this one, or joined it.
  [[nodiscard]] bool nested(const Flight& flight) const {
    const std::lock_guard lock(mutex_);
    return flight.parent != nullptr || flight.needed;
  }
  /// Whether a flight that was called for after this one has stored what it brought.
  [[nodiscard]] bool overtaken(const Flight& flight) const {
    const std::lock_guard lock(mutex_);
    return in_air_.find(flight.key)->second.last_stored > flight.number;
  }
  /// The flight, not landed yet or owed, stores what it brings. Under which fingerprint the one before it has, if one has.
  std::optional<Fingerprint> stored(const Flight& flight) {
    const std::lock_guard lock(mutex_);
    auto& of_key = in_air_.find(flight.key)->second;
    of_key.last_stored = flight.number;
    return std::exchange(of_key.last_fingerprint, flight.fingerprint);
  }

  /// The flight whose render the calling thread works for; null if for none.
  [[nodiscard]] FlightPtr current() const {
    const std::lock_guard lock(mutex_);
    return current_locked();
  }

  /// For as long as it lives, what the calling thread asks for is asked for by that flight's render. Null: by none.
  class Scope {
   public:
    Scope(Flights& flights, FlightPtr flight) : flights_(flights) {
      const std::lock_guard lock(flights_.mutex_);
      outer_ = std::exchange(flights_.works_for_[std::this_thread::get_id()], std::move(flight));
    }
    ~Scope() {
      const std::lock_guard lock(flights_.mutex_);
      if (outer_) {
        flights_.works_for_[std::this_thread::get_id()] = std::move(outer_);
      } else {
        flights_.works_for_.erase(std::this_thread::get_id());
      }
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Flights& flights_;
    FlightPtr outer_;
  };

 private:
  struct OfKey {
    std::vector<FlightPtr> flights;
    std::vector<FlightPtr> owed{};  // landed, or about to
    std::uint64_t last_stored = 0;  // the number of the flight that stored last, while others of the key are in the air
    std::optional<Fingerprint> last_fingerprint{};  // that flight's
  };
  using InAir = std::unordered_map<Key, OfKey, KeyHash<Key>>;

  void forget_if_empty(typename InAir::iterator of_key) {
    if (of_key->second.flights.empty() && of_key->second.owed.empty()) in_air_.erase(of_key);
  }

  static bool land_by(std::unique_lock<std::mutex>& lock, Flight& flight, const Deadline& deadline) {
    const auto has_landed = [&] { return flight.result.has_value(); };
    if (deadline) return flight.landed.wait_until(lock, *deadline, has_landed);
    flight.landed.wait(lock, has_landed);
    return true;
  }

  [[noreturn, gnu::cold]] static void refuse(const Key& key) {
    throw RecursiveRender("the render of (" + describe_key(key) +
                          ") needs itself: a renderer may ask the cache for other keys only, and not in a circle");
  }

  [[nodiscard]] FlightPtr current_locked() const {
    const auto self = works_for_.find(std::this_thread::get_id());
    return self == works_for_.end() ? nullptr : self->second;
  }

  /// The render that called for this one, while it waits for it.
  [[nodiscard]] static const Flight* waiting_parent(const Flight& flight) {
    const auto* const parent = flight.parent.get();
    if (parent == nullptr) return nullptr;
    const auto& awaits = parent->awaits;
    return std::find(awaits.begin(), awaits.end(), &flight) != awaits.end() ? parent : nullptr;
  }

  /// Refuses an edge that closes a circle, and makes room for one that does not.
  void check_edge(const FlightPtr& caller, Flight& flight) {
    if (!caller) return;
    ++searches_;
    if (leads_to(flight, *caller)) refuse(flight.key);
    caller->awaits.reserve(caller->awaits.size() + 1);
  }

  /// Whether the render of `from` waits for `to`, directly or through others.
  [[nodiscard]] bool leads_to(Flight& from, const Flight& to) const {
    if (&from == &to) return true;
    if (std::exchange(from.visited, searches_) == searches_) return false;
    return std::any_of(from.awaits.begin(), from.awaits.end(), [&](Flight* next) { return leads_to(*next, to); });
  }

  mutable std::mutex mutex_;
  std::atomic<std::uint64_t> landings_{0};
  std::uint64_t calls_ = 0;
  std::uint64_t searches_ = 0;
  InAir in_air_;
  std::unordered_map<std::thread::id, FlightPtr> works_for_;
};

}  // namespace render_cache::detail
