// The renderer of this system: checks a repository against all criteria.
#pragma once

#include "criteria.hpp"
#include "finding.hpp"
#include "registry.hpp"
#include "schema.hpp"
#include "subprocess.hpp"

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace repo_checks {

/// A Renderer of `CheckResult` from `Repository`. Whatever a criterion meets makes it fail, with the reason; an evaluation
/// as a whole fails only where its result would say nothing about the repository: the system has no process left, the
/// database cannot be asked, or somebody asked to stop (`render_cache::Cancelled`).
class Evaluator {
 public:
  Evaluator(const Registry& registry, std::shared_ptr<const Configuration> configuration, std::stop_token stop = {});

  [[nodiscard]] CheckResult render(const RepoKey& key, const Repository& repository) const;

  /// `repo-checks/2+s2:<16 digits>`: of the criteria's definitions, so that changing one checks everything anew.
  [[nodiscard]] std::string_view version() const noexcept { return version_; }

 private:
  using Root = render_cache::DocumentRoot;
  void judge(Finding& finding, const Exists& rule, const Repository& repository, const Root& root) const;
  void judge(Finding& finding, const Succeeds& rule, const Repository& repository, const Root& root) const;
  void judge(Finding& finding, const Recorded& rule, const Repository& repository, const Root& root) const;

  const Registry& registry_;
  std::shared_ptr<const Configuration> configuration_;
  std::stop_token stop_;
  std::string version_;
};

}  // namespace repo_checks
