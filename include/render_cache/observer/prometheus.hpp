// What a cache does, as metrics of a Prometheus registry.
#pragma once

#include <render_cache/concepts/observer.hpp>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/labels.h>
#include <prometheus/registry.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace render_cache {

/// An observer that counts into a `prometheus::Registry` (prometheus-cpp), to be shown as text or served by whatever the program
/// has for that. Give a copy to the cache and another to the MemoryStore before it: copies count together. The registry must
/// outlive them.
///
///     render_cache_near_hits_total                      reads answered from this process's memory
///     render_cache_lookup_seconds{result}               the others: store, absent, changed, forced, unsettled, unreadable,
///                                                       damaged, store_failed, unsampled; its count says how many, by reason
///     render_cache_render_seconds{result}               done, failed
///     render_cache_publish_seconds
///     render_cache_evictions_total, render_cache_evicted_bytes_total
///     render_cache_store_errors_total{kind}             unavailable, full, refused, forbidden, other
///
/// Keys are no labels: there are too many of them. A near hit costs two looks at the clock and one atomic addition more; all else
/// waits for a disk, a network or a renderer anyway. Thread-safe.
class PrometheusObserver {
 public:
  /// `labels` tell this cache from others of the same registry: {{"cache", "pages"}}.
  explicit PrometheusObserver(prometheus::Registry& registry, const prometheus::Labels& labels = {}) {
    near_hits_ =
        &counter(registry, "render_cache_near_hits_total", "Reads answered from this process's memory, verified", labels);
    const auto lookup = [&](std::string_view result) {
      return &histogram(registry, "render_cache_lookup_seconds",
                        "Reads not answered from memory: the store's hits, and misses by reason", with(labels, "result", result));
    };
    hits_ = lookup("store");
    for (std::size_t reason = 1; reason < misses_.size(); ++reason)
      misses_[reason] = lookup(to_string(static_cast<Miss>(reason)));
    const auto render = [&](std::string_view result) {
      return &histogram(registry, "render_cache_render_seconds", "Time in the renderer", with(labels, "result", result));
    };
    renders_ = render("done");
    failed_renders_ = render("failed");
    publishes_ = &histogram(registry, "render_cache_publish_seconds", "Time to store an entry", labels);
    evictions_ = &counter(registry, "render_cache_evictions_total", "Entries that left memory to make room", labels);
    evicted_bytes_ = &counter(registry, "render_cache_evicted_bytes_total", "What they weighed", labels);
    constexpr std::array<std::string_view, 5> kinds{"unavailable", "full", "refused", "forbidden", "other"};
    for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
      store_errors_[kind] = &counter(registry, "render_cache_store_errors_total",
                                     "Calls to the store that failed, and were survived", with(labels, "kind", kinds[kind]));
    }
  }

  void on_hit(const auto& /*key*/, const HitEvent& event) const noexcept {
    if (event.origin == Origin::near) {
      near_hits_->Increment();
    } else {
      hits_->Observe(seconds(event.took));
    }
  }
  void on_miss(const auto& /*key*/, const MissEvent& event) const noexcept {
    misses_[static_cast<std::size_t>(event.reason)]->Observe(seconds(event.took));
  }
  void on_render(const auto& /*key*/, const RenderEvent& event) const noexcept {
    (event.error ? failed_renders_ : renders_)->Observe(seconds(event.took));
  }
  void on_publish(const auto& /*key*/, const PublishEvent& event) const noexcept { publishes_->Observe(seconds(event.took)); }
  void on_evict(const auto& /*key*/, const EvictEvent& event) const noexcept {
    evictions_->Increment();
    evicted_bytes_->Increment(static_cast<double>(event.weight));
  }
  void on_store_error(const StoreErrorEvent& event) const noexcept {
    store_errors_[static_cast<std::size_t>(event.kind)]->Increment();
  }

 private:
  static double seconds(std::chrono::nanoseconds time) noexcept { return std::chrono::duration<double>(time).count(); }

  static prometheus::Labels with(prometheus::Labels labels, const char* name, std::string_view value) {
    labels[name] = value;
    return labels;
  }
  static prometheus::Counter& counter(prometheus::Registry& registry, const char* name, const char* help,
                                      const prometheus::Labels& labels) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(labels);
  }
  static prometheus::Histogram& histogram(prometheus::Registry& registry, const char* name, const char* help,
                                          const prometheus::Labels& labels) {
    // From a read of SQLite to a check that takes a minute.
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add(
        labels, prometheus::Histogram::BucketBoundaries{1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60});
  }

  // The registry's.
  prometheus::Counter* near_hits_;
  prometheus::Histogram* hits_;
  std::array<prometheus::Histogram*, miss_reasons> misses_{};
  prometheus::Histogram* renders_;
  prometheus::Histogram* failed_renders_;
  prometheus::Histogram* publishes_;
  prometheus::Counter* evictions_;
  prometheus::Counter* evicted_bytes_;
  std::array<prometheus::Counter*, static_cast<std::size_t>(StoreFailure::other) + 1> store_errors_{};
};

}  // namespace render_cache
