// What the store has for a key and a fingerprint: a verified hit, or the reason why not.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/observer.hpp>
#include <render_cache/concepts/store.hpp>
#include <render_cache/read/options.hpp>
#include <render_cache/read/outcome.hpp>
#include <render_cache/read/stats.hpp>
#include <render_cache/read/store_access.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace render_cache::detail {

template <class Store, class Observer = NoObserver>
class Lookups {
 public:
  using key_type = typename Store::key_type;
  using value_type = typename Store::value_type;
  using outcome_type = Outcome<value_type>;
  using Failure = typename StoreAccess<Store, Observer>::Failure;
  /// Measures a read where somebody wants to know.
  using Watch = Stopwatch<ObservesHits<Observer, key_type> || ObservesMisses<Observer, key_type>>;

  Lookups(Store& store, std::chrono::milliseconds pause, Observer observer) : store_(store, pause, std::move(observer)) {}

  [[nodiscard]] StoreAccess<Store, Observer>& store() noexcept { return store_; }
  [[nodiscard]] const StoreAccess<Store, Observer>& store() const noexcept { return store_; }

  static outcome_type missed(Miss reason, std::string detail = {}) {
    return {nullptr, Origin::store, reason, false, std::move(detail)};
  }

  /// An answer, and on a miss what was seen, if that is known of a store that replaces what was seen.
  struct Found {
    outcome_type outcome;
    std::optional<Seen> seen{};
    bool behind = false;  ///< a miss, where `find_latest` may find more
  };

  Found find(const key_type& key, const Fingerprint& now) {
    return find_by([&](auto& store) { return store.lookup(key, now); }, now);
  }
  Found find_latest(const key_type& key, const Fingerprint& now) {
    return find_by([&](auto& store) { return look_up_latest(store, key, now); }, now);
  }

  /// What is there now, but for a value. Nothing, and `failure` says why, if the store fails or is left alone.
  std::optional<Lookup<value_type>> look(const key_type& key, Failure& failure) {
    static const auto of_no_entry = Fingerprint::from_text("||");
    std::optional<Lookup<value_type>> there;
    const auto ask = [&]<class Asked>(Asked& store) {
      if constexpr (HasReplace<Asked>) {
        there = look_up_latest(store, key, of_no_entry);
      } else {
        failure.message = "the store was unavailable a moment ago and is left alone";
      }
      return there.has_value();
    };
    store_.ask(ask, failure);
    return there;
  }

  outcome_type find_near(const key_type& key, const Fingerprint& now) {
    if (!now.settled()) return missed(Miss::unsettled);
    Found found;
    auto there = store_.get().near().lookup(key, now);
    judge(there, now, false, found);
    return std::move(found.outcome);
  }

  /// As `find` for each, in one round trip where the store can.
  std::vector<Found> find_many(std::span<const Query<key_type>> queries) {
    std::vector<Found> found(queries.size());
    Failure failure;
    const auto ask = [&]<class Asked>(Asked& store) {
      auto there = ask_many(store, queries);
      const bool beyond_near = std::any_of(there.begin(), there.end(), tells_of_all);
      for (std::size_t i = 0; i < queries.size(); ++i) judge(there[i], queries[i].fingerprint, HasReplace<Asked>, found[i]);
      return beyond_near;
    };
    const bool answered = store_.ask(ask, failure);
    for (std::size_t i = 0; i < queries.size(); ++i) {
      if (!queries[i].fingerprint.settled()) {
        found[i] = {missed(Miss::unsettled)};
      } else if (!answered) {
        found[i] = {missed(Miss::store_failed, failure.message)};
      }
    }
    return found;
  }

  /// What is stored under whatever fingerprint, if it is young enough; what is near while the store fails.
  EntryPtr<value_type> older([[maybe_unused]] const key_type& key, [[maybe_unused]] Freshness::Age max_age) {
    if constexpr (HasLookupStale<Store>) {
      std::optional<Aged<value_type>> aged;
      const auto ask = [&]<class Asked>(Asked& store) {
        if constexpr (HasLookupStale<Asked>) aged = store.lookup_stale(key);
        return true;
      };
      Failure failure;
      if (!store_.ask(ask, failure)) {
        if constexpr (HasNear<Store>) ask(store_.get().near());
      }
      if (aged && aged->age <= max_age) return std::move(aged->entry);
    }
    return nullptr;
  }

  /// Counts the answer of a read's look-up, and tells of it.
  void note([[maybe_unused]] const key_type& key, const outcome_type& outcome, [[maybe_unused]] const Watch& watch) noexcept {
    if (outcome.hit()) {
      counts_.add(outcome.origin == Origin::near ? near_hits : far_hits);
      if constexpr (ObservesHits<Observer, key_type>) store_.observer().on_hit(key, {outcome.origin, watch.elapsed()});
    } else {
      counts_.add(misses + static_cast<std::size_t>(outcome.miss));
      if constexpr (ObservesMisses<Observer, key_type>) {
        store_.observer().on_miss(key, {outcome.miss, outcome.detail, watch.elapsed()});
      }
    }
  }

  void add_to(CacheStats& stats) const {
    stats.near_hits = counts_.sum(near_hits);
    stats.hits = stats.near_hits + counts_.sum(far_hits);
    for (std::size_t reason = 0; reason < stats.misses.size(); ++reason) stats.misses[reason] = counts_.sum(misses + reason);
    store_.add_to(stats);
  }

 private:
  enum Counter : std::size_t { near_hits, far_hits, misses, counters = misses + miss_reasons };

  template <class LookUp>
  Found find_by(LookUp&& look_up, const Fingerprint& now) {
    Found found;
    Failure failure;
    const auto ask = [&]<class Asked>(Asked& store) {
      auto there = look_up(store);
      const bool beyond_near = tells_of_all(there);
      judge(there, now, HasReplace<Asked>, found);
      return beyond_near;
    };
    if (!now.settled()) {
      found.outcome = missed(Miss::unsettled);
    } else if (!store_.ask(ask, failure)) {
      found.outcome = missed(Miss::store_failed, std::move(failure.message));
    }
    return found;
  }

  /// Whether more than the near part was asked: that has hits alone to answer with.
  static bool tells_of_all(const Lookup<value_type>& there) { return !there.entry || there.origin != Origin::near; }

  /// Hands on the entry, or why there is none and what was seen.
  static void judge(Lookup<value_type>& there, const Fingerprint& now, bool can_replace, Found& found) {
    if (there.entry) {
      found.outcome.entry = std::move(there.entry);
      found.outcome.origin = there.origin;
      return;
    }
    found.behind = there.behind;
    if (can_replace && !there.behind) found.seen = std::move(there.seen);
    if (!there.unreadable.empty()) {
      found.outcome = missed(there.damaged ? Miss::damaged : Miss::unreadable, std::move(there.unreadable));
    } else if (there.stored) {
      found.outcome = missed(Miss::changed, changed_components(*there.stored, now));
    } else {
      found.outcome = missed(Miss::absent);
    }
  }

  template <class Asked>
  static std::vector<Lookup<value_type>> ask_many(Asked& store, std::span<const Query<key_type>> queries) {
    if constexpr (HasLookupMany<Asked>) {
      return lookup_each(store, queries);
    } else {
      std::vector<Lookup<value_type>> found;
      for (const auto& query : queries) found.push_back(store.lookup(query.key, query.fingerprint));
      return found;
    }
  }

  StoreAccess<Store, Observer> store_;
  StripedCounters<counters> counts_;
};

}  // namespace render_cache::detail
