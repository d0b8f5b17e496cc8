#include "repository_hasher.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace repo_checks {

using render_cache::DocumentRoot;
using render_cache::FileError;
using render_cache::Fingerprint;

RepositoryHasher::RepositoryHasher(const Registry& registry, std::shared_ptr<const Configuration> configuration)
    : registry_(registry), configuration_(std::move(configuration)) {
  const auto is_watched = [&](const std::string& path) {
    return std::ranges::find(configuration_->watched_files, path) != configuration_->watched_files.end();
  };
  for (const auto& criterion : configuration_->criteria) {
    const auto* exists = std::get_if<Exists>(&criterion.rule);
    if (exists != nullptr && !std::ranges::all_of(exists->any_of, is_watched)) looked_for_.push_back(&criterion);
  }
}

Fingerprint RepositoryHasher::components(const Repository& repository) const {
  return sample(repository, registry_.record_of(repository.id));
}

std::vector<Fingerprint> RepositoryHasher::components_many(std::span<const Repository* const> repositories) const {
  std::vector<Fingerprint> all;
  all.reserve(repositories.size());
  for (const Repository* each : repositories) all.push_back(sample(*each, each->record));
  return all;
}

Fingerprint RepositoryHasher::sample(const Repository& repository, const std::optional<Record>& record) const {
  Fingerprint fingerprint;
  if (record) {
    fingerprint.add("repo", record->updated_at)
        .add("snapshot", record->newest_snapshot)
        .add("goal", record->newest_goal)
        .add("revision", record->revision);
  } else {
    fingerprint.add("repo", Fingerprint::absent);
  }

  std::shared_ptr<const DocumentRoot> root;
  try {
    root = std::make_shared<const DocumentRoot>(repository.path);
  } catch (const FileError& error) {
    // No directory is a state like any other. A directory that cannot be read tells nothing of its state.
    if (error.kind != FileError::Kind::not_found) return fingerprint.add("path", error.what()).mark_unsettled();
    return fingerprint.add("path", Fingerprint::absent);
  }
  for (const auto& file : configuration_->watched_files) add_file(fingerprint, root, file);
  add_present(fingerprint, *root);
  return fingerprint;
}

/// The content, which is the same in each node's checkout; with its time before it if the configuration says that a touched file counts
/// as changed. Where the content cannot be read there is the time alone, and it has to be old enough to be trusted.
void RepositoryHasher::add_file(Fingerprint& fingerprint, const std::shared_ptr<const DocumentRoot>& root,
                                const std::string& path) const {
  const render_cache::FileSource file{root, path};
  std::optional<std::string> value;
  bool settled = true;
  std::string time;
  const auto look_at_time = [&] {
    const auto now = files_.time(file);
    if (now) time = "t:" + std::to_string(now->modified.time_since_epoch().count()) + "/";
    return now;
  };
  try {
    if (!configuration_->file_times || look_at_time()) value = files_.digest(file);
    if (value) value->insert(0, time);
  } catch (const FileError&) {
    settled = false;
    try {
      if (const auto now = look_at_time()) {
        value = time + "unreadable";
        settled = now->settled;
      }
    } catch (const FileError&) {
    }
  }
  fingerprint.add(path, value);
  if (!settled) fingerprint.mark_unsettled();
}

/// Which of the criteria's files and directories there are. Names, not times: what a check leaves behind for a moment does
/// not count.
void RepositoryHasher::add_present(Fingerprint& fingerprint, const DocumentRoot& root) const {
  std::string present;
  try {
    for (const auto* criterion : looked_for_) {
      if (first_present(std::get<Exists>(criterion->rule), root).empty()) continue;
      if (!present.empty()) present += ',';
      present += criterion->name;
    }
  } catch (const FileError& error) {
    present = error.what();
    fingerprint.mark_unsettled();
  }
  fingerprint.add("present", present);
}

}  // namespace repo_checks
