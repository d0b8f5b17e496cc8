// A call of the renderer: measured, counted and observed. What it throws is remembered, if it was thrown about what was asked for.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/hasher.hpp>
#include <render_cache/concepts/observer.hpp>
#include <render_cache/entry/error.hpp>
#include <render_cache/read/change_order.hpp>
#include <render_cache/read/failure_memory.hpp>
#include <render_cache/read/flight.hpp>
#include <render_cache/read/sampler.hpp>
#include <render_cache/read/stats.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace render_cache::detail {

/// Refers to all that it is made of.
template <class Renderer, class Hasher, class Store, class Observer>
class RendererCalls {
 public:
  using key_type = typename Store::key_type;
  using value_type = typename Store::value_type;
  using Sampler = detail::Sampler<Renderer, Hasher>;
  using Flights = detail::Flights<key_type, value_type>;
  using Flight = typename Flights::Flight;

  RendererCalls(const Sampler& sampler, const Observer& observer, Flights& flights, ChangeOrder<key_type>& changes,
                FailureMemory<key_type>& failures)
      : sampler_(sampler), observer_(observer), flights_(flights), changes_(changes), failures_(failures) {}

  /// The entry of the flight's key, rendered of `content`, whose fingerprint is `now`. What the renderer throws goes on.
  template <class Source, class Content>
  EntryPtr<value_type> make_entry(const Flight& flight, const Source& source, const Content& content, Fingerprint now);

  /// What the render took of what is stored, or else the mean of this cache's renders; nothing before the first.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> expected_cost(const std::optional<Seen>& seen) const noexcept {
    if (seen && seen->render_cost) return seen->render_cost;
    const auto count = counts_.sum(renders);
    if (count == 0) return std::nullopt;
    return std::chrono::nanoseconds(counts_.sum(render_nanoseconds) / count);
  }

  void add_to(CacheStats& stats) const noexcept {
    stats.renders = counts_.sum(renders);
    stats.render_failures = counts_.sum(render_failures);
    stats.render_nanoseconds = counts_.sum(render_nanoseconds);
  }

 private:
  enum Counter : std::size_t { renders, render_failures, render_nanoseconds, counters };

  const Sampler& sampler_;
  const Observer& observer_;
  Flights& flights_;
  ChangeOrder<key_type>& changes_;
  FailureMemory<key_type>& failures_;
  StripedCounters<counters> counts_;
};

template <class R, class H, class S, class O>
template <class Source, class Content>
auto RendererCalls<R, H, S, O>::make_entry(const Flight& flight, [[maybe_unused]] const Source& source, const Content& content,
                                           Fingerprint now) -> EntryPtr<value_type> {
  const auto start = std::chrono::steady_clock::now();
  std::chrono::nanoseconds took;
  const auto done = [&](std::exception_ptr error) {
    took = std::chrono::steady_clock::now() - start;
    counts_.add(error ? render_failures : renders);
    if constexpr (ObservesRenders<O, key_type>) observer_.on_render(flight.key, {took, std::move(error)});
  };
  value_type value = [&]() -> value_type {
    try {
      return sampler_.renderer().render(flight.key, content);
    } catch (const RecursiveRender&) {  // may go well when asked for in another order
      done(std::current_exception());
      throw;
    } catch (...) {
      const auto error = std::current_exception();
      done(error);
      // What could have been thrown about another state of the source says nothing of this one.
      if (FreezingHasher<H, Source> || sampler_.movement(source, now).empty()) {
        const auto turn = changes_.of(flight.key);
        if (!flights_.erased(flight)) failures_.remember(flight.key, now, error);
      }
      throw;
    }
  }();
  done(nullptr);
  counts_.add(render_nanoseconds, static_cast<std::uint64_t>(took.count()));
  const auto rendered_at = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  return std::make_shared<const Entry<value_type>>(std::move(value), std::move(now), rendered_at, took);
}

}  // namespace render_cache::detail
