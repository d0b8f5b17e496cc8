// What the store has for a key and a fingerprint: a verified hit, or the reason why not.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/observer.hpp>
#include <render_cache/concepts/store.hpp>
#include <render_cache/read/options.hpp>
#include <render_cache/read/outcome.hpp>
#include <render_cache/read/stats.hpp>
#include <render_cache/read/store_access.hpp>

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
  };

  Found find(const key_type& key, const Fingerprint& now) {
    if (!now.settled()) return {missed(Miss::unsettled)};
    Failure failure;
    bool can_replace = false;
    const auto ask = [&]<class Asked>(Asked& store) {
      can_replace = HasReplace<Asked>;
      return store.lookup(key, now);
    };
    auto found = store_.ask(ask, failure);
    if (!found) return {missed(Miss::store_failed, std::move(failure.message))};
    return judge(std::move(*found), now, can_replace);
  }

  /// What is there now, but for a value. Nothing, and `failure` says why, if the store fails or is left alone.
  std::optional<Lookup<value_type>> look(const key_type& key, Failure& failure) {
    static const auto of_no_entry = Fingerprint::from_text("||");
    std::optional<Lookup<value_type>> there;
    const auto ask = [&]<class Asked>(Asked& store) {
      if constexpr (HasReplace<Asked>) {
        there = store.lookup(key, of_no_entry);
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
    return judge(store_.get().near().lookup(key, now), now);
  }

  /// As `find` for each, in one round trip where the store can.
  std::vector<Found> find_many(std::span<const Query<key_type>> queries) {
    Failure failure;
    bool can_replace = false;
    const auto ask = [&]<class Asked>(Asked& store) {
      can_replace = HasReplace<Asked>;
      return ask_many(store, queries);
    };
    auto answers = store_.ask(ask, failure);
    std::vector<Found> found;
    found.reserve(queries.size());
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const auto& now = queries[i].fingerprint;
      found.push_back(!now.settled() ? Found{missed(Miss::unsettled)}
                      : answers      ? judge(std::move((*answers)[i]), now, can_replace)
                                     : Found{missed(Miss::store_failed, failure.message)});
    }
    return found;
  }

  /// What is stored under whatever fingerprint, if it is young enough; what is near while the store fails.
  EntryPtr<value_type> older([[maybe_unused]] const key_type& key, [[maybe_unused]] Freshness::Age max_age) {
    if constexpr (HasLookupStale<Store>) {
      const auto ask = [&]<class Asked>(Asked& store) -> Aged<value_type> {
        if constexpr (HasLookupStale<Asked>) return store.lookup_stale(key).value_or(Aged<value_type>{});
        return {};
      };
      Failure failure;
      auto aged = store_.ask(ask, failure);
      if constexpr (HasNear<Store>) {
        if (!aged) aged = ask(store_.get().near());
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

  static Found judge(Lookup<value_type>&& found, const Fingerprint& now, bool can_replace) {
    std::optional<Seen> seen;
    if (can_replace && !found.entry) seen = std::move(found.seen);
    return {judge(std::move(found), now), std::move(seen)};
  }
  static outcome_type judge(Lookup<value_type>&& found, const Fingerprint& now) {
    if (found.entry) return {std::move(found.entry), found.origin};
    if (!found.unreadable.empty()) return missed(found.damaged ? Miss::damaged : Miss::unreadable, std::move(found.unreadable));
    if (found.stored) return missed(Miss::changed, changed_components(*found.stored, now));
    return missed(Miss::absent);
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
