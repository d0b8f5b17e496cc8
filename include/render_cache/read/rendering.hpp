// What a read does on a miss: join or lead the flight, look again, render with no lock held, check again, publish or owe, wake.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/hasher.hpp>
#include <render_cache/concepts/observer.hpp>
#include <render_cache/concepts/renderer.hpp>
#include <render_cache/concepts/source.hpp>
#include <render_cache/concepts/store.hpp>
#include <render_cache/entry/deadline.hpp>
#include <render_cache/entry/error.hpp>
#include <render_cache/entry/text.hpp>
#include <render_cache/read/background.hpp>
#include <render_cache/read/change_order.hpp>
#include <render_cache/read/failure_memory.hpp>
#include <render_cache/read/flight.hpp>
#include <render_cache/read/leases.hpp>
#include <render_cache/read/lookups.hpp>
#include <render_cache/read/options.hpp>
#include <render_cache/read/outcome.hpp>
#include <render_cache/read/owed.hpp>
#include <render_cache/read/publishing.hpp>
#include <render_cache/read/renderer_calls.hpp>
#include <render_cache/read/sampler.hpp>
#include <render_cache/read/stats.hpp>
#include <render_cache/read/thrown.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace render_cache::detail {

/// Refers to what samples and looks up. The destructor waits for renders in the background.
template <class Renderer, class Hasher, class Store, class Observer>
class Rendering {
 public:
  using key_type = typename Store::key_type;
  using value_type = typename Store::value_type;
  using outcome_type = Outcome<value_type>;
  using Sampler = detail::Sampler<Renderer, Hasher>;
  using Lookups = detail::Lookups<Store, Observer>;
  using Flights = detail::Flights<key_type, value_type>;

  Rendering(const Sampler& sampler, Lookups& lookups, const CacheOptions& options)
      : sampler_(sampler), lookups_(lookups), leases_(lookups.store(), options), failures_(options.failure_memory),
        renderer_calls_(sampler, lookups.store().observer(), flights_, changes_, failures_),
        publishing_(lookups, flights_, changes_), owed_(publishing_, flights_, options), max_wait_(options.max_wait),
        background_(options.max_background) {}

  Rendering(const Rendering&) = delete;
  Rendering& operator=(const Rendering&) = delete;
  ~Rendering() { ending_ = true; }

  /// How a read has begun.
  struct Start {
    std::uint64_t landings;  ///< before it sampled and looked up
    Fingerprint now;
    typename Lookups::Found found;
  };

  [[nodiscard]] std::uint64_t landings() const noexcept { return flights_.landings(); }
  [[nodiscard]] Flights& flights() noexcept { return flights_; }

  /// The answer to a read that has begun with a miss. Options other than the default are for sources that outlive the call.
  template <class Source>
  outcome_type answer(const key_type& key, const Source& source, Start start, const GetOptions& options);

  /// Called in a handler, where the source could not be sampled: an older value, if the call allows it; else the error goes on.
  outcome_type older_or_rethrow(const key_type& key, const typename Lookups::Watch& watch, const GetOptions& options) {
    const auto failed = Lookups::missed(Miss::unsampled, thrown_message());
    lookups_.note(key, failed, watch);
    auto old = older(key, failed, options.freshness);
    if (!old) throw;
    counts_.add(stale);
    return std::move(*old);
  }

  /// Erases, and sees to it that nothing that was asked for before comes after it. Store errors are thrown.
  bool erase(const key_type& key) {
    const auto turn = changes_.of(key);
    failures_.forget(key);
    return erase_marked([&](const key_type& each) { return each == key; }, [&] { return lookups_.store().get().erase(key); });
  }
  std::size_t erase_group(const group_t<key_type>& group) {
    const auto turn = changes_.of_group(group);
    failures_.forget_group(group);
    return erase_marked([&](const key_type& each) { return group_of(each) == group; },
                        [&] { return lookups_.store().get().erase_group(group); });
  }

