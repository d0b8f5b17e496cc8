#include "criteria.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace repo_checks {
namespace {

constexpr std::array tiers{Tier::core, Tier::standard, Tier::full};

/// Strings with their lengths, so that no two lists look alike.
void append(std::string& text, const std::vector<std::string>& list) {
  for (const auto& each : list) text += std::to_string(each.size()) + ":" + each + ",";
}

}  // namespace

std::optional<Tier> tier_named(std::string_view name) noexcept {
  const auto found = std::ranges::find(tiers, name, [](Tier tier) { return to_string(tier); });
  return found == tiers.end() ? std::nullopt : std::optional(*found);
}

Configuration standard_configuration() {
  using namespace std::chrono_literals;
  Configuration configuration;
  configuration.criteria = {
      {"git", Tier::core, Exists{{".git", "HEAD"}}},
      {"readme", Tier::core, Exists{{"README.md", "README", "README.rst", "README.txt", "README.adoc", "readme.md"}}},
      {"licence", Tier::core, Exists{{"LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "COPYING", "LICENSES"}}},
      {"scope", Tier::core, Exists{{"SCOPE.md"}}},
      {"claude", Tier::standard, Exists{{"CLAUDE.md"}}},
      {"tpsc", Tier::standard, Exists{{"tpsc.yaml"}}},
      {"ci", Tier::standard,
       Exists{{".github/workflows", ".gitlab-ci.yml", ".forgejo/workflows", ".circleci/config.yml", ".woodpecker.yml",
               "Jenkinsfile", "azure-pipelines.yml", ".ci"}}},
      {"tests", Tier::standard, Exists{{"tests", "test", "spec", "t"}}},
      {"snapshot", Tier::standard, Recorded{Event::snapshot}},
      {"goal", Tier::full, Recorded{Event::goal}},
      {"clean", Tier::full, Succeeds{.command = {"git", "status", "--porcelain", "--ignore-submodules=dirty"}, .silent = true}},
      {"fsck", Tier::full, Succeeds{.command = {"git", "fsck", "--no-progress", "--no-dangling"}, .timeout = 10min}},
  };
  configuration.watched_files = {"SCOPE.md", "CLAUDE.md", "tpsc.yaml"};
  return configuration;
}

std::string Configuration::definition() const {
  std::string text;
  for (const auto& criterion : criteria) {
    append(text, {criterion.name, std::string(to_string(criterion.tier))});
    if (const auto* exists = std::get_if<Exists>(&criterion.rule)) {
      append(text += "exists ", exists->any_of);
    } else if (const auto* succeeds = std::get_if<Succeeds>(&criterion.rule)) {
      append(text += succeeds->silent ? "silent " : "succeeds ", succeeds->command);
      text += std::to_string(succeeds->timeout.count()) + " " + std::to_string(succeeds->output_limit);
    } else {
      text.append("recorded ").append(to_string(std::get<Recorded>(criterion.rule).event));
    }
    text += '\n';
  }
  append(text, watched_files);
  if (!environment.empty()) append(text += "environment ", environment);
  return text;
}

std::string_view first_present(const Exists& rule, const render_cache::DocumentRoot& repository) {
  for (const auto& path : rule.any_of) {
    struct ::stat state;
    if (repository.stat(path, state)) {
      if (S_ISDIR(state.st_mode) || state.st_size > 0) return path;
    } else if (errno != ENOENT && errno != ENOTDIR) {
      repository.fail(errno, path);
    }
  }
  return {};
}

}  // namespace repo_checks
