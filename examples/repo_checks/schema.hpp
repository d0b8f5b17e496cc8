// The table `doi_cache` as structs: the result of one repository's checks a row.
#pragma once

#include <render_cache/entry/types.hpp>

#include <boost/hana/adapt_struct.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace repo_checks {

/// The row of `managed_repos` that was checked.
struct RepoKey {
  render_cache::Uuid repo_id;
  friend bool operator==(const RepoKey&, const RepoKey&) = default;
};

/// What the checks found.
struct CheckResult {
  std::string tier;  ///< the highest tier that passes with all below it: "none", "core", "standard" or "full"
  bool core_pass = false;  ///< every criterion of the tier itself passes
  bool standard_pass = false;
  bool full_pass = false;
  std::optional<render_cache::Json> criteria;  ///< the list of criteria: see json.hpp
  friend bool operator==(const CheckResult&, const CheckResult&) = default;
};

struct DoiCacheSchema {
  using key_type = RepoKey;
  using value_type = CheckResult;
  static constexpr std::string_view table = "doi_cache";
  static constexpr std::string_view fingerprint_column = "fingerprint";
  static constexpr std::string_view rendered_at_column = "checked_at";
  static constexpr std::string_view updated_at_column = "updated_at";
  /// Throws std::runtime_error for a row that no evaluation writes: it is evaluated again.
  static void validate(const CheckResult& result);
};

/// This system's history of migrations has its own table, so that it can share a database with a wiki.
inline const std::string migration_history = "repo_checks_migrations";

}  // namespace repo_checks

BOOST_HANA_ADAPT_STRUCT(repo_checks::RepoKey, repo_id);
BOOST_HANA_ADAPT_STRUCT(repo_checks::CheckResult, tier, core_pass, standard_pass, full_pass, criteria);
