// A store made of two: a near one in memory, in front of a far one that is shared or durable.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/store.hpp>
#include <render_cache/entry/error.hpp>
#include <render_cache/store/near_tier.hpp>

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

namespace detail {

template <class Near, class Far>
consteval bool check_tiers() {
  check_store<Near>();
  check_store<Far>();
  if constexpr (Store<Near> && Store<Far>) {
    if constexpr (!std::same_as<typename Near::key_type, typename Far::key_type> ||
                  !std::same_as<typename Near::value_type, typename Far::value_type>) {
      RENDER_CACHE_MISTAKE("both tiers must have the same key_type and value_type: make them of one schema");
    } else if constexpr (!HasNear<Near> && requires(Far far) {
                           { far.near() } -> std::same_as<Far&>;
                         }) {
      RENDER_CACHE_MISTAKE("the tiers come in another order: TieredStore(near, far), the one in memory first");
    }
  }
  return true;
}

}  // namespace detail

/// A near hit needs no round trip, and is right because it is verified like any other: no messages between nodes are
/// needed, since a node that holds an older entry misses and asks the far store. A far hit fills the near store.
///
/// Publish, erase and clean-up reach both, the far store first; where it fails, the near one is still brought up
/// to date and then the error is thrown. Both must outlive this object. `Near` never blocks (MemoryStore). All members may be
/// called from many threads at once, and throw what the far store throws.
template <class Near, class Far>
class TieredStore {
  static_assert(detail::check_tiers<Near, Far>());

 public:
  using key_type = typename Far::key_type;
  using value_type = typename Far::value_type;

  TieredStore(Near& near, Far& far) : near_(near), far_(far) {}
  /// Temporary stores would be gone at the end of the line.
  template <class A, class B>
    requires std::same_as<std::remove_reference_t<A>, Near> && std::same_as<std::remove_reference_t<B>, Far>
  TieredStore(A&& near, B&& far) : TieredStore(near, far) {
    RENDER_CACHE_MISTAKE("both tiers must outlive the store that is made of them: make each a variable of its own");
  }

  /// Answers without a round trip, and alone while the far store is away.
  [[nodiscard]] NearTier<Near>& near() noexcept { return near_; }
  /// The store behind it.
  [[nodiscard]] Far& far() const noexcept { return far_; }

  Lookup<value_type> lookup(const key_type& key, const Fingerprint& fingerprint) {
    return near_or(key, fingerprint, [&] { return far_.lookup(key, fingerprint); });
  }

  /// What is near is verified, too.
  Lookup<value_type> lookup_latest(const key_type& key, const Fingerprint& fingerprint)
    requires HasLookupLatest<Far>
  {
    return near_or(key, fingerprint, [&] { return far_.lookup_latest(key, fingerprint); });
  }

  /// One round trip, for what the near store lacks.
  std::vector<Lookup<value_type>> lookup_many(std::span<const Query<key_type>> queries)
    requires HasLookupMany<Far>
  {
    std::vector<Lookup<value_type>> found(queries.size());
    std::vector<Query<key_type>> lacking;
    std::vector<std::pair<std::size_t, std::uint64_t>> places;  // index, changes seen
    for (std::size_t i = 0; i < queries.size(); ++i) {
      found[i] = near_.lookup(queries[i].key, queries[i].fingerprint);
      if (found[i].entry) continue;
      lacking.push_back(queries[i]);
      places.emplace_back(i, near_.changes(queries[i].key));
    }
    if (lacking.empty()) return found;
    auto further = detail::lookup_each(far_, lacking);
    for (std::size_t i = 0; i < lacking.size(); ++i) {
      if (further[i].entry) near_.fill(lacking[i].key, further[i].entry, places[i].second);
      found[places[i].first] = std::move(further[i]);
    }
    return found;
  }

  /// The far store's: whether that is there must not be hidden by what is near.
  std::optional<Aged<value_type>> lookup_stale(const key_type& key)
    requires HasLookupStale<Far>
  {
    return far_.lookup_stale(key);
  }

  void publish(const key_type& key, EntryPtr<value_type> entry) {
    both([&] { far_.publish(key, entry); }, [&] { near_.publish(key, std::move(entry)); });
  }

