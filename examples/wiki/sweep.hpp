// Clean-up: entries of repositories and pages that are no more.
#pragma once

#include "options.hpp"

#include <render_cache/entry/prune.hpp>
#include <render_cache/hasher/document_root.hpp>

#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace wiki {

struct SweepReport {
  render_cache::PruneReport repositories;  ///< by the query, if there is one
  render_cache::PruneReport pages;
  render_cache::PruneReport bounds;  ///< what was beyond them
  std::vector<std::string> warnings;  ///< repositories that were left alone, and why
};

/// A folder that cannot be read, or that has no page in it, may be one that is not mounted: its entries are left alone.
/// Store errors are thrown. `progress` is told what was done so far, batch by batch.
SweepReport sweep(Pages& pages, const CommonOptions& options, const PruneChoice& choice, std::stop_token stop = {},
                  const std::function<void(const SweepReport&)>& progress = {});

/// Whether entries of repositories that are not served here stay, where no query says which live.
bool keeps_others(const CommonOptions& options, const PruneChoice& choice);

/// How many entries went.
std::size_t removed(const SweepReport& report);
std::string describe(const SweepReport& report, bool dry_run);

}  // namespace wiki