  void add_to(CacheStats& stats) const noexcept {
    renderer_calls_.add_to(stats);
    stats.failures_remembered = counts_.sum(failures_remembered);
    stats.shared = counts_.sum(shared);
    stats.stale = counts_.sum(stale);
    stats.moved = counts_.sum(moved);
    publishing_.add_to(stats);
    owed_.add_to(stats);
    leases_.add_to(stats);
  }

 private:
  using Flight = typename Flights::Flight;
  using FlightPtr = typename Flights::FlightPtr;
  using Result = FlightResult<value_type>;
  using Leases = detail::Leases<Store, Observer>;
  using Owed = detail::Owed<Store, Observer>;
  using RendererCalls = detail::RendererCalls<Renderer, Hasher, Store, Observer>;
  enum Counter : std::size_t { failures_remembered, shared, stale, moved, counters };
  struct Task {  // what a leader is to do
    bool look_again;  // another flight may have published what this one is for, or the look-up was behind
    bool whatever_is_frozen;  // render the source as it was frozen, though it is no longer what was asked for
    std::optional<Seen> seen;  // what was there before; unknown where the store failed or was not asked
  };

  /// What a call may share. Of a source in the caller's hands an unsettled fingerprint does not say whether another's is the same.
  template <class Source>
  static Join joinable(const Start& start) {
    if (!start.now.settled()) return Sampler::template lives_elsewhere<Source> ? Join::not_yet : Join::none;
    return start.found.outcome.miss == Miss::forced ? Join::not_yet : Join::any;
  }

  /// Marks again what began meanwhile: a leader who looks again may have found what was not erased yet.
  template <class Matches, class Erase>
  auto erase_marked(Matches&& matches, Erase&& erase_stored) {
    flights_.mark_erased(matches);
    const auto erased = erase_stored();
    flights_.mark_erased(matches);
    return erased;
  }

  /// Reads again from the start, uncounted.
  template <class Source>
  Start begin_again(const key_type& key, const Source& source, bool forced) {
    const auto before = landings();
    auto now = sampler_.fingerprint(source);
    auto found = forced ? typename Lookups::Found{Lookups::missed(Miss::forced)} : lookups_.find(key, now);
    return {before, std::move(now), std::move(found)};
  }

  template <class Source>
  bool start_in_background(const FlightPtr& flight, const Source& source, Task task);
  template <class Source>
  void fly(const FlightPtr& flight, const Source& source, Task task) noexcept;
  template <class Source>
  Result render(const FlightPtr& flight, const Source& source, Task task);
  template <class Source>
  void publish(const FlightPtr& flight, const Source& source, std::optional<Seen> seen, Result& result);
  std::optional<outcome_type> older(const key_type& key, const outcome_type& missed, const Freshness& freshness);

  const Sampler& sampler_;
  Lookups& lookups_;
  StripedCounters<counters> counts_;
  Leases leases_;
  Flights flights_;
  ChangeOrder<key_type> changes_;
  FailureMemory<key_type> failures_;
  RendererCalls renderer_calls_;
  Publishing<Store, Observer> publishing_;
  Owed owed_;
  const std::chrono::milliseconds max_wait_;
  std::atomic<bool> ending_ = false;  // nobody waits for other processes any longer
  Background background_;  // last: its threads use all the rest
};

