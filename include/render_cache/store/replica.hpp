// A store made of two copies of one: a replica that answers look-ups, and the primary, which it may lag behind.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/store.hpp>
#include <render_cache/entry/deadline.hpp>
#include <render_cache/entry/error.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/read/breaker.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace render_cache {

/// What a `ReplicaStore` asks of which copy.
struct ReplicaOptions {
  /// Whether a look-up that the replica misses asks the primary. Without it such a miss is `behind`: the cache asks the primary under
  /// the flight, once for all that wait, before it renders; `find` does not.
  bool ask_primary = true;
  /// By how much the replica lags at most, as far as one knows. For so long after a change that is made by this store the primary
  /// answers for its key.
  std::chrono::milliseconds max_lag{30'000};
  /// How long a replica is left alone that has failed.
  std::chrono::milliseconds pause{1000};
};

/// What a `ReplicaStore` has seen of its replica so far.
struct ReplicaStats {
  std::uint64_t hits = 0;  ///< keys that it answered
  std::uint64_t misses = 0;  ///< keys that it did not have, or not yet
  std::uint64_t failures = 0;  ///< look-ups that it failed
  bool available = true;  ///< it is not being left alone
};

namespace detail {

template <class Replica, class Primary>
consteval bool check_copies() {
  check_store<Replica>();
  check_store<Primary>();
  if constexpr (Store<Replica> && Store<Primary>) {
    if constexpr (!std::same_as<typename Replica::key_type, typename Primary::key_type> ||
                  !std::same_as<typename Replica::value_type, typename Primary::value_type>) {
      RENDER_CACHE_MISTAKE("the replica and its primary must have the same key_type and value_type: make them of one schema");
    }
  }
  return true;
}

}  // namespace detail

/// A hit of the replica is right because it is verified like any other; what it lacks, or has not heard of yet, the primary is asked
/// for. A replica that fails is left alone for a while, and never makes the primary count as away. All else goes to the primary alone:
/// publishes, leases, `lookup_stale`, the second look-up before a render, and clean-up. What that has removed the replica may still
/// answer until it has heard of it; what is erased it does not, if it lags no more than `max_lag`.
///
/// Memory belongs in front: `TieredStore(near, replicas)`. Both stores must outlive this object. All members may be called from many
/// threads at once, and throw what the primary throws.
template <class Replica, class Primary>
class ReplicaStore {
  static_assert(detail::check_copies<Replica, Primary>());

 public:
  using key_type = typename Primary::key_type;
  using value_type = typename Primary::value_type;

  ReplicaStore(Replica& replica, Primary& primary, const ReplicaOptions& options = {})
      : replica_(replica), primary_(primary), options_(options), breaker_(options.pause) {}
  /// Temporary stores would be gone at the end of the line.
  template <class A, class B>
    requires std::same_as<std::remove_reference_t<A>, Replica> && std::same_as<std::remove_reference_t<B>, Primary>
  ReplicaStore(A&& replica, B&& primary, const ReplicaOptions& options = {}) : ReplicaStore(replica, primary, options) {
    RENDER_CACHE_MISTAKE("both copies must outlive the store that is made of them: make each a variable of its own");
  }

  /// What is asked first.
  [[nodiscard]] Replica& replica() const noexcept { return replica_; }
  /// What is always right.
  [[nodiscard]] Primary& primary() const noexcept { return primary_; }
  /// The moment's numbers.
  [[nodiscard]] ReplicaStats stats() const noexcept { return {hits_, misses_, failures_, !breaker_.paused()}; }

  Lookup<value_type> lookup(const key_type& key, const Fingerprint& fingerprint) {
    if (!was_changed(key)) {
      auto found = ask_replica([&] { return replica_.lookup(key, fingerprint); });
      if (found && answers(*found)) return std::move(*found);
    }
    return primary_.lookup(key, fingerprint);
  }

  /// One round trip to the replica, and one to the primary for what that lacks.
  std::vector<Lookup<value_type>> lookup_many(std::span<const Query<key_type>> queries)
    requires HasLookupMany<Replica> && HasLookupMany<Primary>
  {
    std::vector<Lookup<value_type>> found(queries.size());
    Part of_replica, of_primary;
    for (std::size_t i = 0; i < queries.size(); ++i) (was_changed(queries[i].key) ? of_primary : of_replica).add(queries[i], i);
    if (!of_replica.queries.empty()) {
      auto answered = ask_replica([&] { return detail::lookup_each(replica_, of_replica.queries); });
      for (std::size_t i = 0; i < of_replica.queries.size(); ++i) {
        if (answered && answers((*answered)[i])) {
          found[of_replica.places[i]] = std::move((*answered)[i]);
        } else {
          of_primary.add(of_replica.queries[i], of_replica.places[i]);
        }
      }
    }
    if (!of_primary.queries.empty()) {
      auto answered = detail::lookup_each(primary_, of_primary.queries);
      for (std::size_t i = 0; i < answered.size(); ++i) found[of_primary.places[i]] = std::move(answered[i]);
    }
    return found;
  }

  /// The primary's.
  Lookup<value_type> lookup_latest(const key_type& key, const Fingerprint& fingerprint) {
    return detail::look_up_latest(primary_, key, fingerprint);
  }
  /// The primary's: how old an entry is depends on whether there is a newer one.
  std::optional<Aged<value_type>> lookup_stale(const key_type& key)
    requires HasLookupStale<Primary>
  {
    return primary_.lookup_stale(key);
  }