  /// Kept near also where the far store has something newer: a near look-up tells one from the other.
  bool replace(const key_type& key, EntryPtr<value_type> entry, const Seen& seen)
    requires HasReplace<Far>
  {
    bool replaced = false;
    both([&] { replaced = far_.replace(key, entry, seen); }, [&] { near_.publish(key, std::move(entry)); });
    return replaced;
  }

  void publish_many(std::span<const std::pair<key_type, EntryPtr<value_type>>> entries)
    requires HasPublishMany<Far>
  {
    both([&] { far_.publish_many(entries); },
         [&] {
           for (const auto& [key, entry] : entries) near_.publish(key, entry);
         });
  }

  /// The far store's: it is the one that processes share.
  LeaseAnswer acquire_lease(const key_type& key, const Fingerprint& fingerprint, const std::string& owner,
                            std::chrono::milliseconds time)
    requires HasLeases<Far>
  {
    return far_.acquire_lease(key, fingerprint, owner, time);
  }
  void renew_leases(std::span<const Query<key_type>> held, const std::string& owner, std::chrono::milliseconds time)
    requires HasLeases<Far>
  {
    far_.renew_leases(held, owner, time);
  }
  void release_lease(const key_type& key, const Fingerprint& fingerprint, const std::string& owner)
    requires HasLeases<Far>
  {
    far_.release_lease(key, fingerprint, owner);
  }

  bool erase(const key_type& key) {
    bool erased = false;
    both([&] { erased = far_.erase(key); }, [&] { erased = near_.erase(key) || erased; });
    return erased;
  }

  std::size_t erase_group(const group_t<key_type>& group) {
    std::size_t erased = 0;
    both([&] { erased = far_.erase_group(group); }, [&] { near_.erase_group(group); });
    return erased;
  }

  /// The far store's counts. The near store is swept to its end even if the far sweep is stopped: what that has removed by
  /// then must not stay near, nor what `keep` throws for.
  PruneReport prune(const KeepPredicate<key_type>& keep, const PruneOptions& options) {
    PruneReport report;
    const auto keep_near = [&](const key_type& key) {
      try {
        return keep(key);
      } catch (...) {
        return false;
      }
    };
    both([&] { report = far_.prune(keep, options); },
         [&] {
           if (!options.dry_run) near_.prune(keep_near, {});
         });
    return report;
  }

  /// The far database knows which groups live; what the near store holds of the others is not worth telling apart. A sweep that
  /// fails midway may have removed something too.
  PruneReport prune_groups(std::string_view live_query, const auto& options)
    requires requires(Far far) { far.prune_groups(live_query, options); }
  {
    PruneReport report{.removed = 1};
    both([&] { report = far_.prune_groups(live_query, options); },
         [&] {
           if (report.removed > 0 && !options.dry_run) near_.prune([](const key_type&) { return false; }, {});
         });
    return report;
  }

  /// The far store's.
  [[nodiscard]] const Bounds& bounds() const noexcept
    requires HasBounds<Far>
  {
    return far_.bounds();
  }

  /// Of the far store. What the near one has of the same entries is right and takes no room there: it stays.
  PruneReport prune_to(const Bounds& bounds, const PruneOptions& options = {}, const KeepPredicate<key_type>& stays = {})
    requires HasBounds<Far>
  {
    return far_.prune_to(bounds, options, stays);
  }

 private:
  template <class FarLookup>
  Lookup<value_type> near_or(const key_type& key, const Fingerprint& fingerprint, FarLookup&& far_lookup) {
    auto found = near_.lookup(key, fingerprint);
    if (found.entry) return found;
    const auto seen = near_.changes(key);
    found = far_lookup();
    if (found.entry) near_.fill(key, found.entry, seen);
    return found;
  }

  /// The near step comes second, and also when the far one fails, but for what no database would hold.
  template <class FarStep, class NearStep>
  static void both(FarStep&& far_step, NearStep&& near_step) {
    try {
      far_step();
    } catch (const InvalidKey&) {
      throw;
    } catch (const InvalidValue&) {
      throw;
    } catch (...) {
      near_step();
      throw;
    }
    near_step();
  }

  NearTier<Near> near_;
  Far& far_;
};

template <class Near, class Far>
TieredStore(Near&, Far&) -> TieredStore<Near, Far>;
template <class Near, class Far>
TieredStore(Near&&, Far&&) -> TieredStore<std::remove_reference_t<Near>, std::remove_reference_t<Far>>;  // to be refused in words

}  // namespace render_cache
