// Pages on a store of a certain type. Included by the files of this folder only.
#pragma once

#include "pages.hpp"
#include "stats.hpp"

#include <render_cache/hasher/sha256.hpp>
#include <render_cache/renderer/markdown.hpp>

#include <nlohmann/json.hpp>

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wiki {

inline render_cache::PrometheusObserver page_metrics(const PagesOptions& options) {
  return render_cache::PrometheusObserver(*options.metrics, {{"cache", "pages"}});
}

/// Counts, and passes on what the cache survived.
struct PageObserver : render_cache::PrometheusObserver {
  explicit PageObserver(const PagesOptions& options) : PrometheusObserver(page_metrics(options)), tell(options.on_store_error) {}

  void on_store_error(const render_cache::StoreErrorEvent& event) const noexcept {
    PrometheusObserver::on_store_error(event);
    if (tell) tell(event.error);
  }

  std::function<void(const std::exception&)> tell;
};

template <class Store>
class PagesOn : public Pages {
 public:
  using Cache = render_cache::RenderCache<render_cache::MarkdownRenderer, render_cache::FileHasher<render_cache::Sha256Hasher>,
                                          Store, PageObserver>;

  PagesOn(Store& store, const PagesOptions& options)
      : cache_(render_cache::MarkdownRenderer(markdown(options)), render_cache::FileHasher<render_cache::Sha256Hasher>(), store,
               {}, PageObserver(options)),
        metrics_(options.metrics) {}

  std::optional<render_cache::Fingerprint> fingerprint_near(const render_cache::FileSource& file) const override {
    return cache_.fingerprint_near(file);
  }
  PageOutcome get(const render_cache::WikiKey& key, const render_cache::FileSource& file) override {
    return cache_.get(key, file);
  }
  std::vector<PageAnswer> get_many(const std::vector<WantedPage>& wanted, const render_cache::ManyOptions& options) override {
    return cache_.get_many(wanted, options);
  }
  render_cache::PruneReport prune(const Keep& keep, const render_cache::PruneOptions& options) override {
    return cache_.store().prune(keep, options);  // the cache's own would go on to the bounds
  }
  render_cache::PruneReport prune_groups(std::string_view live_query, const render_cache::PruneOptions& options) override {
    if constexpr (requires { cache_.store().prune_groups(live_query, options); }) {
      return cache_.store().prune_groups(live_query, options);
    } else {
      throw render_cache::Error("a query of live repositories needs a store that is a database");
    }
  }
  std::function<bool(const std::string&)> live_repositories(std::string_view live_query) override {
    if constexpr (requires { cache_.store().far().live_groups(live_query, render_cache::PruneOptions().query_timeout); }) {
      return cache_.store().far().live_groups(live_query, render_cache::PruneOptions().query_timeout);
    } else {
      throw render_cache::Error("a query of live repositories needs a store that is a database");
    }
  }
  render_cache::Bounds bounds() const override {
    if constexpr (render_cache::HasBounds<Store>) {
      return cache_.store().bounds();
    } else {
      return {};
    }
  }
  render_cache::PruneReport prune_to(const render_cache::Bounds& bounds, const render_cache::PruneOptions& options,
                                     const Keep& stays) override {
    if constexpr (render_cache::HasBounds<Store>) {
      return cache_.store().prune_to(bounds, options, stays);
    } else {
      throw render_cache::Error("--max-age and --max-size need a store that is a database; --memory bounds what is in memory");
    }
  }
  render_cache::CacheStats stats() const override { return cache_.stats(); }
  prometheus::Registry& metrics() const override { return *metrics_; }

 protected:
  Cache cache_;

 private:
  static render_cache::MarkdownOptions markdown(const PagesOptions& options) {
    render_cache::MarkdownOptions markdown;
    markdown.max_time = options.render_limit;
    return markdown;
  }

  std::shared_ptr<prometheus::Registry> metrics_;
};

}  // namespace wiki
