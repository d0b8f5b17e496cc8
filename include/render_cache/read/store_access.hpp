// A store that may fail without the cache failing: errors are counted, and a store that is down is left alone for a while.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/observer.hpp>
#include <render_cache/concepts/store.hpp>
#include <render_cache/entry/error.hpp>
#include <render_cache/read/stats.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace render_cache::detail {

template <class Store, class Observer = NoObserver>
class StoreAccess {
 public:
  using Clock = std::chrono::steady_clock;

  StoreAccess(Store& store, Clock::duration pause, Observer observer = {})
      : store_(store), pause_(pause), observer_(std::move(observer)) {}

  /// The store itself, for calls whose errors the caller is to see.
  [[nodiscard]] Store& get() const noexcept { return store_; }
  [[nodiscard]] const Observer& observer() const noexcept { return observer_; }

  /// What `call(store)` returns (true for void); nothing if the store failed or is being left alone, and then `failure` says why.
  /// While it is left alone, its near part is asked instead, if it has one. InvalidKey is the caller's mistake and passes.
  template <class Call>
  auto ask(Call&& call, std::string& failure) {
    using Result = std::invoke_result_t<Call, Store&>;
    using Answer = std::optional<std::conditional_t<std::is_void_v<Result>, bool, Result>>;
    const auto paused_until = paused_until_.load(std::memory_order_relaxed);
    const bool paused = paused_until != 0 && Clock::now().time_since_epoch().count() < paused_until;
    if (paused) {
      counts_.add(skipped);
      if constexpr (!HasNear<Store>) {
        failure = "the store was unavailable a moment ago and is left alone";
        return Answer{};
      }
    }
    const Watch watch;
    try {
      if constexpr (HasNear<Store>) {
        if (paused) return Answer{result_of(call, store_.near())};
      }
      Answer answer{result_of(call, store_)};
      if (paused_until != 0) resume(paused_until);
      return answer;
    } catch (const InvalidKey&) {
      throw;
    } catch (const StoreUnavailable& error) {
      paused_until_.store((Clock::now() + pause_).time_since_epoch().count(), std::memory_order_relaxed);
      note(StoreFailure::unavailable, error, watch, failure);
    } catch (const StoreFull& error) {
      note(StoreFailure::full, error, watch, failure);
    } catch (const InvalidValue& error) {
      note(StoreFailure::refused, error, watch, failure);
    } catch (const std::exception& error) {
      note(StoreFailure::other, error, watch, failure);
    }
    return Answer{};
  }

  void add_to(CacheStats& stats) const {
    stats.store_unavailable = counts_.sum(failures(StoreFailure::unavailable));
    stats.store_full = counts_.sum(failures(StoreFailure::full));
    stats.store_refused = counts_.sum(failures(StoreFailure::refused));
    stats.store_other = counts_.sum(failures(StoreFailure::other));
    stats.store_skipped = counts_.sum(skipped);
    stats.store_available = paused_until_.load(std::memory_order_relaxed) == 0;
  }

 private:
  using Watch = Stopwatch<ObservesStoreErrors<Observer>>;
  enum Counter : std::size_t { skipped = 4, counters };  // after the failures by kind
  static constexpr std::size_t failures(StoreFailure kind) noexcept { return static_cast<std::size_t>(kind); }

  template <class Call, class Asked>
  static auto result_of(Call& call, Asked& store) {
    if constexpr (std::is_void_v<std::invoke_result_t<Call, Asked&>>) {
      call(store);
      return true;
    } else {
      return call(store);
    }
  }

  void note(StoreFailure kind, const std::exception& error, [[maybe_unused]] const Watch& watch, std::string& failure) {
    counts_.add(failures(kind));
    failure = error.what();
    if constexpr (ObservesStoreErrors<Observer>) observer_.on_store_error({kind, error, watch.elapsed()});
  }
  void resume(std::int64_t seen) { paused_until_.compare_exchange_strong(seen, 0, std::memory_order_relaxed); }

  Store& store_;
  const Clock::duration pause_;
  [[no_unique_address]] const Observer observer_;
  std::atomic<std::int64_t> paused_until_{0};  // ticks of Clock; 0 while the store answers
  StripedCounters<counters> counts_;
};

}  // namespace render_cache::detail
