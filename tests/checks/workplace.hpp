// Repositories for a test to check, and criteria that cost nothing.
#pragma once

#include "backend.hpp"
#include "criteria.hpp"

#include "support/temporary_directory.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace repo_checks::test {

/// A directory of repositories, none of them git's: what git does has tests of its own.
class Workplace {
 public:
  std::filesystem::path make(const std::string& slug) const {
    for (const auto* file : {"README.md", "LICENSE", "SCOPE.md", "CLAUDE.md", "tpsc.yaml", ".git/HEAD", "tests/one", ".ci/run"}) {
      directory_.write(slug + "/" + file, "Some words.\n");
    }
    return directory_ / slug;
  }
  /// Makes and adds `a0`, `a1`, ...
  std::vector<Repository> add(Checks& checks, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) checks.registry().add("a" + std::to_string(i), make("a" + std::to_string(i)));
    return checks.registry().list();
  }
  void write(const std::string& file, const std::string& text) const { directory_.write(file, text); }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return directory_ / name; }

  /// Other words in a file that are as long as those before.
  void change(const std::string& file) const { write(file, "Words " + std::to_string(100000 + ++touches_) + "\n"); }
  /// Sets a file's time without changing its content.
  void touch(const std::string& file) const {
    namespace fs = std::filesystem;
    fs::last_write_time(directory_ / file, fs::last_write_time(directory_ / file) - std::chrono::seconds(++touches_));
  }

 private:
  render_cache::test::TemporaryDirectory directory_;
  mutable std::atomic<int> touches_{0};
};

/// The standard criteria without those that run a command, and with more of the test's own.
inline ChecksOptions quick(std::vector<Criterion> more = {}) {
  ChecksOptions options;
  auto& criteria = options.configuration.criteria;
  std::erase_if(criteria, [](const Criterion& criterion) { return std::holds_alternative<Succeeds>(criterion.rule); });
  for (auto& criterion : more) criteria.push_back(std::move(criterion));
  return options;
}

/// A criterion that runs a line of shell.
inline Criterion shell(const std::string& name, const std::string& line,
                       std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
  return {name, Tier::full, Succeeds{.command = {"sh", "-c", line}, .timeout = timeout, .output_limit = 65536}};
}

inline std::vector<CheckAnswer> check_all(Checks& checks, render_cache::ManyOptions options = {}) {
  const auto repositories = checks.registry().list();
  return checks.check_all(repositories, options);
}

inline std::size_t hits(const std::vector<CheckAnswer>& answers) {
  std::size_t count = 0;
  for (const auto& answer : answers) count += answer && answer.outcome().hit() ? 1 : 0;
  return count;
}

}  // namespace repo_checks::test
