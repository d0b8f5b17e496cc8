// RenderCache: render once, verify on every read, serve from the cache always. What a miss does is in read/rendering.hpp.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/hasher.hpp>
#include <render_cache/concepts/observer.hpp>
#include <render_cache/concepts/renderer.hpp>
#include <render_cache/concepts/source.hpp>
#include <render_cache/concepts/store.hpp>
#include <render_cache/entry/named_members.hpp>
#include <render_cache/read/get_many.hpp>
#include <render_cache/read/lookups.hpp>
#include <render_cache/read/options.hpp>
#include <render_cache/read/outcome.hpp>
#include <render_cache/read/rendering.hpp>
#include <render_cache/read/sampler.hpp>
#include <render_cache/read/stats.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

namespace render_cache {

namespace detail {

/// Whether one of the policies of a cache stands where another belongs.
template <class R, class H, class S>
consteval bool swapped() {
  constexpr bool r = NamesRender<R>, h = NamesComponents<H>, s = NamesLookup<S>;
  return (!r && (NamesRender<H> || NamesRender<S>)) || (!h && (NamesComponents<R> || NamesComponents<S>)) ||
         (!s && (NamesLookup<R> || NamesLookup<H>));
}

template <class R, class H, class S, class O>
consteval bool check_policies() {
  if constexpr (swapped<R, H, S>()) {
    RENDER_CACHE_MISTAKE("the policies come in another order: RenderCache(renderer, hasher, store)");
  } else {
    check_version<R>();
    check_store<S>();
    if constexpr (Store<S>) check_observer<O, typename S::key_type>();
  }
  return true;
}

}  // namespace detail

/// The claim: no read returns a value whose fingerprint was not the source's fingerprint at some moment between the call and
/// the return; and where a value for that fingerprint exists in the store, nothing is rendered. Everything else may fail
/// without breaking it. What is older than the source is returned only where a call's `Freshness` allows it.
///
/// `Source` is whatever the hasher takes: a text, a `FileSource`, the state of a repository. A call with options may be outlived by
/// its render, which then works on a copy: `outlives_call` says for which sources that is good, and others do not compile there. A
/// source must not own the cache. All members may be called from many threads at once; (key, fingerprint) is rendered by one of
/// them, with no lock held. An error that a render ends with is thrown to all who waited for it, one object for all of them: so
/// catch it by const reference. The store must outlive the cache. The destructor waits for renders in the background.
///
/// `Observer` is told of hits, misses, renders, publishes and store errors, with durations: concepts/observer.hpp.
template <class Renderer, class Hasher, class Store, class Observer = NoObserver>
class RenderCache {
  static_assert(detail::check_policies<Renderer, Hasher, Store, Observer>());

 public:
  using key_type = typename Store::key_type;
  using value_type = typename Store::value_type;
  using outcome_type = Outcome<value_type>;  ///< what a read answers

  RenderCache(Renderer renderer, Hasher hasher, Store& store, CacheOptions options = {}, Observer observer = {})
      : sampler_(std::move(renderer), std::move(hasher)), lookups_(store, options.store_pause, std::move(observer)),
        rendering_(sampler_, lookups_, options), batches_(sampler_, lookups_, rendering_) {}
  /// A temporary store would be gone at the end of the line.
  template <class Temporary>
    requires std::same_as<Temporary, Store>
  RenderCache(Renderer renderer, Hasher hasher, Temporary&& store, CacheOptions options = {}, Observer observer = {})
      : RenderCache(std::move(renderer), std::move(hasher), store, std::move(options), std::move(observer)) {
    RENDER_CACHE_MISTAKE("the store must outlive the cache: make it a variable of its own, and pass that");
  }
  RenderCache(const RenderCache&) = delete;
  RenderCache& operator=(const RenderCache&) = delete;

  /// What the source and the renderer are now.
  template <class Source>
  [[nodiscard]] Fingerprint fingerprint(const Source& source) const {
    return sampler_.fingerprint(source);
  }

