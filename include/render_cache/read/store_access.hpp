// A store that may fail without the cache failing: errors are counted, and a store that is down is left alone for a while.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/observer.hpp>
#include <render_cache/concepts/store.hpp>
#include <render_cache/entry/error.hpp>
#include <render_cache/read/breaker.hpp>
#include <render_cache/read/stats.hpp>
#include <render_cache/read/thrown.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <utility>

namespace render_cache::detail {

template <class Store, class Observer = NoObserver>
class StoreAccess {
 public:
  StoreAccess(Store& store, std::chrono::milliseconds pause, Observer observer = {})
      : store_(store), breaker_(pause), observer_(std::move(observer)) {}

  /// The store itself, for calls whose errors the caller is to see.
  [[nodiscard]] Store& get() const noexcept { return store_; }
  [[nodiscard]] const Observer& observer() const noexcept { return observer_; }

  /// Why a store was not asked, or what came of it.
  struct Failure {
    std::string message{};  ///< empty where somebody has answered
    bool away = false;  ///< the store was not reached, though its near part may have answered
  };

  /// Runs `call(store)`, and says whether it came to its end; if not, the store failed or is being left alone, and `failure` says
  /// why. While it is left alone its near part is asked instead, if it has one. `call` keeps what it was told, and returns whether
  /// more than the near part was asked. InvalidKey is the caller's mistake and passes.
  template <class Call>
  bool ask(Call&& call, Failure& failure) {
    const auto admission = breaker_.admit();
    if (!admission) {
      counts_.add(skipped);
      failure.away = true;
      if constexpr (!HasNear<Store>) {
        failure.message = "the store was unavailable a moment ago and is left alone";
        return false;
      }
    }
    const Watch watch;
    try {
      if constexpr (HasNear<Store>) {
        if (!admission) {
          call(store_.near());
          return true;
        }
      }
      if (call(store_)) {
        breaker_.answered(*admission);
      } else {
        breaker_.not_asked(*admission);
      }
      return true;
    } catch (const InvalidKey&) {
      throw;
    } catch (const StoreTimeout& error) {
      return was_away(error, watch, failure);
    } catch (const StoreUnavailable& error) {
      if (admission) breaker_.failed();
      return was_away(error, watch, failure);
    } catch (const StoreFull& error) {
      note(StoreFailure::full, error, watch, failure);
    } catch (const InvalidValue& error) {
      note(StoreFailure::refused, error, watch, failure);
    } catch (const StoreForbidden& error) {
      note(StoreFailure::forbidden, error, watch, failure);
    } catch (const std::exception& error) {
      note(StoreFailure::other, error, watch, failure);
    } catch (...) {
      note(StoreFailure::other, StoreError(thrown_message()), watch, failure);
    }
    if (admission) breaker_.answered(*admission);  // it refused, so it is there
    return false;
  }

  void add_to(CacheStats& stats) const {
    stats.store_unavailable = counts_.sum(failures(StoreFailure::unavailable));
    stats.store_full = counts_.sum(failures(StoreFailure::full));
    stats.store_refused = counts_.sum(failures(StoreFailure::refused));
    stats.store_forbidden = counts_.sum(failures(StoreFailure::forbidden));
    stats.store_other = counts_.sum(failures(StoreFailure::other));
    stats.store_skipped = counts_.sum(skipped);
    stats.store_available = !breaker_.paused();
  }

 private:
  using Watch = Stopwatch<ObservesStoreErrors<Observer>>;
  static constexpr std::size_t failures(StoreFailure kind) noexcept { return static_cast<std::size_t>(kind); }
  enum Counter : std::size_t { skipped = failures(StoreFailure::other) + 1, counters };  // after the failures by kind

  bool was_away(const StoreUnavailable& error, const Watch& watch, Failure& failure) {
    failure.away = true;
    note(StoreFailure::unavailable, error, watch, failure);
    return false;
  }
  void note(StoreFailure kind, const std::exception& error, [[maybe_unused]] const Watch& watch, Failure& failure) {
    counts_.add(failures(kind));
    failure.message = error.what();
    if constexpr (ObservesStoreErrors<Observer>) observer_.on_store_error({kind, error, watch.elapsed()});
  }

  Store& store_;
  Breaker<> breaker_;
  [[no_unique_address]] const Observer observer_;
  StripedCounters<counters> counts_;
};

}  // namespace render_cache::detail
