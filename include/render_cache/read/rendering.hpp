// What RenderCache does on a miss: join or lead the flight, look again, render with no lock held, check again, publish, wake.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/cache.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <utility>

namespace render_cache {

template <class R, class H, class S, class O>
template <class Source>
auto RenderCache<R, H, S, O>::render_or_join(const key_type& key, const Source& source, Fingerprint now, outcome_type why,
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

template <class R, class H, class S, class O>
template <class Source>
void RenderCache<R, H, S, O>::fly(const FlightPtr& flight, const Source& source, Errand errand) noexcept {
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

template <class R, class H, class S, class O>
template <class Source>
auto RenderCache<R, H, S, O>::render(const Flight& flight, const Source& source, [[maybe_unused]] Errand errand)
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
template <class R, class H, class S, class O>
template <class Source>
std::string RenderCache<R, H, S, O>::movement(const Source& source, const Fingerprint& before) const {
  try {
    const auto after = fingerprint(source);
    if (after == before) return {};
    return "the source moved while it was rendered: " + changed_components(before, after);
  } catch (const std::exception& error) {
    return "the source cannot be sampled any more: " + std::string(error.what());
  }
}

template <class R, class H, class S, class O>
template <class Content>
auto RenderCache<R, H, S, O>::make_entry(const key_type& key, const Content& content, Fingerprint now) -> EntryPtr<value_type> {
  const auto start = std::chrono::steady_clock::now();
  const auto observe = [&]([[maybe_unused]] std::chrono::nanoseconds took, [[maybe_unused]] std::exception_ptr error) {
    if constexpr (ObservesRenders<O, key_type>) observer().on_render(key, {took, std::move(error)});
  };
  value_type value = [&]() -> value_type {
    try {
      return renderer_.render(key, content);
    } catch (...) {
      observe(std::chrono::steady_clock::now() - start, std::current_exception());
      try {
        throw;
      } catch (const RecursiveRender&) {  // may go well when asked for in another order
        throw;
      } catch (...) {
        failures_.remember(key, now, std::current_exception());
        throw;
      }
    }
  }();
  const std::chrono::nanoseconds cost = std::chrono::steady_clock::now() - start;
  observe(cost, nullptr);
  counts_.add(renders);
  counts_.add(render_nanoseconds, static_cast<std::uint64_t>(cost.count()));
  const auto rendered_at = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  return std::make_shared<const Entry<value_type>>(std::move(value), std::move(now), rendered_at, cost);
}

/// An erase that comes between wins: it either finds the entry published, or is seen here before or after.
template <class R, class H, class S, class O>
void RenderCache<R, H, S, O>::publish(const Flight& flight, Landing<value_type>& landing) {
  if (!flight.erased) {
    const detail::Stopwatch<ObservesPublishes<O, key_type>> watch;
    landing.stored = store_.ask([&](auto& store) { store.publish(flight.key, landing.entry); }, landing.detail).has_value();
    if (landing.stored) {
      counts_.add(published);
      if constexpr (ObservesPublishes<O, key_type>) observer().on_publish(flight.key, {watch.elapsed()});
    }
  }
  if (flight.erased) {
    store_.ask([&](auto& store) { store.erase(flight.key); }, landing.detail);
    landing.stored = false;
    landing.detail = "erased while it was rendered";
  }
}

/// The stored value of another fingerprint, if it is young enough for this call.
template <class R, class H, class S, class O>
auto RenderCache<R, H, S, O>::older(const key_type& key, const outcome_type& why, const Freshness& freshness)
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
