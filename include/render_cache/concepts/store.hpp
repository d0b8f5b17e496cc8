// What a store must do.
#pragma once

#include <render_cache/entry/entry.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/entry/prune.hpp>

#include <concepts>
#include <cstddef>
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
//   HasLookupMany, HasPublishMany   batches: N keys, one round trip
//   HasLookupStale                  the stored entry whatever its fingerprint, with its age
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

/// A key with the fingerprint asked for.
template <class Key>
struct Query {
  Key key;                  ///< which entry
  Fingerprint fingerprint;  ///< what it must have been made from
};

/// `lookup_many(queries)`: one answer a query, in their order; keys may repeat. One unreadable row spoils no other.
template <class S>
concept HasLookupMany = requires(S store, std::span<const Query<typename S::key_type>> queries) {
  { store.lookup_many(queries) } -> std::same_as<std::vector<Lookup<typename S::value_type>>>;
};

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
  static_assert(
      requires {
        typename S::key_type;
        typename S::value_type;
      }, "a store names its types: add `using key_type = ...; using value_type = ...;`");
  static_assert(Key<typename S::key_type>, "key_type must be a struct described with BOOST_HANA_ADAPT_STRUCT, with operator==");
  static_assert(HasLookup<S>,
                "add `Lookup<value_type> lookup(const key_type&, const Fingerprint&)`: the entry on a match, else a miss");
  static_assert(HasPublish<S>,
                "add `void publish(const key_type&, EntryPtr<value_type>)`: the entry comes as a shared pointer to const");
  static_assert(HasErase<S>, "add `bool erase(const key_type&)`: true if there was an entry");
  static_assert(HasEraseGroup<S>, "add `std::size_t erase_group(const group_t<key_type>&)`: the group is the key's first field");
  static_assert(HasPrune<S>, "add `PruneReport prune(const KeepPredicate<key_type>&, const PruneOptions&)`");
  return Store<S>;
}

}  // namespace render_cache
