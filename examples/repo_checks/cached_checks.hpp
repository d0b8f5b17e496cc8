// The instantiation: RenderCache<Evaluator, RepositoryHasher, Store>.
#pragma once

#include "checks.hpp"
#include "evaluator.hpp"
#include "repository_hasher.hpp"
#include "sql_registry.hpp"

#include <render_cache/cache.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <stop_token>
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
        stop_(options.stop), waiting_(std::make_shared<Waiting>(std::move(options.stop))), store_(std::move(store_options)),
        cache_(Evaluator(registry_, configuration_, waiting_), RepositoryHasher(registry_, configuration_), store_,
               // What makes an evaluation fail says nothing of the repository, and least of all that its client has left.
               {.failure_memory = std::chrono::milliseconds(0)}, {std::move(options.on_store_error)}) {
    // A server is reached now, by a caller who can wait and is told what is wrong, and not within the limit of the first look-up.
    if constexpr (requires { store_.check(); }) store_.check();
  }

  Registry& registry() noexcept override { return registry_; }

  CheckOutcome check(const Repository& repository, bool force_refresh, const render_cache::GetOptions& options,
                     const std::stop_token& client_left) override {
    const RepoKey key{repository.id};
    const Waiting::Client client(*waiting_, repository.id, client_left);
    for (;;) {
      try {
        return force_refresh ? cache_.refresh(key, repository, options) : cache_.get(key, repository, options);
      } catch (const render_cache::Cancelled&) {
        if (stop_.stop_requested() || client_left.stop_requested()) throw;
        // It was begun for others, who have left.
      }
    }
  }

  std::vector<CheckAnswer> check_all(std::span<const Repository> repositories,
                                     const render_cache::ManyOptions& options) override {
    std::vector<Wanted> wanted;
    std::list<Waiting::Client> clients;
    wanted.reserve(repositories.size());
    for (const auto& repository : repositories) {
      wanted.push_back({{repository.id}, repository});
      clients.emplace_back(*waiting_, repository.id, options.stop);
    }
    return cache_.get_many(std::span<const Wanted>(wanted), options);
  }

  render_cache::CacheStats stats() const override { return cache_.stats(); }
  RoundTrips round_trips() const override { return {registry_.statements(), Database::round_trips(store_)}; }

 private:
  using Wanted = render_cache::Wanted<RepoKey, Repository>;

  std::shared_ptr<const Configuration> configuration_;
  SqlRegistry<Database> registry_;
  std::stop_token stop_;
  std::shared_ptr<Waiting> waiting_;
  Store store_;
  render_cache::RenderCache<Evaluator, RepositoryHasher, Store, StoreErrors> cache_;
};

}  // namespace repo_checks
