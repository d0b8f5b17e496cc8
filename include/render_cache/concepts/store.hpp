// What a store must do.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/entry.hpp>
#include <render_cache/entry/error.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/entry/prune.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace render_cache {

// A store keeps at most one entry a key. All members may be called from many threads at once.
//
//   using key_type = ...; using value_type = ...;
//   Lookup<value_type> lookup(const key_type&, const Fingerprint&);
//       The entry if the stored fingerprint equals the given one, else a miss that tells the stored one.
//       It never returns an entry of another key or another fingerprint.
//   void publish(const key_type&, EntryPtr<value_type>);
//       Replaces what is stored for the key. A store may drop it at once (eviction), it may not keep another one
//       in its place: after a publish the older entry is gone.
//   bool erase(const key_type&);                          whether there was one; after it every look-up misses
//   std::size_t erase_group(const group_t<key_type>&);    how many there were
//   PruneReport prune(const KeepPredicate<key_type>&, const PruneOptions&);
//       Removes entries for whose keys the predicate says false, but none published after the sweep started.
//
// Failure is an exception derived from StoreError; a miss is none. A publish that fails leaves the old entry or none.
// The laws are tested by laws/store_laws.hpp, for your own store too.
//
// Stronger, optional, used where present:
//   HasReplace                      publishes only over what was seen, so that of two processes none replaces what is newer
//   HasLookupMany, HasPublishMany   batches: N keys, one round trip
//   HasLookupStale                  the stored entry whatever its fingerprint, with its age
//   HasLookupLatest                 where `lookup` may ask a copy that lags: asks what publishes go to, before a render
//   HasBounds                       a table that grows for ever unless it is kept within bounds: by `RenderCache::prune`
//   HasLeases                       among all processes that share the store one renders, and others wait for what it brings
//   HasNear                         a part of the store that answers from memory alone: asked by `find_near`, and instead of
//                                   the whole while that is unavailable

/// Names its `key_type` and `value_type`.
template <class S>
concept HasKeyAndValue = requires {
  typename S::key_type;
  typename S::value_type;
} && Key<typename S::key_type>;

/// Has `lookup`.
template <class S>
concept HasLookup = requires(S store, const typename S::key_type& key, const Fingerprint& fingerprint) {
  { store.lookup(key, fingerprint) } -> std::same_as<Lookup<typename S::value_type>>;
};

/// Has `publish`.
template <class S>
concept HasPublish = requires(S store, const typename S::key_type& key, EntryPtr<typename S::value_type> entry) {
  store.publish(key, std::move(entry));
};

/// Has `erase`.
template <class S>
concept HasErase = requires(S store, const typename S::key_type& key) {
  { store.erase(key) } -> std::same_as<bool>;
};

/// Has `erase_group`.
template <class S>
concept HasEraseGroup = requires(S store, const group_t<typename S::key_type>& group) {
  { store.erase_group(group) } -> std::same_as<std::size_t>;
};

/// Has `prune`.
template <class S>
concept HasPrune = requires(S store, const KeepPredicate<typename S::key_type>& keep, const PruneOptions& options) {
  { store.prune(keep, options) } -> std::same_as<PruneReport>;
};

/// All that a store must have.
template <class S>
concept Store = HasKeyAndValue<S> && HasLookup<S> && HasPublish<S> && HasErase<S> && HasEraseGroup<S> && HasPrune<S>;

/// `replace(key, entry, seen)`: as `publish`, if what is stored for the key is still what a look-up of it saw, and else not at all, in
/// one step; whether it was stored. So each miss of such a store tells what it saw. A near part keeps the entry either way.
template <class S>
concept HasReplace = requires(S store, const typename S::key_type& key, EntryPtr<typename S::value_type> entry) {
  { store.replace(key, std::move(entry), std::declval<const Seen&>()) } -> std::same_as<bool>;
};

/// A key with the fingerprint asked for.
template <class Key>
struct Query {
  Key key;  ///< which entry
  Fingerprint fingerprint;  ///< what it must have been made from
};

/// `lookup_many(queries)`: one answer a query, in their order; keys may repeat. One unreadable row spoils no other.
template <class S>
concept HasLookupMany = requires(S store, std::span<const Query<typename S::key_type>> queries) {
  { store.lookup_many(queries) } -> std::same_as<std::vector<Lookup<typename S::value_type>>>;
};

namespace detail {

/// The store's `lookup_many`, held to its word.
template <HasLookupMany S>
auto lookup_each(S& store, std::span<const Query<typename S::key_type>> queries) {
  auto found = store.lookup_many(queries);
  if (found.size() != queries.size()) {
    throw StoreError("the store's lookup_many answered " + std::to_string(found.size()) + " of " +
                     std::to_string(queries.size()) + " queries; it must answer each, in order");
  }
  return found;
}

}  // namespace detail

/// `publish_many(entries)`: all or nothing; of a key that repeats the last one is kept.
template <class S>
concept HasPublishMany =
    requires(S store, std::span<const std::pair<typename S::key_type, EntryPtr<typename S::value_type>>> entries) {
      store.publish_many(entries);
    };

/// `lookup_stale(key)`: what is stored, whatever its fingerprint.
template <class S>
concept HasLookupStale = requires(S store, const typename S::key_type& key) {
  { store.lookup_stale(key) } -> std::same_as<std::optional<Aged<typename S::value_type>>>;
};

/// `lookup_latest(key, fingerprint)`: as `lookup`, and never behind: by what publishes go to, so that it finds what any process has
/// published before it was called. Each second look-up is one, that of who is about to render and those of who waits for another
/// process's render; a miss of `lookup` that is `behind` is always followed by one.
template <class S>
concept HasLookupLatest = requires(S store, const typename S::key_type& key, const Fingerprint& fingerprint) {
  { store.lookup_latest(key, fingerprint) } -> std::same_as<Lookup<typename S::value_type>>;
};

