#include "sweep.hpp"

#include "outline.hpp"

#include <algorithm>
#include <map>
#include <memory>

namespace wiki {
namespace {

using render_cache::DocumentRoot;
using render_cache::FileError;

/// False only where the file is certainly gone; not where it just cannot be read.
bool may_exist(const DocumentRoot& root, const std::string& path) {
  try {
    static_cast<void>(root.open(path));
    return true;
  } catch (const FileError& error) {
    return error.kind == FileError::Kind::unreadable;
  }
}

}  // namespace

bool keeps_others(const CommonOptions& options, const PruneChoice& choice) {
  return choice.keep_others.value_or(options.store.is_shared());
}

SweepReport sweep(Pages& pages, const CommonOptions& options, const PruneChoice& choice, std::stop_token stop,
                  const std::function<void(const SweepReport&)>& progress) {
  SweepReport report;
  const auto how = [&](render_cache::PruneReport& part) {
    return render_cache::PruneOptions{.dry_run = choice.dry_run, .stop = stop, .progress = [&](const auto& so_far) {
                                        part = so_far;
                                        if (progress) progress(report);
                                      }};
  };
  if (!choice.live_query.empty()) report.repositories = pages.prune_groups(choice.live_query, how(report.repositories));

  // The folders stay open meanwhile: one that is unmounted during the sweep does not turn into an empty one.
  std::map<std::string, std::shared_ptr<const DocumentRoot>> open;
  for (const auto& [alias, folder] : options.roots) {
    auto& root = open[alias];
    try {
      root = open_root(folder);
      if (!list_pages(*root).empty()) continue;
      report.warnings.push_back("'" + alias + "' is left alone: '" + folder.string() + "' has no pages; is it mounted?");
    } catch (const FileError& error) {
      report.warnings.push_back("'" + alias + "' is left alone: " + error.what());
    }
    root.reset();
  }
  const bool others_live = !choice.live_query.empty() || keeps_others(options, choice);
  const bool nothing_to_ask = std::ranges::all_of(open, [](const auto& root) { return !root.second; });
  if (others_live && nothing_to_ask) return report;  // each entry would stay
  report.pages = pages.prune(
      [&](const render_cache::WikiKey& key) {
        const auto at = open.find(key.repo_alias);
        if (at == open.end()) return others_live;
        return !at->second || may_exist(*at->second, key.page_path);
      },
      how(report.pages));
  return report;
}

std::string describe(const SweepReport& report, bool dry_run) {
  const auto& [repositories, pages, warnings] = report;
  const auto removed = repositories.removed + pages.removed;
  const auto kept_newer = repositories.kept_newer + pages.kept_newer;
  // What the query's sweep has left is looked at once more by that of the pages, if there is one.
  const auto examined = std::max(repositories.examined, pages.examined + (dry_run ? 0 : repositories.removed));
  std::string text;
  if (repositories.groups > 0) {
    text =
        std::to_string(repositories.dead_groups) + " of " + std::to_string(repositories.groups) + " repositories do not live, ";
  }
  text +=
      std::to_string(examined) + " entries examined, " + std::to_string(removed) + (dry_run ? " would be removed" : " removed");
  if (kept_newer > 0) text += ", " + std::to_string(kept_newer) + " kept since they are newer than the sweep";
  if (report.pages.stopped || report.repositories.stopped) text += ", stopped before the end";
  return text;
}

}  // namespace wiki
