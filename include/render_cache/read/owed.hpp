// What was rendered while the store was away: stored when it is back, if it is still what the source says.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/store.hpp>
#include <render_cache/entry/deadline.hpp>
#include <render_cache/entry/entry.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/read/flight.hpp>
#include <render_cache/read/options.hpp>
#include <render_cache/read/periodic_task.hpp>
#include <render_cache/read/publishing.hpp>
#include <render_cache/read/stats.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace render_cache::detail {

/// One entry a key, the one that was called for last. One thread, which is there from the first on, tries the oldest of them after each
/// pause of the store; the one that gets through brings all others along. What is owed when this is destroyed is given up.
template <class Store, class Observer>
class Owed {
 public:
  using Publishing = detail::Publishing<Store, Observer>;
  using Flights = typename Publishing::Flights;
  using value_type = typename Store::value_type;

  /// An entry that could not be published.
  struct Debt {
    typename Flights::FlightPtr flight;  ///< that brought it
    EntryPtr<value_type> entry;
    std::optional<Seen> seen;
    Movement movement;  ///< keeps what it samples

    /// What it holds, its source not counted.
    [[nodiscard]] std::size_t bytes() const {
      std::size_t bytes = sizeof *this + sizeof *entry + 2 * entry->fingerprint.text().size() + heap_bytes(flight->key);
      if constexpr (has_weight<value_type>()) bytes += heap_bytes(entry->value);
      return bytes;
    }
  };

  Owed(Publishing& publishing, Flights& flights, const CacheOptions& options)
      : publishing_(publishing), flights_(flights), max_count_(options.max_owed), max_bytes_(options.max_owed_bytes),
        settlement_(std::max(options.store_pause, std::chrono::milliseconds(100)),
                    [this](const std::stop_token& stop) { return settle_all(stop); }) {}

  /// Of a flight that has not landed. Without memory or a thread for it there is no debt.
  void add(Debt debt) noexcept {
    try {
      Debts one;
      one.push_back(std::move(debt));
      one.front().flight = flights_.owe(one.front().flight);
      const std::lock_guard lock(mutex_);
      settlement_.begin();
      keep(one, false);
    } catch (const std::exception&) {
    }
  }

  void add_to(CacheStats& stats) const {
    stats.owed_stored = counts_.sum(stored);
    stats.owed_dropped = counts_.sum(dropped);
    const std::lock_guard lock(mutex_);
    stats.owed = debts_.size() + (settling_ ? 1 : 0);
  }

 private:
  enum Counter : std::size_t { stored, dropped, counters };
  using Debts = std::list<Debt>;

  /// Whether something is owed still.
  bool settle_all(const std::stop_token& stop) noexcept {
    std::unique_lock lock(mutex_);
    for (bool away = false; !away && !debts_.empty() && !stop.stop_requested();) {
      Debts first;
      take(debts_.begin(), first);
      settling_ = true;
      lock.unlock();
      away = !settle(first.front());
      if (!away) first.clear();
      lock.lock();
      settling_ = false;
      if (away) keep(first, true);
    }
    return !debts_.empty();
  }

  /// False while the store is away.
  bool settle(const Debt& debt) noexcept {
    FlightResult<value_type> result{.entry = debt.entry};
    try {
      const bool current = !debt.movement || debt.movement().empty();
      if (current && publishing_.publish(*debt.flight, debt.seen, debt.movement, result) == Published::away) return false;
    } catch (...) {  // it has no memory for that
    }
    counts_.add(result.stored ? stored : dropped);
    return true;
  }

  /// With the mutex held, as `take`. Of two of one key that stays which was called for last, and the oldest make room. Leaves in `one`
  /// what is owed no longer.
  void keep(Debts& one, bool as_oldest) {
    const auto& flight = *one.front().flight;
    const auto other =
        std::find_if(debts_.begin(), debts_.end(), [&](const Debt& each) { return each.flight->key == flight.key; });
    if (other != debts_.end() && other->flight->number > flight.number) return;
    Debts gone;
    if (other != debts_.end()) take(other, gone);
    bytes_ += one.front().bytes();
    debts_.splice(as_oldest ? debts_.begin() : debts_.end(), one);
    while (debts_.size() > max_count_ || bytes_ > max_bytes_) {
      take(debts_.begin(), gone);
      counts_.add(dropped);
    }
    one = std::move(gone);
  }

  void take(typename Debts::iterator which, Debts& to) {
    bytes_ -= which->bytes();
    to.splice(to.end(), debts_, which);
  }

  Publishing& publishing_;
  Flights& flights_;
  const std::size_t max_count_, max_bytes_;
  StripedCounters<counters> counts_;
  mutable std::mutex mutex_;
  Debts debts_;  // the oldest first
  std::size_t bytes_ = 0;
  bool settling_ = false;  // one more, which the thread has taken out
  PeriodicTask settlement_;  // last: it uses all the rest
};

}  // namespace render_cache::detail
