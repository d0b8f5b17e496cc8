#include "evaluator.hpp"

#include "command_environment.hpp"

#include <render_cache/entry/error.hpp>
#include <render_cache/hasher/sha256.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <variant>

namespace repo_checks {
namespace {

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text.append(text.empty() ? "" : " or ").append(name);
  return text;
}

}  // namespace

Evaluator::Evaluator(const Registry& registry, std::shared_ptr<const Configuration> configuration,
                     std::shared_ptr<Waiting> waiting)
    : registry_(registry), configuration_(std::move(configuration)), waiting_(std::move(waiting)),
      version_("repo-checks/2+" + render_cache::Sha256Hasher().digest(configuration_->definition()).substr(0, 19)) {}

CheckResult Evaluator::render(const RepoKey&, const Repository& repository) const {
  const auto evaluation = waiting_->evaluation_of(repository.id);
  std::optional<Root> root;
  std::string unreadable;
  try {
    root.emplace(repository.path);
  } catch (const render_cache::FileError& error) {
    unreadable = one_line(error.what());
  }
  std::array passes{true, true, true};
  std::vector<Finding> findings;
  for (const auto& criterion : configuration_->criteria) {
    auto& finding = findings.emplace_back(Finding{criterion.name, criterion.tier, false, unreadable});
    if (root) std::visit([&](const auto& rule) { judge(finding, rule, repository, *root, evaluation->stop()); }, criterion.rule);
    if (!finding.passed) passes[static_cast<std::size_t>(criterion.tier)] = false;
  }
  const auto reached = std::ranges::find(passes, false) - passes.begin();
  return {.tier = std::string(reached == 0 ? "none" : to_string(static_cast<Tier>(reached - 1))),
          .core_pass = passes[0],
          .standard_pass = passes[1],
          .full_pass = passes[2],
          .criteria = to_json(findings)};
}

void Evaluator::judge(Finding& finding, const Exists& rule, const Repository&, const Root& root, const std::stop_token&) const {
  try {
    const auto path = first_present(rule, root);
    finding.passed = !path.empty();
    finding.reason = finding.passed ? std::string(path) : "there is no " + list_of(rule.any_of);
  } catch (const render_cache::FileError& error) {
    finding.reason = one_line(error.what());
  }
}

void Evaluator::judge(Finding& finding, const Succeeds& rule, const Repository& repository, const Root&,
                      const std::stop_token& stop) const {
  const Command command{rule.command, repository.path, command_environment(repository.path, configuration_->environment),
                        rule.timeout, rule.output_limit};
  const auto ending = run(command, stop);
  if (ending.kind == Ending::Kind::stopped) throw render_cache::Cancelled("stopped while '" + finding.name + "' was running");
  finding.duration = ending.duration;
  finding.passed = ending.succeeded() && !(rule.silent && !ending.output.empty());
  const auto printed = one_line(ending.output);
  if (finding.passed) {
    finding.reason = rule.silent ? "nothing to report" : "succeeded";
  } else if (ending.succeeded()) {
    finding.reason = "printed: " + printed;
  } else {
    finding.reason = describe(ending, command) + (printed.empty() ? "" : ": " + printed);
  }
}

void Evaluator::judge(Finding& finding, const Recorded& rule, const Repository& repository, const Root&,
                      const std::stop_token&) const {
  const auto record = registry_.record_of(repository.id);
  const auto newest = !record ? std::nullopt : rule.event == Event::snapshot ? record->newest_snapshot : record->newest_goal;
  finding.passed = newest.has_value();
  finding.reason = std::string(finding.passed ? "there is a " : "there is no ").append(to_string(rule.event));
}

}  // namespace repo_checks