  /// As `fingerprint`, where that needs no wait for a disk or a network; else nothing. Goes with `find_near`.
  template <class Source>
    requires NearHasher<Hasher, Source>
  [[nodiscard]] std::optional<Fingerprint> fingerprint_near(const Source& source) const {
    return sampler_.fingerprint_near(source);
  }

  /// The value for the source as it is now: from the store if it has it, else rendered and published.
  /// Throws what the renderer or the hasher throws, `RenderTimeout`, `RecursiveRender`, and `InvalidKey`. A store's failure is
  /// counted and survived.
  template <class Source>
  outcome_type get(const key_type& key, const Source& source) {
    static_assert(check_source<Source>());
    return get_as(key, source, {});
  }
  /// As above, with this call's wishes. An older value is returned only where they allow one.
  template <class Source>
  outcome_type get(const key_type& key, const Source& source, const GetOptions& options) {
    static_assert(check_source<Source>() && check_outlives_call<Source>());
    return get_as(key, source, options);
  }

  /// Renders now, whatever is stored, and publishes. What it answers was rendered after the call began, by a render that concurrent
  /// refreshes share; it waits for two of them at the most.
  template <class Source>
  outcome_type refresh(const key_type& key, const Source& source) {
    static_assert(check_source<Source>());
    return refresh_as(key, source, {});
  }
  /// As above, with this call's wishes.
  template <class Source>
  outcome_type refresh(const key_type& key, const Source& source, const GetOptions& options) {
    static_assert(check_source<Source>() && check_outlives_call<Source>());
    return refresh_as(key, source, options);
  }

  /// A hit or a reason, and never a render. For a caller that has sampled the fingerprint itself.
  outcome_type find(const key_type& key, const Fingerprint& now) {
    const Watch watch;
    auto found = lookups_.find(key, now);
    lookups_.note(key, found.outcome, watch);
    return std::move(found.outcome);
  }

  /// As `find`, but never waits for a disk or a network: a miss says only that the answer is not near. Misses are not counted.
  outcome_type find_near(const key_type& key, const Fingerprint& now)
    requires HasNear<Store>
  {
    const Watch watch;
    auto outcome = lookups_.find_near(key, now);
    if (outcome) lookups_.note(key, outcome, watch);
    return outcome;
  }

  /// One answer a key, in order. One round trip for all look-ups where the store can; only what is missing is rendered,
  /// in parallel; keys may repeat and share a render; an error is its own key's answer alone.
  /// Throws std::invalid_argument for limits with a source that cannot outlive the call.
  template <class Source>
  std::vector<Answer<value_type>> get_many(std::span<const Wanted<key_type, Source>> wanted, const ManyOptions& options = {}) {
    static_assert(check_source<Source>());
    if constexpr (!outlives_call<Source>) {
      if (options.each.hard_limit || options.each.freshness.mode() == Freshness::Mode::stale_while_rendering) {
        throw std::invalid_argument(
            "get_many: with hard_limit or stale_while_rendering a render may outlive the call, on a copy of the source: "
            "specialise "
            "render_cache::outlives_call for its type if a copy owns what it refers to");
      }
    }
    return batches_.get_many(wanted, options);
  }
  /// As above.
  template <class Source>
  std::vector<Answer<value_type>> get_many(const std::vector<Wanted<key_type, Source>>& wanted, const ManyOptions& options = {}) {
    return get_many(std::span<const Wanted<key_type, Source>>(wanted), options);
  }

  /// After it every read of this process misses until one has rendered: a render in progress is not stored, and one that is being
  /// stored is waited for and erased. Another process that shares the store may keep what it has near, and store what it is rendering.
  /// Whether there was an entry. Store errors are thrown.
  bool erase(const key_type& key) { return rendering_.erase(key); }
  /// As `erase`, for all keys of a group; how many entries there were.
  std::size_t erase_group(const group_t<key_type>& group) { return rendering_.erase_group(group); }

