// RenderCache: render once, verify on every read, serve from the cache always.
#pragma once

#include <render_cache/concepts/hasher.hpp>
#include <render_cache/concepts/renderer.hpp>
#include <render_cache/concepts/store.hpp>
#include <render_cache/detail/background.hpp>
#include <render_cache/detail/failure_memory.hpp>
#include <render_cache/detail/store_access.hpp>
#include <render_cache/flight.hpp>
#include <render_cache/options.hpp>
#include <render_cache/outcome.hpp>
#include <render_cache/schema/text.hpp>
#include <render_cache/stats.hpp>

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
  Key key;
  Source source;
};

/// The claim: no read returns a value whose fingerprint was not the source's fingerprint at some moment between the call and
/// the return; and where a value for that fingerprint exists in the store, nothing is rendered. Everything else may fail
/// without breaking it. What is older than the source is returned only where a call's `Freshness` allows it.
///
/// `Source` is whatever the hasher takes: a text, a `FileSource`, the state of a repository. It owns what it refers to, since a
/// render with a limit works on a copy and may outlive the call; a view is rendered within the call, whatever the limits.
/// All members may be called from many threads at once; (key, fingerprint) is rendered by one of them, with no lock held. The store must
/// outlive the cache. The destructor waits for renders in the background.
template <class Renderer, class Hasher, Store Store>
class RenderCache {
 public:
  using key_type = typename Store::key_type;
  using value_type = typename Store::value_type;
  using outcome_type = Outcome<value_type>;

