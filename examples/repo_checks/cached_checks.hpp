// The instantiation: RenderCache<Evaluator, RepositoryHasher, Store>.
#pragma once

#include "checks.hpp"
#include "evaluator.hpp"
#include "repository_hasher.hpp"
#include "sql_registry.hpp"

#include <render_cache/cache.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace repo_checks {

/// Passes on what the cache survived.
struct StoreErrors {
  std::function<void(const std::exception&)> tell;
  void on_store_error(const render_cache::StoreErrorEvent& event) const noexcept {
    if (tell) tell(event.error);
  }
};

/// `Database` says how to reach the tables (see sql_registry.hpp), and
///   `using Store = ...;`                                          a Store of DoiCacheSchema
///   `static std::uint64_t round_trips(const Store&)`
template <class Database>
class CachedChecks : public Checks {
 public:
  using Store = typename Database::Store;

  template <class StoreOptions>
  CachedChecks(std::unique_ptr<Database> database, StoreOptions store_options, ChecksOptions options)
      : configuration_(std::make_shared<const Configuration>(std::move(options.configuration))), registry_(std::move(database)),
        store_(std::move(store_options)),
        cache_(Evaluator(registry_, configuration_, std::move(options.stop)), RepositoryHasher(registry_, configuration_), store_,
               {}, {std::move(options.on_store_error)}) {}

  Registry& registry() noexcept override { return registry_; }

  CheckOutcome check(const Repository& repository, bool force_refresh, const render_cache::GetOptions& options) override {
    const RepoKey key{repository.id};
    return force_refresh ? cache_.refresh(key, repository, options) : cache_.get(key, repository, options);
  }

  std::vector<CheckAnswer> check_all(std::span<const Repository> repositories,
                                     const render_cache::ManyOptions& options) override {
    std::vector<Wanted> wanted;
    wanted.reserve(repositories.size());
    for (const auto& repository : repositories) wanted.push_back({{repository.id}, repository});
    return cache_.get_many(std::span<const Wanted>(wanted), options);
  }

  render_cache::CacheStats stats() const override { return cache_.stats(); }
  RoundTrips round_trips() const override { return {registry_.statements(), Database::round_trips(store_)}; }

 private:
  using Wanted = render_cache::Wanted<RepoKey, Repository>;

  std::shared_ptr<const Configuration> configuration_;
  SqlRegistry<Database> registry_;
  Store store_;
  render_cache::RenderCache<Evaluator, RepositoryHasher, Store, StoreErrors> cache_;
};

}  // namespace repo_checks