  /// Removes the entries whose source is gone, and then what is beyond the store's bounds, if it has some, but none published since
  /// the sweep began. Store errors are thrown.
  PruneReport prune(const KeepPredicate<key_type>& keep, const PruneOptions& options = {}) {
    auto report = store().prune(keep, options);
    if constexpr (HasBounds<Store>) {
      if (report.stopped) return report;
      // In a dry run what is gone is still there.
      const auto beyond = store().prune_to(store().bounds(), options, options.dry_run ? keep : KeepPredicate<key_type>());
      report.removed += beyond.removed;
      report.kept_newer += beyond.kept_newer;
      report.stopped = beyond.stopped;
    }
    return report;
  }

  /// The moment's numbers.
  [[nodiscard]] CacheStats stats() const {
    CacheStats stats;
    lookups_.add_to(stats);
    rendering_.add_to(stats);
    return stats;
  }

  /// The renderer that the cache was made with.
  [[nodiscard]] const Renderer& renderer() const noexcept { return sampler_.renderer(); }
  /// The hasher that the cache was made with.
  [[nodiscard]] const Hasher& hasher() const noexcept { return sampler_.hasher(); }
  /// The store that the cache refers to.
  [[nodiscard]] Store& store() const noexcept { return lookups_.store().get(); }
  /// The observer that the cache was made with.
  [[nodiscard]] const Observer& observer() const noexcept { return lookups_.store().observer(); }

 private:
  using Watch = typename detail::Lookups<Store, Observer>::Watch;

  template <class Source>
  static consteval bool check_source() {
    check_hasher<Hasher, Source>();
    if constexpr (FreezingHasher<Hasher, Source>) {
      check_renderer<Renderer, key_type, decltype(std::declval<const Hasher&>().freeze(std::declval<const Source&>()).content),
                     value_type>();
    } else if constexpr (render_cache::Hasher<Hasher, Source>) {
      check_renderer<Renderer, key_type, Source, value_type>();
    }
    return true;
  }

  template <class Source>
  outcome_type get_as(const key_type& key, const Source& source, const GetOptions& options) {
    const Watch watch;
    const auto landings = rendering_.landings();
    Fingerprint now;
    try {
      now = fingerprint(source);
    } catch (...) {
      return rendering_.older_or_rethrow(key, watch, options);
    }
    auto found = lookups_.find(key, now);
    lookups_.note(key, found.outcome, watch);
    if (found.outcome) return std::move(found.outcome);
    return rendering_.answer(key, source, {landings, std::move(now), std::move(found)}, options);
  }
  template <class Source>
  outcome_type refresh_as(const key_type& key, const Source& source, const GetOptions& options) {
    const Watch watch;
    Fingerprint now;
    try {
      now = fingerprint(source);
    } catch (...) {
      return rendering_.older_or_rethrow(key, watch, options);
    }
    auto forced = lookups_.missed(Miss::forced);
    lookups_.note(key, forced, watch);
    return rendering_.answer(key, source, {rendering_.landings(), std::move(now), {std::move(forced)}}, options);
  }

  detail::Sampler<Renderer, Hasher> sampler_;
  detail::Lookups<Store, Observer> lookups_;
  detail::Rendering<Renderer, Hasher, Store, Observer> rendering_;
  detail::Batches<Renderer, Hasher, Store, Observer> batches_;
};

template <class Renderer, class Hasher, class Store>
RenderCache(Renderer, Hasher, Store&) -> RenderCache<Renderer, Hasher, Store>;
template <class Renderer, class Hasher, class Store>
RenderCache(Renderer, Hasher, Store&, CacheOptions) -> RenderCache<Renderer, Hasher, Store>;
template <class Renderer, class Hasher, class Store, class Observer>
RenderCache(Renderer, Hasher, Store&, CacheOptions, Observer) -> RenderCache<Renderer, Hasher, Store, Observer>;
template <class Renderer, class Hasher, class Store>
RenderCache(Renderer, Hasher, Store&&, CacheOptions = {}) -> RenderCache<Renderer, Hasher, Store>;  // to be refused in words

}  // namespace render_cache
