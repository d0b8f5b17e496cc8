// The fingerprint of a repository: what the database knows, what its files hold, and what is there at all.
#pragma once

#include "criteria.hpp"
#include "registry.hpp"

#include <render_cache/entry/fingerprint.hpp>
#include <render_cache/hasher/file.hpp>
#include <render_cache/hasher/sha256.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace repo_checks {

/// A Hasher of `Repository`:
/// `repo=t:..|snapshot=t:..|goal=absent|revision=7|SCOPE.md=s2:..|CLAUDE.md=absent|tpsc.yaml=s2:..|present=git,readme`, where
/// `present` names the criteria whose files or directories are there. With `Configuration::file_times` a file is `t:../s2:..`.
///
/// Cheap to sample, slow to evaluate, and impossible to freeze: so the cache samples before and after the evaluation.
class RepositoryHasher {
 public:
  /// Live: an evaluation takes seconds, and nobody stops working meanwhile.
  static constexpr bool source_can_move = true;

  RepositoryHasher(const Registry& registry, std::shared_ptr<const Configuration> configuration);

  /// Asks the database for the record as it is now.
  [[nodiscard]] render_cache::Fingerprint components(const Repository& repository) const;

  /// Takes the records from the sources, which `Registry::list()` gave a moment ago: one statement for the list and its sample.
  [[nodiscard]] std::vector<render_cache::Fingerprint> components_many(std::span<const Repository* const> repositories) const;

 private:
  render_cache::Fingerprint sample(const Repository& repository, const std::optional<Record>& record) const;
  void add_file(render_cache::Fingerprint& fingerprint, const std::shared_ptr<const render_cache::DocumentRoot>& root,
                const std::string& path) const;
  void add_present(render_cache::Fingerprint& fingerprint, const render_cache::DocumentRoot& root) const;

  const Registry& registry_;
  std::shared_ptr<const Configuration> configuration_;
  std::vector<const Criterion*> looked_for_;  ///< whose files and directories are not all watched anyway
  render_cache::FileHasher<render_cache::Sha256Hasher> files_;
};

}  // namespace repo_checks
