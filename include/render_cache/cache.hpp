// RenderCache: render once, verify on every read, serve from the cache always. What a miss does is in read/rendering.hpp.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/hasher.hpp>
#include <render_cache/concepts/observer.hpp>
#include <render_cache/concepts/renderer.hpp>
#include <render_cache/concepts/store.hpp>
#include <render_cache/entry/named_members.hpp>
#include <render_cache/entry/text.hpp>
#include <render_cache/read/background.hpp>
#include <render_cache/read/failure_memory.hpp>
#include <render_cache/read/flight.hpp>
#include <render_cache/read/options.hpp>
#include <render_cache/read/outcome.hpp>
#include <render_cache/read/stats.hpp>
#include <render_cache/read/store_access.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace render_cache {

/// A key and the source to render it from.
template <class Key, class Source>
struct Wanted {
  Key key;        ///< which entry
  Source source;  ///< what the hasher samples and the renderer renders
};

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
/// `Source` is whatever the hasher takes: a text, a `FileSource`, the state of a repository. It owns what it refers to, since a
/// render with a limit works on a copy and may outlive the call; a view is rendered within the call, whatever the limits.
/// All members may be called from many threads at once; (key, fingerprint) is rendered by one of them, with no lock held. The store must
/// outlive the cache. The destructor waits for renders in the background.
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
      : renderer_(std::move(renderer)), hasher_(std::move(hasher)), store_(store, options.store_pause, std::move(observer)),
        failures_(options.failure_memory), background_(options.max_background) {}
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
    static_assert(check_hasher<Hasher, Source>());
    return with_renderer(hasher_.components(source));
  }

  /// As `fingerprint`, where that needs no wait for a disk or a network; else nothing. Goes with `find_near`.
  template <class Source>
    requires NearHasher<Hasher, Source>
  [[nodiscard]] std::optional<Fingerprint> fingerprint_near(const Source& source) const {
    auto components = hasher_.components_near(source);
    if (components) components = with_renderer(std::move(*components));
    return components;
  }

  /// The value for the source as it is now: from the store if it has it, else rendered and published.
  /// Throws what the renderer or the hasher throws, `RenderTimeout`, `RecursiveRender`, and `InvalidKey`. A store's failure is
  /// counted and survived.
  template <class Source>
  outcome_type get(const key_type& key, const Source& source, const GetOptions& options = {}) {
    static_assert(check_source<Source>());
    const ReadWatch watch;
    const auto ticket = flights_.ticket();
    auto now = fingerprint(source);
    auto found = look_up(key, now);
    note(key, found, watch);
    if (found) return found;
    return render_or_join(key, source, std::move(now), std::move(found), ticket, options);
  }

  /// Renders now, whatever is stored, and publishes; concurrent refreshes share one render that started after both.
  template <class Source>
  outcome_type refresh(const key_type& key, const Source& source, const GetOptions& options = {}) {
    static_assert(check_source<Source>());
    const ReadWatch watch;
    auto now = fingerprint(source);
    auto forced = missed(Miss::forced);
    note(key, forced, watch);
    return render_or_join(key, source, std::move(now), std::move(forced), flights_.ticket(), options);
  }

  /// A hit or a reason, and never a render. For a caller that has sampled the fingerprint itself.
  outcome_type find(const key_type& key, const Fingerprint& now) {
    const ReadWatch watch;
    auto outcome = look_up(key, now);
    note(key, outcome, watch);
    return outcome;
  }

  /// As `find`, but never waits for a disk or a network: a miss says only that the answer is not near. Misses are not counted.
  outcome_type find_near(const key_type& key, const Fingerprint& now)
    requires HasNear<Store>
  {
    if (!now.settled()) return missed(Miss::unsettled);
    const ReadWatch watch;
    auto outcome = judge(store_.get().near().lookup(key, now), now);
    if (outcome) note(key, outcome, watch);
    return outcome;
  }

  /// One answer a key, in order. One round trip for all look-ups where the store can; only what is missing is rendered,
  /// in parallel; keys may repeat and share a render; an error is its own key's answer alone.
  template <class Source>
  std::vector<Answer<value_type>> get_many(std::span<const Wanted<key_type, Source>> wanted, const ManyOptions& options = {});
  template <class Source>
  std::vector<Answer<value_type>> get_many(const std::vector<Wanted<key_type, Source>>& wanted, const ManyOptions& options = {}) {
    return get_many(std::span<const Wanted<key_type, Source>>(wanted), options);
  }

  /// After this every read of this process misses until it has rendered, and so does every other's that has nothing near; a
  /// render in progress is not stored. Store errors are thrown.
  bool erase(const key_type& key) {
    flights_.mark_erased([&](const key_type& each) { return each == key; });
    failures_.forget(key);
    return store_.get().erase(key);
  }
  /// As `erase`, for all keys of a group; returns how many entries there were.
  std::size_t erase_group(const group_t<key_type>& group) {
    flights_.mark_erased([&](const key_type& each) { return group_of(each) == group; });
    return store_.get().erase_group(group);
  }

  /// Removes the entries whose source is gone, but none published since the sweep began. Store errors are thrown.
  PruneReport prune(const KeepPredicate<key_type>& keep, const PruneOptions& options = {}) {
    return store_.get().prune(keep, options);
  }

  /// The moment's numbers.
  [[nodiscard]] CacheStats stats() const {
    CacheStats stats;
    counts_.add_to(stats);
    store_.add_to(stats);
    return stats;
  }

  /// The renderer that the cache was made with.
  [[nodiscard]] const Renderer& renderer() const noexcept { return renderer_; }
  /// The hasher that the cache was made with.
  [[nodiscard]] const Hasher& hasher() const noexcept { return hasher_; }
  /// The store that the cache refers to.
  [[nodiscard]] Store& store() const noexcept { return store_.get(); }
  /// The observer that the cache was made with.
  [[nodiscard]] const Observer& observer() const noexcept { return store_.observer(); }

 private:
  using Flight = render_cache::Flight<key_type, value_type>;
  using FlightPtr = std::shared_ptr<Flight>;
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;
  using ReadWatch = detail::Stopwatch<ObservesHits<Observer, key_type> || ObservesMisses<Observer, key_type>>;
  using enum detail::CacheCounter;

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

  Fingerprint with_renderer(Fingerprint components) const {
    return std::move(components.add("renderer", std::string_view(renderer_.version())));
  }

  static outcome_type missed(Miss reason, std::string detail = {}) {
    return {nullptr, Origin::store, reason, false, std::move(detail)};
  }

  static outcome_type judge(Lookup<value_type>&& found, const Fingerprint& now) {
    if (found.entry) return {std::move(found.entry), found.origin};
    if (!found.unreadable.empty()) return missed(Miss::unreadable, std::move(found.unreadable));
    if (found.stored) return missed(Miss::changed, changed_components(*found.stored, now));
    return missed(Miss::absent);
  }

  /// Counts the answer of a look-up, and tells of it.
  void note([[maybe_unused]] const key_type& key, const outcome_type& outcome, [[maybe_unused]] const ReadWatch& watch) noexcept {
    if (outcome.hit()) {
      counts_.add(outcome.origin == Origin::near ? near_hits : far_hits);
      if constexpr (ObservesHits<Observer, key_type>) observer().on_hit(key, {outcome.origin, watch.elapsed()});
    } else {
      counts_.add(misses + static_cast<std::size_t>(outcome.miss));
      if constexpr (ObservesMisses<Observer, key_type>) observer().on_miss(key, {outcome.miss, outcome.detail, watch.elapsed()});
    }
  }

  outcome_type look_up(const key_type& key, const Fingerprint& now) {
    if (!now.settled()) return missed(Miss::unsettled);
    std::string failure;
    auto found = store_.ask([&](auto& store) { return store.lookup(key, now); }, failure);
    return found ? judge(std::move(*found), now) : missed(Miss::store_failed, std::move(failure));
  }

  struct Asked {  // one key of get_many
    std::size_t place;
    Query<key_type> query;
    outcome_type outcome;
  };
  template <class Source>
  std::vector<Asked> sample(std::span<const Wanted<key_type, Source>> wanted, std::vector<Answer<value_type>>& answers) const;
  void find_many(std::vector<Asked>& asked, const ReadWatch& watch);

  template <class Source>
  outcome_type render_or_join(const key_type& key, const Source& source, Fingerprint now, outcome_type why, std::uint64_t ticket,
                              const GetOptions& options);
  struct Errand {  // what a leader is to do
    bool look_again;  ///< another flight may have published what this one is for
    bool whatever_is_frozen;  ///< render the source as it was frozen, though it is no longer what was asked for
  };
  template <class Source>
  void fly(const FlightPtr& flight, const Source& source, Errand errand) noexcept;
  template <class Source>
  Landing<value_type> render(const Flight& flight, const Source& source, Errand errand);
  template <class Source>
  std::string movement(const Source& source, const Fingerprint& before) const;
  template <class Content>
  EntryPtr<value_type> make_entry(const key_type& key, const Content& content, Fingerprint now);
  void publish(const Flight& flight, Landing<value_type>& landing);
  std::optional<outcome_type> older(const key_type& key, const outcome_type& why, const Freshness& freshness);

  [[no_unique_address]] Renderer renderer_;
  [[no_unique_address]] Hasher hasher_;
  detail::StoreAccess<Store, Observer> store_;
  detail::CacheCounters counts_;
  Flights<key_type, value_type> flights_;
  detail::FailureMemory<key_type> failures_;
  detail::Background background_;  // last: its threads use all the rest
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

#include <render_cache/read/get_many.hpp>
#include <render_cache/read/rendering.hpp>
