// How the SQL stores clean up: in batches, no lock held while the caller is asked, nothing removed that is new.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/prune.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace render_cache {

/// What `prune_groups` does when the query of live groups names none.
enum class WhenNoneLive : std::uint8_t {
  refuse,     ///< throws StoreError: an empty answer usually is a mistake
  erase_all,  ///< every group is dead
};

/// A key that a sweep has read.
template <class Key>
struct SweptKey {
  Key key;     ///< as it is stored
  bool newer;  ///< published since the sweep started
};

/// `prune` of a SQL store. `page(after, limit)` reads the keys that follow `*after`, or the first ones where it is null, in key order;
/// `erase_older(keys)` erases those not published since the start, in one transaction, and says how many it did.
template <class Key, class Page, class EraseOlder>
PruneReport sweep(const KeepPredicate<Key>& keep, const PruneOptions& options, Page page, EraseOlder erase_older) {
  PruneReport report;
  const std::size_t limit = std::clamp<std::size_t>(options.batch, 1, 1'000'000);
  std::vector<SweptKey<Key>> keys;
  do {
    if (options.stop.stop_requested()) {
      report.stopped = true;
      break;
    }
    // The last key of the page before tells where this one starts: it need not exist any more.
    keys = keys.empty() ? page(static_cast<const Key*>(nullptr), limit) : page(&keys.back().key, limit);
    if (keys.empty()) break;
    std::vector<Key> doomed;
    std::size_t newer = 0;
    for (const auto& swept : keys) {
      if (keep(swept.key)) continue;
      if (swept.newer) {
        ++newer;
      } else {
        doomed.push_back(swept.key);
      }
    }
    const auto removed = options.dry_run || doomed.empty() ? doomed.size() : erase_older(std::span<const Key>(doomed));
    report.examined += keys.size();
    report.removed += removed;
    report.kept_newer += newer + (doomed.size() - removed);
    if (options.progress) options.progress(report);
  } while (keys.size() == limit);
  return report;
}

namespace detail {

/// What `GroupSweepSql::survey` counted.
struct GroupSurvey {
  std::size_t live_groups = 0, entries = 0, dead = 0, dead_but_newer = 0;
};

/// `erase_some(limit)` erases up to `limit` entries of dead groups and says how many.
template <class EraseSome>
PruneReport sweep_groups(const GroupSurvey& survey, const PruneOptions& options, WhenNoneLive when_none, EraseSome erase_some) {
  if (survey.live_groups == 0 && when_none == WhenNoneLive::refuse) {
    throw StoreError("the query of live groups names none, so every one of the " + std::to_string(survey.entries) +
                     " entries would go; if that is meant, say so with WhenNoneLive::erase_all");
  }
  PruneReport report{.examined = survey.entries, .kept_newer = survey.dead_but_newer};
  if (options.dry_run) {
    report.removed = survey.dead;
    return report;
  }
  const std::size_t limit = std::clamp<std::size_t>(options.batch, 1, 1'000'000);
  for (std::size_t removed = limit; removed == limit;) {
    if (options.stop.stop_requested()) {
      report.stopped = true;
      break;
    }
    removed = erase_some(limit);
    report.removed += removed;
    if (options.progress) options.progress(report);
  }
  return report;
}

}  // namespace detail
}  // namespace render_cache