template <class R, class H, class S, class O>
template <class Source>
auto Rendering<R, H, S, O>::answer(const key_type& key, const Source& source, Start start, const GetOptions& options)
    -> outcome_type {
  check_key(key);
  auto& outcome = start.found.outcome;
  const bool forced = outcome.miss == Miss::forced;
  const auto& freshness = options.freshness;
  const Deadline hard = options.hard_limit ? Deadline(from_now(*options.hard_limit)) : Deadline{};
  std::optional<outcome_type> old;
  const auto may_serve_older = [&] {
    if (!old) old = older(key, outcome, freshness);
    return old.has_value();
  };
  if (freshness.mode() == Freshness::Mode::stale_while_rendering) may_serve_older();
  const Deadline limit = old ? earlier(hard, from_now(options.soft_limit)) : hard;
  const auto return_older = [&] {
    counts_.add(stale);
    return std::move(*old);
  };

  bool waits_for_another = false;
  for (int round = 0;; ++round) {
    const auto which = joinable<Source>(start);
    typename Flights::Call call = flights_.join(key, start.now, start.landings, which);
    bool started = true;
    if (call.leads()) {
      Task task{.look_again = (call.look_again() || start.found.behind) && which == Join::any,
                .whatever_is_frozen = which != Join::any || round >= 16,
                .seen = std::move(start.found.seen)};
      if constexpr (outlives_call<Source>) {
        if (limit) {
          started = start_in_background(call.flight(), source, std::move(task));
        } else {
          fly(call.flight(), source, std::move(task));
        }
      } else {
        fly(call.flight(), source, std::move(task));
      }
    } else if (!std::exchange(waits_for_another, true)) {
      counts_.add(shared);
    }

    if (!started) {
      if (old) return return_older();
      if (!background_.wait_for_room(*limit)) {
        if (may_serve_older()) return return_older();
        throw RenderTimeout("the render of (" + describe_key(key) + ") could not begin within the caller's limit of " +
                            std::to_string(options.hard_limit->count()) + " ms, for " + std::to_string(background_.limit()) +
                            " others go on in the background (CacheOptions::max_background)");
      }
    } else {
      const Deadline until = call.leads() ? limit : earlier(limit, from_now(max_wait_));
      const auto* const result = call.wait(until);
      if (result == nullptr) {
        if (may_serve_older()) return return_older();
        throw RenderTimeout("the render of (" + describe_key(key) + ") takes longer than " +
                            (until == limit ? "the caller's limit of " + std::to_string(options.hard_limit->count())
                                            : "CacheOptions::max_wait, " + std::to_string(max_wait_.count())) +
                            " ms; it goes on and will be stored");
      }
      if (result->error) {
        if (may_serve_older()) return return_older();
        std::rethrow_exception(result->error);
      }
      // A leader may find the source changed when he freezes it. What he then brings was true during his own call, and not
      // necessarily during one that came later; what began after this call was.
      if (result->entry && (call.leads() || which != Join::any || result->entry->fingerprint == start.now)) {
        outcome.entry = result->entry;
        outcome.origin = !call.leads() ? Origin::flight : result->rendered ? Origin::render : Origin::store;
        outcome.stored = result->stored;
        if (!result->detail.empty()) outcome.detail = result->detail;
        return std::move(outcome);
      }
    }

    try {
      start = begin_again(key, source, forced);
    } catch (...) {
      if (may_serve_older()) return return_older();
      throw;
    }
    if (outcome) return std::move(outcome);
  }
}

/// False if there is no room; then, and if it throws, the flight has landed with nothing.
template <class R, class H, class S, class O>
template <class Source>
bool Rendering<R, H, S, O>::start_in_background(const FlightPtr& flight, const Source& source, Task task) {
  try {
    if (background_.try_run([this, flight, source, task] { fly(flight, source, task); })) return true;
  } catch (...) {  // the source cannot be copied, or there is no thread or no memory
    flights_.land(flight, {});
    throw;
  }
  flights_.land(flight, {});
  return false;
}

