// What becomes of what a render brought: it is stored, unless something newer is.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/observer.hpp>
#include <render_cache/concepts/store.hpp>
#include <render_cache/read/change_order.hpp>
#include <render_cache/read/flight.hpp>
#include <render_cache/read/lookups.hpp>
#include <render_cache/read/stats.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace render_cache::detail {

/// How the source of a render has moved since; an empty text if it has not. No function where it cannot be sampled again.
using Movement = std::function<std::string()>;

/// How a publish ended.
enum class Published : unsigned char {
  done,  ///< stored, or not to be stored
  away,  ///< the store could not be reached: to be published again when it is back
};

/// Refers to all that it is made of.
template <class Store, class Observer>
class Publishing {
 public:
  using key_type = typename Store::key_type;
  using value_type = typename Store::value_type;
  using Flights = detail::Flights<key_type, value_type>;
  using Flight = typename Flights::Flight;
  using Result = FlightResult<value_type>;

  Publishing(Lookups<Store, Observer>& lookups, Flights& flights, ChangeOrder<key_type>& changes)
      : lookups_(lookups), flights_(flights), changes_(changes) {}

  /// Stores the result's entry, and says in the result whether it is stored, or why not. `seen` is what was there before the render;
  /// unknown where the store failed or was not asked.
  ///
  /// The store is asked in the key's turn: an erase or a later call's publish has either happened, and is seen here, or comes after.
  /// The observer is told after that turn, so it may erase. In which order other processes were called nobody knows: where the store
  /// can, the entry replaces only what was there before the render, or, once, what is found to be older.
  Published publish(const Flight& flight, const std::optional<Seen>& seen, const Movement& movement, Result& result);

  void add_to(CacheStats& stats) const noexcept {
    stats.published = counts_.sum(published);
    stats.publish_conflicts = counts_.sum(conflicts);
  }

 private:
  using Failure = typename StoreAccess<Store, Observer>::Failure;
  enum Counter : std::size_t { published, conflicts, counters };

  std::optional<Seen> replaceable(const Flight& flight, bool seen, const std::optional<Fingerprint>& earlier,
                                  const Movement& movement, Result& result, Failure& failure);
  void conflict(Result& result, std::string why) {
    counts_.add(conflicts);
    result.detail = std::move(why);
  }

  Lookups<Store, Observer>& lookups_;
  Flights& flights_;
  ChangeOrder<key_type>& changes_;
  StripedCounters<counters> counts_;
};

template <class S, class O>
Published Publishing<S, O>::publish(const Flight& flight, const std::optional<Seen>& seen, const Movement& movement,
                                    Result& result) {
  const Stopwatch<ObservesPublishes<O, key_type>> watch;
  auto& store = lookups_.store();
  std::optional<Fingerprint> earlier;  // what this process has stored in the key's turn before
  Failure failure;
  const auto loses = [&](const std::optional<Seen>& what) {  // something else is there than was seen, or nothing has been seen
    bool lost = false;
    failure = {};
    const auto in_turn = [&]<class Asked>(Asked& asked) {
      const auto turn = changes_.of(flight.key);
      if (flights_.erased(flight)) {
        result.detail = "erased while it was rendered";
        return false;
      }
      if (flights_.overtaken(flight)) {
        result.detail = "a render that was asked for later came first";
        return false;
      }
      earlier = flights_.stored(flight);  // one tier may keep it even where the other fails
      if constexpr (HasReplace<Asked>) {
        lost = !what || !asked.replace(flight.key, result.entry, *what);
        result.stored = !lost;
        return what.has_value();
      } else {
        asked.publish(flight.key, result.entry);
        return result.stored = true;
      }
    };
    store.ask(in_turn, failure);
    if (!failure.message.empty()) result.detail = failure.message;
    return lost;
  };

  [[maybe_unused]] const bool looks_again = loses(seen);
  if constexpr (HasReplace<S>) {
    if (looks_again) {
      const auto there = replaceable(flight, seen.has_value(), earlier, movement, result, failure);
      if (!there && result.stored) return Published::done;
      if (there && loses(there)) conflict(result, "other processes store other states all the time");
    }
  }
  if (result.stored) {
    counts_.add(published);
    if constexpr (ObservesPublishes<O, key_type>) store.observer().on_publish(flight.key, {watch.elapsed()});
  }
  return failure.away ? Published::away : Published::done;
}

/// What is there now, if the entry may replace that. If not, the result says why, or that another process has stored the same. Outside
/// of the key's turn, for a hasher may use the cache.
template <class S, class O>
std::optional<Seen> Publishing<S, O>::replaceable(const Flight& flight, bool seen, const std::optional<Fingerprint>& earlier,
                                                  const Movement& movement, Result& result, Failure& failure) {
  auto there = lookups_.look(flight.key, failure);
  if (!there) {
    result.detail = failure.message;
    return std::nullopt;
  }
  const bool same = there->stored == result.entry->fingerprint;
  if (same && !flight.anew) {
    result.stored = true;
    return std::nullopt;
  }
  std::string why;
  if (seen && !there->seen.text) {
    why = "what was stored before has been erased while it was rendered";
  } else if (there->stored && !same) {
    if (movement) {
      why = movement();
      if (!why.empty()) why = "another state has been stored, and " + why;
    } else if (there->stored != earlier) {  // the texts of one process are as old as their calls
      why = "another process has stored another state, and this source cannot be sampled again to tell which is newer";
    }
  }
  if (why.empty()) return std::move(there->seen);
  conflict(result, std::move(why));
  return std::nullopt;
}

}  // namespace render_cache::detail
