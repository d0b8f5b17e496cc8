// warm, prune, migrate.
#include "options.hpp"
#include "outline.hpp"
#include "progress_bar.hpp"
#include "stores/migrate_on.hpp"
#include "sweep.hpp"

#include <render_cache/entry/text.hpp>

#include <chrono>
#include <iostream>
#include <memory>

namespace wiki {
namespace {

std::unique_ptr<Pages> open_store(const CommonOptions& options) {
  auto pages = open_pages({.store = options.store, .memory = options.memory, .on_store_error = {}});
  pages->prepare();
  return pages;
}

}  // namespace

int warm(const WarmOptions& options) {
  const auto pages = open_store(options);
  std::vector<WantedPage> wanted;
  for (const auto& [alias, folder] : options.roots) {
    const auto root = open_root(folder);
    for (auto& path : list_pages(*root)) wanted.push_back({{alias, path}, {root, path}});
  }

  const auto start = std::chrono::steady_clock::now();
  ProgressBar bar(std::cerr, "Rendering");
  std::size_t hits = 0;
  render_cache::ManyOptions many;
  many.parallel = options.parallel;
  many.progress = [&](const render_cache::Progress& progress) {
    hits = progress.hits;
    bar.show(progress.done, progress.total);
  };
  const auto answers = pages->get_many(wanted, many);
  bar.finish();

  std::size_t failed = 0, not_stored = 0;
  for (std::size_t at = 0; at < answers.size(); ++at) {
    try {
      if (!answers[at].outcome().stored) ++not_stored;
    } catch (const std::exception& error) {
      ++failed;
      const auto& [alias, path] = wanted[at].key;
      std::cerr << alias << '/' << render_cache::printable(path) << ": " << render_cache::printable(error.what()) << '\n';
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::cout << wanted.size() << (wanted.size() == 1 ? " page: " : " pages: ") << hits << " fresh in the store, "
            << wanted.size() - hits - failed << " rendered, " << failed << " failed, in " << took.count() << " s\n";
  if (not_stored > 0) std::cerr << not_stored << " pages could not be stored\n";
  return failed == 0 && not_stored == 0 ? 0 : 1;
}

int prune(const CommonOptions& options, const PruneChoice& choice) {
  const auto pages = open_store(options);
  ProgressBar bar(std::cerr, "Clean-up:");
  const auto report =
      sweep(*pages, options, choice, {}, [&](const SweepReport& so_far) { bar.show(describe(so_far, choice.dry_run)); });
  bar.finish();
  if (!choice.keep_others && choice.live_query.empty() && keeps_others(options, choice)) {
    std::cerr
        << "wiki: repositories that are not among --root are left alone, for nodes share this store: --live-query says which "
           "of them live, --remove-others that none does\n";
  }
  for (const auto& warning : report.warnings) std::cerr << "wiki: " << render_cache::printable(warning) << '\n';
  std::cout << describe(report, choice.dry_run) << '\n';
  return 0;
}

int migrate(const MigrateOptions& options) {
  switch (options.store.kind) {
    case StoreChoice::Kind::memory: std::cout << "the memory store has no tables\n"; break;
    case StoreChoice::Kind::sqlite: migrate_sqlite(options, std::cout); break;
    case StoreChoice::Kind::postgres: migrate_postgres(options, std::cout); break;
  }
  return 0;
}

}  // namespace wiki
