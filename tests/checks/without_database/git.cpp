// What the criteria that ask git do to a repository: nothing.
#include "evaluator.hpp"

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

using namespace repo_checks;

namespace {

/// A registry that knows of nothing.
struct NoRegistry : Registry {
  void add(const std::string&, const std::string&) override {}
  void remove(const std::string&) override {}
  void touch(const std::string&) override {}
  void record(const std::string&, Event) override {}
  std::vector<Repository> list() const override { return {}; }
  Repository find(const std::string& slug) const override { throw UnknownSlug(slug); }
  std::optional<Record> record_of(const render_cache::Uuid&) const override { return {}; }
};

struct GitRepository {
  render_cache::test::TemporaryDirectory directory;
  std::filesystem::path path = directory / "repository";

  GitRepository() {
    std::filesystem::create_directory(path);
    directory.write("repository/README.md", "Some words.\n");
    git({"init", "--quiet"});
    git({"add", "."});
    git({"-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "First"});
  }
  void git(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "git");
    const auto ending = run({arguments, path, command_environment(path)});
    INFO(ending.output);
    REQUIRE(ending.succeeded());
  }
  /// The findings of `clean` and `fsck`.
  std::vector<Finding> check() const {
    auto configuration = std::make_shared<Configuration>(standard_configuration());
    std::erase_if(configuration->criteria, [](const Criterion& each) { return each.name != "clean" && each.name != "fsck"; });
    const NoRegistry registry;
    return findings_of(Evaluator(registry, configuration).render({}, {{}, "slug", path, {}}).criteria.value());
  }
};

std::string content(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("A work tree with changes is not clean, and says what has changed", "[checks]") {
  const GitRepository repository;
  auto findings = repository.check();
  CHECK(findings[0].passed);
  CHECK(findings[1].passed);
  CHECK(findings[0].duration.has_value());
  repository.directory.write("repository/new file", "");
  findings = repository.check();
  CHECK_FALSE(findings[0].passed);
  CHECK(findings[0].reason == "printed: ?? \"new file\"");
}

TEST_CASE("A damaged object fails the check of the objects", "[checks]") {
  const GitRepository repository;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(repository.path / ".git/objects")) {
    if (!entry.is_regular_file()) continue;
    std::filesystem::permissions(entry.path(), std::filesystem::perms::owner_all);
    std::ofstream(entry.path()) << "damage";
  }
  const auto findings = repository.check();
  CHECK_FALSE(findings[1].passed);
  CHECK_THAT(findings[1].reason, Catch::Matchers::StartsWith("exit code "));
}

TEST_CASE("Checking leaves the index as it is, even where git would refresh it", "[checks]") {
  const GitRepository repository;
  const auto readme = repository.path / "README.md";
  std::filesystem::last_write_time(readme, std::filesystem::last_write_time(readme) - std::chrono::hours(1));  // stat differs
  const auto before = content(repository.path / ".git/index");
  CHECK(repository.check()[0].passed);
  CHECK(content(repository.path / ".git/index") == before);
}

TEST_CASE("Checking runs no program of the repository's choice", "[checks]") {
  const GitRepository repository;
  const auto spy = repository.directory.write("spy", "#!/bin/sh\ntouch " + (repository.directory / "was-run").string() + "\n");
  std::filesystem::permissions(spy, std::filesystem::perms::owner_all);
  repository.git({"config", "core.fsmonitor", spy.string()});
  repository.git({"config", "core.pager", spy.string()});
  std::filesystem::create_directories(repository.path / ".git/hooks");
  std::filesystem::copy_file(spy, repository.path / ".git/hooks/post-index-change");
  CHECK(repository.check()[0].passed);
  CHECK_FALSE(std::filesystem::exists(repository.directory / "was-run"));
}

TEST_CASE("A directory inside another repository is not taken for a part of that", "[checks]") {
  const GitRepository repository;
  std::filesystem::create_directory(repository.path / "inner");
  GitRepository outer;
  outer.path = repository.path / "inner";
  const auto findings = outer.check();
  CHECK_FALSE(findings[0].passed);
  CHECK_THAT(findings[0].reason, ContainsSubstring("not a git repository"));
}

TEST_CASE("Variables that point git elsewhere are not passed on", "[checks]") {
  const GitRepository repository;
  ::setenv("GIT_DIR", "/nowhere", 1);
  ::setenv("GIT_INDEX_FILE", "/nowhere", 1);
  CHECK(repository.check()[0].passed);
  ::unsetenv("GIT_DIR");
  ::unsetenv("GIT_INDEX_FILE");
}

TEST_CASE("A repository of another user can be checked, since it was put under management", "[checks]") {
  const GitRepository repository;
  if (::geteuid() != 0) return;  // only root can give files away
  for (const auto* each : {"", ".git"}) REQUIRE(::lchown((repository.path / each).c_str(), 12345, 12345) == 0);
  CHECK(repository.check()[0].passed);
}
