// A store that passes everything on to another one: the base of stores that change a little of what that does.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/store.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache::laws {

/// Has each stronger concept that the wrapped store has, which must outlive it.
template <class Inner>
class WrappedStore {
 public:
  static_assert(check_store<Inner>());
  using key_type = typename Inner::key_type;
  using value_type = typename Inner::value_type;
  /// What `publish_many` takes.
  using Entries = std::span<const std::pair<key_type, EntryPtr<value_type>>>;

  explicit WrappedStore(Inner& inner) : inner_(inner) {}

  /// The store that is wrapped.
  [[nodiscard]] Inner& inner() const noexcept { return inner_; }

  Lookup<value_type> lookup(const key_type& key, const Fingerprint& fingerprint) { return inner().lookup(key, fingerprint); }
  std::vector<Lookup<value_type>> lookup_many(std::span<const Query<key_type>> queries)
    requires HasLookupMany<Inner>
  {
    return inner().lookup_many(queries);
  }
  std::optional<Aged<value_type>> lookup_stale(const key_type& key)
    requires HasLookupStale<Inner>
  {
    return inner().lookup_stale(key);
  }
  Lookup<value_type> lookup_latest(const key_type& key, const Fingerprint& fingerprint)
    requires HasLookupLatest<Inner>
  {
    return inner().lookup_latest(key, fingerprint);
  }
  [[nodiscard]] decltype(auto) near()
    requires HasNear<Inner>
  {
    return inner().near();
  }

  void publish(const key_type& key, EntryPtr<value_type> entry) { inner().publish(key, std::move(entry)); }
  bool replace(const key_type& key, EntryPtr<value_type> entry, const Seen& seen)
    requires HasReplace<Inner>
  {
    return inner().replace(key, std::move(entry), seen);
  }
  void publish_many(Entries entries)
    requires HasPublishMany<Inner>
  {
    inner().publish_many(entries);
  }

  bool erase(const key_type& key) { return inner().erase(key); }
  std::size_t erase_group(const group_t<key_type>& group) { return inner().erase_group(group); }
  PruneReport prune(const KeepPredicate<key_type>& keep, const PruneOptions& options) { return inner().prune(keep, options); }
  /// As the wrapped store's.
  [[nodiscard]] const Bounds& bounds()
    requires HasBounds<Inner>
  {
    return inner().bounds();
  }
  /// As the wrapped store's.
  PruneReport prune_to(const Bounds& bounds, const PruneOptions& options = {}, const KeepPredicate<key_type>& stays = {})
    requires HasBounds<Inner>
  {
    return inner().prune_to(bounds, options, stays);
  }
  /// As the wrapped store's.
  PruneReport prune_groups(std::string_view live_query, const auto& options)
    requires requires(Inner store) { store.prune_groups(live_query, options); }
  {
    return inner().prune_groups(live_query, options);
  }

  LeaseAnswer acquire_lease(const key_type& key, const Fingerprint& fingerprint, const std::string& owner,
                            std::chrono::milliseconds time)
    requires HasLeases<Inner>
  {
    return inner().acquire_lease(key, fingerprint, owner, time);
  }
  void renew_leases(std::span<const Query<key_type>> held, const std::string& owner, std::chrono::milliseconds time)
    requires HasLeases<Inner>
  {
    inner().renew_leases(held, owner, time);
  }
  void release_lease(const key_type& key, const Fingerprint& fingerprint, const std::string& owner)
    requires HasLeases<Inner>
  {
    inner().release_lease(key, fingerprint, owner);
  }

 private:
  Inner& inner_;
};

}  // namespace render_cache::laws
