// The renderer of this system: checks a repository against all criteria.
#pragma once

#include "criteria.hpp"
#include "finding.hpp"
#include "registry.hpp"
#include "schema.hpp"
#include "subprocess.hpp"
#include "waiting.hpp"

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace repo_checks {

/// A Renderer of `CheckResult` from `Repository`. Whatever a criterion meets makes it fail, with the reason; an evaluation
/// as a whole fails only where its result would say nothing about the repository: the system has no process left, the
/// database cannot be asked, or nobody waits for it any more (`render_cache::Cancelled`).
class Evaluator {
 public:
  Evaluator(const Registry& registry, std::shared_ptr<const Configuration> configuration,
            std::shared_ptr<Waiting> waiting = std::make_shared<Waiting>(std::stop_token()));

  [[nodiscard]] CheckResult render(const RepoKey& key, const Repository& repository) const;

  /// `repo-checks/2+s2:<16 digits>`: of the criteria's definitions, so that changing one checks everything anew.
  [[nodiscard]] std::string_view version() const noexcept { return version_; }

 private:
  using Root = render_cache::DocumentRoot;
  void judge(Finding& finding, const Exists& rule, const Repository& repository, const Root& root,
             const std::stop_token& stop) const;
  void judge(Finding& finding, const Succeeds& rule, const Repository& repository, const Root& root,
             const std::stop_token& stop) const;
  void judge(Finding& finding, const Recorded& rule, const Repository& repository, const Root& root,
             const std::stop_token& stop) const;

  const Registry& registry_;
  std::shared_ptr<const Configuration> configuration_;
  std::shared_ptr<Waiting> waiting_;
  std::string version_;
};

}  // namespace repo_checks
