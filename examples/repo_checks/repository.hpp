// A repository under management: what is checked.
#pragma once

#include <render_cache/concepts/source.hpp>
#include <render_cache/entry/types.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace repo_checks {

/// What the database knows of a repository: its row of `managed_repos` and the aggregates of `repo_events`, at one moment.
struct Record {
  render_cache::Timestamp updated_at;
  std::optional<render_cache::Timestamp> newest_snapshot;
  std::optional<render_cache::Timestamp> newest_goal;
  /// Grows with every change of the row and of its events, by triggers. Times alone would not do: two changes can have the same
  /// one, and a transaction that took long brings an old one.
  std::int64_t revision = 0;
  friend bool operator==(const Record&, const Record&) = default;
};

struct Repository {
  render_cache::Uuid id;
  std::string slug;
  std::filesystem::path path;
  Record record;  ///< as it was when the repository was listed
};

}  // namespace repo_checks

template <>
inline constexpr bool render_cache::outlives_call<repo_checks::Repository> = true;