  void publish(const key_type& key, EntryPtr<value_type> entry) {
    const Change change(*this, key);
    primary_.publish(key, std::move(entry));
  }
  bool replace(const key_type& key, EntryPtr<value_type> entry, const Seen& seen)
    requires HasReplace<Primary>
  {
    const Change change(*this, key);
    return primary_.replace(key, std::move(entry), seen);
  }
  void publish_many(std::span<const std::pair<key_type, EntryPtr<value_type>>> entries)
    requires HasPublishMany<Primary>
  {
    const Change change(*this);
    primary_.publish_many(entries);
  }

  LeaseAnswer acquire_lease(const key_type& key, const Fingerprint& fingerprint, const std::string& owner,
                            std::chrono::milliseconds time)
    requires HasLeases<Primary>
  {
    return primary_.acquire_lease(key, fingerprint, owner, time);
  }
  void renew_leases(std::span<const Query<key_type>> held, const std::string& owner, std::chrono::milliseconds time)
    requires HasLeases<Primary>
  {
    primary_.renew_leases(held, owner, time);
  }
  void release_lease(const key_type& key, const Fingerprint& fingerprint, const std::string& owner)
    requires HasLeases<Primary>
  {
    primary_.release_lease(key, fingerprint, owner);
  }

  bool erase(const key_type& key) {
    const Change change(*this, key);
    return primary_.erase(key);
  }
  std::size_t erase_group(const group_t<key_type>& group) {
    const Change change(*this);
    return primary_.erase_group(group);
  }

  PruneReport prune(const KeepPredicate<key_type>& keep, const PruneOptions& options) { return primary_.prune(keep, options); }
  /// The primary's.
  PruneReport prune_groups(std::string_view live_query, const auto& options)
    requires requires(Primary primary) { primary.prune_groups(live_query, options); }
  {
    return primary_.prune_groups(live_query, options);
  }
  /// The primary's.
  [[nodiscard]] const Bounds& bounds() const noexcept
    requires HasBounds<Primary>
  {
    return primary_.bounds();
  }
  /// The primary's.
  PruneReport prune_to(const Bounds& bounds, const PruneOptions& options = {}, const KeepPredicate<key_type>& stays = {})
    requires HasBounds<Primary>
  {
    return primary_.prune_to(bounds, options, stays);
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// The part of a batch that one of the two is asked.
  struct Part {
    std::vector<Query<key_type>> queries{};
    std::vector<std::size_t> places{};  // in the batch
    void add(const Query<key_type>& query, std::size_t place) {
      queries.push_back(query);
      places.push_back(place);
    }
  };

  /// Until the replica must have heard of it, a change's keys are the primary's, from its end on, and also if it failed: it may have
  /// happened. Keys share marks: more of them are asked for at the primary, and none too few.
  class Change {
   public:
    explicit Change(ReplicaStore& store) : marks_(store.changed_until_), max_lag_(store.options_.max_lag) {}
    Change(ReplicaStore& store, const key_type& key) : marks_(&store.mark_of(key), 1), max_lag_(store.options_.max_lag) {}
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;
    ~Change() {
      const auto until = detail::from_now<Clock>(max_lag_).time_since_epoch().count();
      for (auto& mark : marks_) mark = until;
    }

   private:
    const std::span<std::atomic<Clock::rep>> marks_;
    const std::chrono::milliseconds max_lag_;
  };

  std::atomic<Clock::rep>& mark_of(const key_type& key) noexcept {
    return changed_until_[hash_key(key, seed_) % changed_until_.size()];
  }
  bool was_changed(const key_type& key) noexcept {
    const auto until = mark_of(key).load();
    return until != 0 && Clock::now().time_since_epoch().count() < until;
  }

  /// What the replica says; nothing if it fails or is left alone.
  template <class Ask>
  auto ask_replica(Ask&& ask) -> std::optional<decltype(ask())> {
    const auto admission = breaker_.admit();
    if (!admission) return std::nullopt;
    try {
      auto answer = ask();
      breaker_.answered(*admission);
      return answer;
    } catch (const InvalidKey&) {
      throw;
    } catch (const std::exception&) {
      breaker_.failed();
      ++failures_;
      return std::nullopt;
    }
  }

  /// Whether that is the answer, as far as this store's `lookup` goes.
  bool answers(Lookup<value_type>& found) noexcept {
    ++(found.entry ? hits_ : misses_);
    found.behind = !found.entry;
    return found.entry || !options_.ask_primary;
  }

  Replica& replica_;
  Primary& primary_;
  const ReplicaOptions options_;
  detail::Breaker<> breaker_;
  const std::uint64_t seed_ = detail::random_seed();
  std::array<std::atomic<Clock::rep>, 256> changed_until_{};  // ticks of Clock; 0: never
  std::atomic<std::uint64_t> hits_ = 0, misses_ = 0, failures_ = 0;
};

template <class Replica, class Primary>
ReplicaStore(Replica&, Primary&, const ReplicaOptions& = {}) -> ReplicaStore<Replica, Primary>;
template <class Replica, class Primary>
ReplicaStore(Replica&&, Primary&&, const ReplicaOptions& = {})
    -> ReplicaStore<std::remove_reference_t<Replica>, std::remove_reference_t<Primary>>;  // to be refused in words

}  // namespace render_cache