  RenderCache(Renderer renderer, Hasher hasher, Store& store, CacheOptions options = {})
      : renderer_(std::move(renderer)), hasher_(std::move(hasher)), store_(store, options.store_pause, options.on_store_error),
        failures_(options.failure_memory), background_(options.max_background) {}
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
    const auto ticket = flights_.ticket();
    auto now = fingerprint(source);
    auto found = find(key, now);
    if (found) return found;
    return render_or_join(key, source, std::move(now), std::move(found), ticket, options);
  }

  /// Renders now, whatever is stored, and publishes; concurrent refreshes share one render that started after both.
  template <class Source>
  outcome_type refresh(const key_type& key, const Source& source, const GetOptions& options = {}) {
    return render_or_join(key, source, fingerprint(source), missed(Miss::forced), flights_.ticket(), options);
  }

  /// A hit or a reason, and never a render. For a caller that has sampled the fingerprint itself.
  outcome_type find(const key_type& key, const Fingerprint& now) {
    auto outcome = look_up(key, now);
    count(outcome);
    return outcome;
  }

  /// As `find`, but never waits for a disk or a network: a miss says only that the answer is not near. Misses are not counted.
  outcome_type find_near(const key_type& key, const Fingerprint& now)
    requires HasNear<Store>
  {
    if (!now.settled()) return missed(Miss::unsettled);
    auto outcome = judge(store_.get().near().lookup(key, now), now);
    if (outcome) count(outcome);
    return outcome;
  }

  /// One answer a key, in order. One round trip for all look-ups where the store can; only what is missing is rendered,
  /// in parallel; keys may repeat and share a render; an error is its own key's answer alone.
  template <class Source>
  std::vector<Answer<value_type>> get_many(std::span<const Wanted<key_type, Source>> wanted,
                                           const ManyOptions& options = {});
  template <class Source>
  std::vector<Answer<value_type>> get_many(const std::vector<Wanted<key_type, Source>>& wanted,
                                           const ManyOptions& options = {}) {
    return get_many(std::span<const Wanted<key_type, Source>>(wanted), options);
  }

  /// After these every read of this process misses until it has rendered, and so does every other's that has nothing near; a
  /// render in progress is not stored. Store errors are thrown.
  bool erase(const key_type& key) {
    flights_.mark_erased([&](const key_type& each) { return each == key; });
    failures_.forget(key);
    return store_.get().erase(key);
  }
  std::size_t erase_group(const group_t<key_type>& group) {
    flights_.mark_erased([&](const key_type& each) { return group_of(each) == group; });
    return store_.get().erase_group(group);
  }

  /// Removes the entries whose source is gone, but none published since the sweep began. Store errors are thrown.
  PruneReport prune(const KeepPredicate<key_type>& keep, const PruneOptions& options = {}) {
    return store_.get().prune(keep, options);
  }

  [[nodiscard]] CacheStats stats() const {
    CacheStats stats;
    counts_.add_to(stats);
    store_.add_to(stats);
    return stats;
  }

  [[nodiscard]] const Renderer& renderer() const noexcept { return renderer_; }
  [[nodiscard]] const Hasher& hasher() const noexcept { return hasher_; }
  [[nodiscard]] Store& store() const noexcept { return store_.get(); }

 private:
  using Flight = render_cache::Flight<key_type, value_type>;
  using FlightPtr = std::shared_ptr<Flight>;
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;
  using enum detail::CacheCounter;

  Fingerprint with_renderer(Fingerprint components) const {
    static_assert(HasVersion<Renderer>, "a renderer has `std::string_view version() const`");
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

  void count(const outcome_type& outcome) noexcept {
    if (outcome.hit()) {
      counts_.add(outcome.origin == Origin::near ? near_hits : far_hits);
    } else {
      counts_.add(misses + static_cast<std::size_t>(outcome.miss));
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
  void find_many(std::vector<Asked>& asked);

  template <class Source>
  outcome_type render_or_join(const key_type& key, const Source& source, Fingerprint now, outcome_type why,
                              std::uint64_t ticket, const GetOptions& options);
  struct Errand {  // what a leader is to do
    bool look_again;          ///< another flight may have published what this one is for
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
  detail::StoreAccess<Store> store_;
  detail::CacheCounters counts_;
  Flights<key_type, value_type> flights_;
  detail::FailureMemory<key_type> failures_;
  detail::Background background_;  // last: its threads use all the rest
};

template <class Renderer, class Hasher, class Store>
RenderCache(Renderer, Hasher, Store&) -> RenderCache<Renderer, Hasher, Store>;
template <class Renderer, class Hasher, class Store>
RenderCache(Renderer, Hasher, Store&, CacheOptions) -> RenderCache<Renderer, Hasher, Store>;

// -- a miss ---------------------------------------------------------------------------------------------------------------------

template <class R, class H, Store S>
template <class Source>
auto RenderCache<R, H, S>::render_or_join(const key_type& key, const Source& source, Fingerprint now, outcome_type why,
                                          std::uint64_t ticket, const GetOptions& options) -> outcome_type {
  check_key(key);
  // Only a render that starts after this call will do where the caller insists, or where equal fingerprints may
  // stand for different sources.
  const bool own_render = why.miss == Miss::forced || why.miss == Miss::unsettled;
  const auto not_before = own_render ? std::optional(flights_.next_number()) : std::nullopt;
  const auto after = [](std::chrono::milliseconds limit) {
    return std::chrono::steady_clock::now() + std::min<std::chrono::milliseconds>(limit, std::chrono::years(1));
  };
  const Deadline deadline = options.hard_limit ? Deadline(after(*options.hard_limit)) : Deadline{};
  const auto& freshness = options.freshness;
  const bool while_rendering = freshness.mode() == Freshness::Mode::stale_while_rendering;
  auto old = while_rendering ? older(key, why, freshness) : std::nullopt;

  for (int attempt = 0;; ++attempt) {
    const auto boarding = flights_.board(key, now, ticket, not_before);
    const auto& flight = boarding.flight;
    if (boarding.leads) {
      const Errand errand{.look_again = boarding.look_again && !own_render, .whatever_is_frozen = own_render || attempt >= 16};
      bool departed = false;
      if constexpr (std::copy_constructible<Source> && !std::ranges::view<Source>) {  // a view may not outlive the call
        if (old || deadline) {
          try {
            departed = background_.try_run([this, flight, source, errand] { fly(flight, source, errand); });
          } catch (...) {  // the source cannot be copied, or there is no memory: the flight must land all the same
          }
        }
      }
      if (!departed) fly(flight, source, errand);
    }

    Deadline patience = deadline;
    if (old) {
      const auto soft = after(options.soft_limit);
      patience = deadline ? std::min(*deadline, soft) : soft;
    }
    if (!boarding.leads) counts_.add(shared);
    if (!flights_.wait(flight, patience)) {
      if (!old && freshness.mode() != Freshness::Mode::exact) old = older(key, why, freshness);
      if (old) return counts_.add(stale), std::move(*old);
      throw RenderTimeout("the render of (" + describe_key(key) + ") takes longer than the caller's limit of " +
                          std::to_string(options.hard_limit->count()) + " ms; it goes on and will be stored");
    }
    if (!boarding.leads && not_before && (!flight->renders || flight->number < *not_before)) continue;
    const auto& landing = *flight->landing;
    if (landing.error) {
      if (!old && freshness.mode() != Freshness::Mode::exact) old = older(key, why, freshness);
      if (old) return counts_.add(stale), std::move(*old);
      std::rethrow_exception(landing.error);
    }
    // When it froze the source, the leader may have found it changed. What it then brings, if anything, was true during its
    // own call and not necessarily during that of one who came later. So we sample again.
    if (!landing.entry || (!boarding.leads && !(landing.entry->fingerprint == now))) {
      ticket = flights_.ticket();
      now = fingerprint(source);
      if (auto found = look_up(key, now)) return found;
      continue;
    }
    why.entry = landing.entry;
    why.origin = !boarding.leads ? Origin::flight : landing.rendered ? Origin::render : Origin::store;
    why.stored = landing.stored;
    if (!landing.detail.empty()) why.detail = landing.detail;
    return why;
  }
}

template <class R, class H, Store S>
template <class Source>
void RenderCache<R, H, S>::fly(const FlightPtr& flight, const Source& source, Errand errand) noexcept {
  flights_.lead(*flight);
  Landing<value_type> landing;
  try {
    auto found = errand.look_again ? look_up(flight->key, flight->fingerprint) : missed(Miss::absent);
    if (found) {
      landing.entry = std::move(found.entry);
      landing.stored = true;
    } else if (!flight->renders && (landing.error = failures_.recall(flight->key, flight->fingerprint))) {
      counts_.add(failures_remembered);
    } else {
      landing = render(*flight, source, errand);
    }
  } catch (...) {
    landing.error = std::current_exception();
    counts_.add(render_failures);
  }
  flights_.land(flight, std::move(landing));
}

template <class R, class H, Store S>
template <class Source>
auto RenderCache<R, H, S>::render(const Flight& flight, const Source& source, [[maybe_unused]] Errand errand)
    -> Landing<value_type> {
  Landing<value_type> landing{.rendered = true};
  if constexpr (FreezingHasher<H, Source>) {
    auto frozen = hasher_.freeze(source);
    auto now = with_renderer(std::move(frozen.components));
    // What it is now has a flight of its own, or is stored already.
    if (!errand.whatever_is_frozen && !(now == flight.fingerprint)) return landing;
    landing.entry = make_entry(flight.key, frozen.content, std::move(now));
  } else {
    landing.entry = make_entry(flight.key, source, flight.fingerprint);
  }
  if constexpr (FreezingHasher<H, Source> || LiveHasher<H>) {
    landing.detail = movement(source, landing.entry->fingerprint);
    if (!landing.detail.empty()) {
      counts_.add(moved);
      return landing;
    }
  }
  failures_.forget(flight.key);
  if (landing.entry->fingerprint.settled()) publish(flight, landing);
  return landing;
}

/// How the source has moved since it was sampled; empty if it has not.
template <class R, class H, Store S>
template <class Source>
std::string RenderCache<R, H, S>::movement(const Source& source, const Fingerprint& before) const {
  try {
    const auto after = fingerprint(source);
    if (after == before) return {};
    return "the source moved while it was rendered: " + changed_components(before, after);
  } catch (const std::exception& error) {
    return "the source cannot be sampled any more: " + std::string(error.what());
  }
}

template <class R, class H, Store S>
template <class Content>
auto RenderCache<R, H, S>::make_entry(const key_type& key, const Content& content, Fingerprint now)
    -> EntryPtr<value_type> {
  static_assert(check_renderer<R, key_type, Content, value_type>());
  const auto start = std::chrono::steady_clock::now();
  value_type value = [&]() -> value_type {
    try {
      return renderer_.render(key, content);
    } catch (const RecursiveRender&) {  // may go well when asked for in another order
      throw;
    } catch (...) {
      failures_.remember(key, now, std::current_exception());
      throw;
    }
  }();
  const std::chrono::nanoseconds cost = std::chrono::steady_clock::now() - start;
  counts_.add(renders);
  counts_.add(render_nanoseconds, static_cast<std::uint64_t>(cost.count()));
  const auto rendered_at = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  return std::make_shared<const Entry<value_type>>(std::move(value), std::move(now), rendered_at, cost);
}

/// An erase that comes between wins: it either finds the entry published, or is seen here before or after.
template <class R, class H, Store S>
void RenderCache<R, H, S>::publish(const Flight& flight, Landing<value_type>& landing) {
  if (!flight.erased) {
    landing.stored = store_.ask([&](auto& store) { store.publish(flight.key, landing.entry); }, landing.detail).has_value();
    if (landing.stored) counts_.add(published);
  }
  if (flight.erased) {
    store_.ask([&](auto& store) { store.erase(flight.key); }, landing.detail);
    landing.stored = false;
    landing.detail = "erased while it was rendered";
  }
}

/// The stored value of another fingerprint, if it is young enough for this call.
template <class R, class H, Store S>
auto RenderCache<R, H, S>::older(const key_type& key, const outcome_type& why, const Freshness& freshness)
    -> std::optional<outcome_type> {
  if constexpr (HasLookupStale<S>) {
    std::string failure;
    auto aged = store_.ask([&](auto& store) { return store.lookup_stale(key).value_or(Aged<value_type>{}); }, failure);
    if (aged && aged->entry && aged->age <= freshness.max_age()) {
      return outcome_type{std::move(aged->entry), Origin::stale, why.miss, true, why.detail};
    }
  }
  return std::nullopt;
}

}  // namespace render_cache

#include <render_cache/detail/get_many.hpp>
