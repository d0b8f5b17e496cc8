// The near store of two tiers, and the fence that keeps what is older from overtaking what is newer on its way there.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/store.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

namespace render_cache {

/// The only way to the near store of a `TieredStore`: a Store itself, which answers alone while the far one is away.
///
/// A far hit on its way here may be overtaken by a publish or an erase of its key. So each key belongs to a fence, which counts
/// what changes its keys: a far look-up notes the count before it asks, and `fill` keeps what it brought only if nothing has
/// changed since. Change and count, comparison and fill are each one step under the fence's lock, so there is no moment at which
/// an overtaken entry can be read.
template <class Near>
class NearTier {
 public:
  using key_type = typename Near::key_type;
  using value_type = typename Near::value_type;

  explicit NearTier(Near& near) : near_(near) {}

  /// The near store itself, for its numbers.
  [[nodiscard]] Near& store() const noexcept { return near_; }

  Lookup<value_type> lookup(const key_type& key, const Fingerprint& fingerprint) {
    auto found = near_.lookup(key, fingerprint);
    found.origin = Origin::near;  // whatever a store says that does not know what it is used for
    return found;
  }
  std::optional<Aged<value_type>> lookup_stale(const key_type& key)
    requires HasLookupStale<Near>
  {
    return near_.lookup_stale(key);
  }

  void publish(const key_type& key, EntryPtr<value_type> entry) {
    change(key, [&] { near_.publish(key, std::move(entry)); });
  }
  bool erase(const key_type& key) {
    return change(key, [&] { return near_.erase(key); });
  }
  std::size_t erase_group(const group_t<key_type>& group) {
    return change_all([&] { return near_.erase_group(group); });
  }
  PruneReport prune(const KeepPredicate<key_type>& keep, const PruneOptions& options) {
    return change_all([&] { return near_.prune(keep, options); });
  }

  /// How often the keys of `key`'s fence have changed: to be noted before the far store is asked.
  [[nodiscard]] std::uint64_t changes(const key_type& key) {
    auto& fence = fence_of(key);
    const std::lock_guard lock(fence.mutex);
    return fence.changes;
  }

  /// Keeps what a far look-up brought, unless its key may have changed since `seen`.
  void fill(const key_type& key, const EntryPtr<value_type>& entry, std::uint64_t seen) {
    auto& fence = fence_of(key);
    const std::lock_guard lock(fence.mutex);
    if (fence.changes == seen) near_.publish(key, entry);
  }

 private:
  struct alignas(64) Fence {
    std::mutex mutex;
    std::uint64_t changes = 0;
  };

  Fence& fence_of(const key_type& key) noexcept { return fences_[hash_key(key, seed_) % fences_.size()]; }

  template <class Step>
  auto change(const key_type& key, Step&& step) {
    auto& fence = fence_of(key);
    const std::lock_guard lock(fence.mutex);
    ++fence.changes;
    return step();
  }

  /// The step is not under the locks, for it may be long: what is filled before the count is there for the step to remove, and
  /// what was asked for before the count is not filled after it.
  template <class Step>
  auto change_all(Step&& step) {
    for (auto& fence : fences_) {
      const std::lock_guard lock(fence.mutex);
      ++fence.changes;
    }
    return step();
  }

  Near& near_;
  const std::uint64_t seed_ = detail::random_seed();
  std::array<Fence, 64> fences_{};
};

}  // namespace render_cache