namespace detail {

/// By `lookup_latest` where the store has it.
template <class S>
auto look_up_latest(S& store, const typename S::key_type& key, const Fingerprint& fingerprint) {
  if constexpr (HasLookupLatest<S>) {
    return store.lookup_latest(key, fingerprint);
  } else {
    return store.lookup(key, fingerprint);
  }
}

}  // namespace detail

/// `bounds()`, what the store was made with; `prune_to(bounds, options, stays)` removes what is older, and then what is oldest until the
/// rest is small enough, but nothing published since the sweep began. Keys for which `stays` says false, if it is given, count as gone.
template <class S>
concept HasBounds =
    requires(S store, const Bounds& bounds, const PruneOptions& options, const KeepPredicate<typename S::key_type>& stays) {
      { store.bounds() } -> std::convertible_to<const Bounds&>;
      { store.prune_to(bounds, options, stays) } -> std::same_as<PruneReport>;
    };

/// What a store says to a process that wants to render.
enum class LeaseAnswer : std::uint8_t {
  granted,  ///< it has the lease until it gives it back, or does not renew it in time
  held,  ///< another process has it
  none,  ///< the store keeps no leases
};

/// A lease tells which process renders a key for a fingerprint. It ends after `time` by the store's own clock unless it is renewed. It
/// is about work and never about truth: nothing is served or refused because of one.
///
/// `acquire_lease(key, fingerprint, owner, time)` is granted if nobody has it, or the same owner; `renew_leases(held, owner, time)`
/// renews those that he still has; `release_lease(key, fingerprint, owner)` gives one back, unless another has taken it meanwhile.
template <class S>
concept HasLeases = requires(S store, const typename S::key_type& key, const Fingerprint& fingerprint, const std::string& owner,
                             std::span<const Query<typename S::key_type>> held, std::chrono::milliseconds time) {
  { store.acquire_lease(key, fingerprint, owner, time) } -> std::same_as<LeaseAnswer>;
  store.renew_leases(held, owner, time);
  store.release_lease(key, fingerprint, owner);
};

/// `near()`: a store of the same keys and values, part of this one, that never waits for a disk or a network. What it
/// misses may be further away. A store in memory returns itself.
template <class S>
concept HasNear = requires(S store) {
  {
    store.near().lookup(std::declval<const typename S::key_type&>(), std::declval<const Fingerprint&>())
  } -> std::same_as<Lookup<typename S::value_type>>;
} && Store<std::remove_cvref_t<decltype(std::declval<S&>().near())>>;

/// Says in words what a type lacks to be a Store. Each model's header ends with it.
template <class S>
consteval bool check_store() {
  if constexpr (std::is_pointer_v<S> || requires(S store) { store.get(), *store; }) {
    RENDER_CACHE_MISTAKE("pass the store itself and not a pointer to it: `*store`");
  } else if constexpr (!requires {
                         typename S::key_type;
                         typename S::value_type;
                       }) {
    RENDER_CACHE_MISTAKE("a store names its types: add `using key_type = ...; using value_type = ...;`");
  } else if constexpr (!Store<S>) {
    using Key = typename S::key_type;
    if constexpr (!HasKeyAndValue<S>) {
      check_key_type<Key>();
    } else if constexpr (std::is_const_v<S> && Store<std::remove_const_t<S>>) {
      RENDER_CACHE_MISTAKE("the store is const, but to look up and to publish changes it: pass one that is not const");
    } else if constexpr (!HasLookup<S>) {
      if constexpr (requires(S store, const Key& key, const Fingerprint& fingerprint) { store.lookup(key, fingerprint); }) {
        RENDER_CACHE_MISTAKE("`lookup` must return Lookup<value_type>: the entry on a match, else a miss");
      } else if constexpr (requires(S store, Key& key, Fingerprint& fingerprint) { store.lookup(key, fingerprint); }) {
        RENDER_CACHE_MISTAKE("`lookup` must take key and fingerprint as const references");
      } else {
        RENDER_CACHE_MISTAKE("add `Lookup<value_type> lookup(const key_type&, const Fingerprint&)` to the store");
      }
    } else if constexpr (!HasPublish<S>) {
      RENDER_CACHE_MISTAKE(
          "add `void publish(const key_type&, EntryPtr<value_type>)` to the store: the entry is a shared pointer to const");
    } else if constexpr (!HasErase<S>) {
      if constexpr (requires(S store, const Key& key) { store.erase(key); }) {
        RENDER_CACHE_MISTAKE("`erase` must return bool: whether there was an entry");
      } else {
        RENDER_CACHE_MISTAKE("add `bool erase(const key_type&)` to the store: true if there was an entry");
      }
    } else if constexpr (!HasEraseGroup<S>) {
      if constexpr (requires(S store, const group_t<Key>& group) { store.erase_group(group); }) {
        RENDER_CACHE_MISTAKE("`erase_group` must return std::size_t: how many entries there were");
      } else {
        RENDER_CACHE_MISTAKE(
            "add `std::size_t erase_group(const group_t<key_type>&)` to the store: the group is the first field of the key");
      }
    } else if constexpr (requires(S store, const KeepPredicate<Key>& keep, const PruneOptions& options) {
                           store.prune(keep, options);
                         }) {
      RENDER_CACHE_MISTAKE("`prune` must return a PruneReport: what was examined, and what was removed");
    } else {
      RENDER_CACHE_MISTAKE("add `PruneReport prune(const KeepPredicate<key_type>&, const PruneOptions&)` to the store");
    }
  } else {
    check_key_type<typename S::key_type>();
  }
  return true;
}

}  // namespace render_cache
