#include "sweep.hpp"

#include "outline.hpp"

#include <algorithm>
#include <functional>
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

render_cache::Bounds chosen_bounds(const Pages& pages, const PruneChoice& choice) {
  auto bounds = pages.bounds();
  if (choice.max_age) bounds.max_age.reset();
  if (choice.max_age && choice.max_age->count() > 0) bounds.max_age = *choice.max_age;
  if (choice.max_size) bounds.max_bytes.reset();
  if (choice.max_size && *choice.max_size > 0) bounds.max_bytes = *choice.max_size;
  return bounds;
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
  const auto is_there = [&](const render_cache::WikiKey& key) {
    const auto at = open.find(key.repo_alias);
    if (at == open.end()) return others_live;
    return !at->second || may_exist(*at->second, key.page_path);
  };
  // In a dry run what one sweep has counted is still there for the next.
  std::function<bool(const std::string&)> lives;
  if (choice.dry_run && !choice.live_query.empty()) lives = pages.live_repositories(choice.live_query);
  const auto is_counted = [&](const render_cache::WikiKey& key) { return lives && !lives(key.repo_alias); };

  const bool nothing_to_ask = std::ranges::all_of(open, [](const auto& root) { return !root.second; });
  if (!others_live || !nothing_to_ask) {  // else each entry would stay
    report.pages = pages.prune([&](const auto& key) { return is_counted(key) || is_there(key); }, how(report.pages));
  }
  if (const auto bounds = chosen_bounds(pages, choice); bounds != render_cache::Bounds{}) {
    Pages::Keep stays;
    if (choice.dry_run) stays = [&](const auto& key) { return !is_counted(key) && is_there(key); };
    report.bounds = pages.prune_to(bounds, how(report.bounds), stays);
  }
  return report;
}

std::size_t removed(const SweepReport& report) {
  return report.repositories.removed + report.pages.removed + report.bounds.removed;
}

std::string describe(const SweepReport& report, bool dry_run) {
  const auto& [repositories, pages, bounds, warnings] = report;
  const auto kept_newer = repositories.kept_newer + pages.kept_newer + bounds.kept_newer;
  // What one sweep has left is looked at once more by the next, if there is one.
  const auto gone = dry_run ? 0 : repositories.removed;
  const auto examined =
      std::max({repositories.examined, pages.examined + gone, bounds.examined + (dry_run ? 0 : gone + pages.removed)});
  std::string text;
  if (repositories.groups > 0) {
    text =
        std::to_string(repositories.dead_groups) + " of " + std::to_string(repositories.groups) + " repositories do not live, ";
  }
  text += std::to_string(examined) + " entries examined, " + std::to_string(removed(report)) +
          (dry_run ? " would be removed" : " removed");
  if (bounds.removed > 0) text += ", " + std::to_string(bounds.removed) + " of them beyond the bounds";
  if (kept_newer > 0) text += ", " + std::to_string(kept_newer) + " kept since they are newer than the sweep";
  if (pages.stopped || repositories.stopped || bounds.stopped) text += ", stopped before the end";
  return text;
}

}  // namespace wiki
