// The whole system behind one interface, whichever database it is on.
#pragma once

#include "criteria.hpp"
#include "registry.hpp"
#include "schema.hpp"

#include <render_cache/read/options.hpp>
#include <render_cache/read/outcome.hpp>
#include <render_cache/read/stats.hpp>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace repo_checks {

using CheckOutcome = render_cache::Outcome<CheckResult>;
using CheckAnswer = render_cache::Answer<CheckResult>;

/// Round trips to the database since the start, without those that open a connection.
struct RoundTrips {
  std::uint64_t registry = 0;
  std::uint64_t store = 0;
};

/// To be used from many threads at once.
class Checks {
 public:
  virtual ~Checks() = default;

  [[nodiscard]] virtual Registry& registry() noexcept = 0;

  /// The result for the repository as it is now, from the cache if it is there; `force_refresh` evaluates in any case. An
  /// evaluation ends (render_cache::Cancelled) when `client_left` says so of the last one who waits for it.
  virtual CheckOutcome check(const Repository& repository, bool force_refresh, const render_cache::GetOptions& options,
                             const std::stop_token& client_left) = 0;
  CheckOutcome check(const Repository& repository, bool force_refresh = false) {
    return check(repository, force_refresh, {}, {});
  }

  /// One answer a repository, in their order; they come from `Registry::list()` just now.
  /// `options.stop` ends evaluations that nobody else waits for, too.
  virtual std::vector<CheckAnswer> check_all(std::span<const Repository> repositories,
                                             const render_cache::ManyOptions& options) = 0;

  [[nodiscard]] virtual render_cache::CacheStats stats() const = 0;
  [[nodiscard]] virtual RoundTrips round_trips() const = 0;
};

struct ChecksOptions {
  Configuration configuration = standard_configuration();
  /// Ends the commands that are running and refuses to start more.
  std::stop_token stop{};
  /// Told of each error of the cache's table that was survived.
  std::function<void(const std::exception&)> on_store_error{};
};

/// Both apply the migrations that are pending, and throw render_cache::StoreError where the database cannot be used.
[[nodiscard]] std::unique_ptr<Checks> open_sqlite_checks(const std::filesystem::path& file, ChecksOptions options = {});
[[nodiscard]] std::unique_ptr<Checks> open_postgres_checks(const std::string& conninfo, ChecksOptions options = {});

/// `sqlite:PATH` or `postgres:CONNINFO`; throws std::invalid_argument for anything else.
[[nodiscard]] std::unique_ptr<Checks> open_checks(std::string_view store, ChecksOptions options = {});

}  // namespace repo_checks
