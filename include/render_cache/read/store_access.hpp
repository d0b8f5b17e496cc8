// A store that may fail without the cache failing: errors are counted, and a store that is down is left alone for a while.
#pragma once

#include <render_cache/concepts/store.hpp>
#include <render_cache/entry/error.hpp>
#include <render_cache/read/stats.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace render_cache::detail {

template <class Store>
class StoreAccess {
 public:
  using Clock = std::chrono::steady_clock;

  StoreAccess(Store& store, Clock::duration pause, std::function<void(const std::exception&)> on_error)
      : store_(store), pause_(pause), on_error_(std::move(on_error)) {}

  /// The store itself, for calls whose errors the caller is to see.
  [[nodiscard]] Store& get() const noexcept { return store_; }

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
      note(unavailable, error, failure);
    } catch (const StoreFull& error) {
      note(full, error, failure);
    } catch (const InvalidValue& error) {
      note(refused, error, failure);
    } catch (const std::exception& error) {
      note(other, error, failure);
    }
    return Answer{};
  }

  void add_to(CacheStats& stats) const {
    stats.store_unavailable = counts_.sum(unavailable);
    stats.store_full = counts_.sum(full);
    stats.store_refused = counts_.sum(refused);
    stats.store_other = counts_.sum(other);
    stats.store_skipped = counts_.sum(skipped);
    stats.store_available = paused_until_.load(std::memory_order_relaxed) == 0;
  }

 private:
  enum Counter : std::size_t { unavailable, full, refused, other, skipped, counters };

  template <class Call, class Asked>
  static auto result_of(Call& call, Asked& store) {
    if constexpr (std::is_void_v<std::invoke_result_t<Call, Asked&>>) {
      call(store);
      return true;
    } else {
      return call(store);
    }
  }

  void note(Counter kind, const std::exception& error, std::string& failure) {
    counts_.add(kind);
    failure = error.what();
    if (on_error_) on_error_(error);
  }
  void resume(std::int64_t seen) { paused_until_.compare_exchange_strong(seen, 0, std::memory_order_relaxed); }

  Store& store_;
  const Clock::duration pause_;
  const std::function<void(const std::exception&)> on_error_;
  std::atomic<std::int64_t> paused_until_{0};  // ticks of Clock; 0 while the store answers
  StripedCounters<counters> counts_;
};

}  // namespace render_cache::detail