template <class R, class H, class S, class O>
template <class Source>
void Rendering<R, H, S, O>::fly(const FlightPtr& flight, const Source& source, Task task) noexcept {
  Result result;
  try {
    const typename Flights::Scope scope(flights_, flight);
    if (!flights_.begin(*flight, from_now(max_wait_))) {
      throw RenderTimeout("the render of (" + describe_key(flight->key) + ") waits for the one before it longer than " +
                          "CacheOptions::max_wait, " + std::to_string(max_wait_.count()) + " ms");
    }
    typename Lookups::Found found{Lookups::missed(Miss::absent)};
    const auto look_again = [&] {
      found = lookups_.find_latest(flight->key, flight->fingerprint);
      if (found.seen) task.seen = std::move(found.seen);
      return bool(found.outcome);
    };
    if (task.look_again) look_again();
    if (!found.outcome && !flight->anew && (result.error = failures_.recall(flight->key, flight->fingerprint))) {
      counts_.add(failures_remembered);
    } else {
      std::optional<typename Leases::Lease> lease;  // until what was rendered is stored
      if (!found.outcome && !flight->anew) {
        const auto may_wait = [&] { return !ending_ && !flights_.nested(*flight); };
        // Those who have joined wait `max_wait_` in all: the other half is for the render.
        leases_.acquire(lease, flight->key, flight->fingerprint, renderer_calls_.expected_cost(task.seen),
                        from_now(max_wait_ / 2), may_wait, look_again);
      }
      if (found.outcome) {
        result.entry = std::move(found.outcome.entry);
        result.stored = true;
      } else {
        if constexpr (HasReplace<S>) {
          if (flight->anew && flight->fingerprint.settled()) {  // a refresh has not looked
            typename Lookups::Failure failure;
            if (auto there = lookups_.look(flight->key, failure)) task.seen = std::move(there->seen);
          }
        }
        result = render(flight, source, std::move(task));
      }
    }
  } catch (...) {
    result.error = std::current_exception();
  }
  flights_.land(flight, std::move(result));
}

template <class R, class H, class S, class O>
template <class Source>
auto Rendering<R, H, S, O>::render(const FlightPtr& flight, const Source& source, [[maybe_unused]] Task task) -> Result {
  Result result{.rendered = true};
  if constexpr (FreezingHasher<H, Source>) {
    auto frozen = sampler_.hasher().freeze(source);
    auto now = sampler_.with_renderer(std::move(frozen.components));
    // What it is now has a flight of its own, or is stored already.
    if (!task.whatever_is_frozen && !(now == flight->fingerprint)) return result;
    result.entry = renderer_calls_.make_entry(*flight, source, frozen.content, std::move(now));
  } else {
    result.entry = renderer_calls_.make_entry(*flight, source, source, flight->fingerprint);
  }
  result.detail = sampler_.movement(source, result.entry->fingerprint);
  if (!result.detail.empty()) {
    counts_.add(moved);
    return result;
  }
  failures_.forget(flight->key);
  if (result.entry->fingerprint.settled()) publish(flight, source, std::move(task.seen), result);
  return result;
}

/// What the store is away for is owed, if its source can be sampled without this call, or not at all.
template <class R, class H, class S, class O>
template <class Source>
void Rendering<R, H, S, O>::publish(const FlightPtr& flight, const Source& source, std::optional<Seen> seen, Result& result) {
  constexpr bool moves = Sampler::template lives_elsewhere<Source>;
  const auto& entry = result.entry;
  Movement movement;
  if constexpr (moves) movement = [&] { return sampler_.movement(source, entry->fingerprint); };
  if (publishing_.publish(*flight, seen, movement, result) == Published::done) return;
  if constexpr (!moves) {
    owed_.add({flight, entry, std::move(seen), {}});
  } else if constexpr (outlives_call<Source> && std::copy_constructible<Source>) {
    try {
      owed_.add(
          {flight, entry, std::move(seen), [this, source, entry] { return sampler_.movement(source, entry->fingerprint); }});
    } catch (...) {  // the source cannot be copied after all
    }
  }
}

/// The answer to a miss by what is stored under another fingerprint, if the call allows that and it is young enough.
template <class R, class H, class S, class O>
auto Rendering<R, H, S, O>::older(const key_type& key, const outcome_type& missed, const Freshness& freshness)
    -> std::optional<outcome_type> {
  if (freshness.mode() == Freshness::Mode::exact) return std::nullopt;
  auto entry = lookups_.older(key, freshness.max_age());
  if (!entry) return std::nullopt;
  return outcome_type{std::move(entry), Origin::stale, missed.miss, true, missed.detail};
}

}  // namespace render_cache::detail
