// What the criteria that ask git do to a repository: nothing.
#include "evaluator.hpp"

#include "command_environment.hpp"

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace git_tests {

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
  /// The findings of `clean` and `fsck`, and of commands of one's own.
  std::vector<Finding> check(const std::vector<std::vector<std::string>>& more = {}) const {
    auto configuration = std::make_shared<Configuration>(standard_configuration());
    std::erase_if(configuration->criteria, [](const Criterion& each) { return each.name != "clean" && each.name != "fsck"; });
    for (const auto& command : more) configuration->criteria.push_back({"own", Tier::full, Succeeds{.command = command}});
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

namespace {

/// A repository with a program that leaves a file when it is run.
struct HostileRepository : GitRepository {
  std::filesystem::path was_run = directory / "was-run";
  std::string spy = directory.write("spy", "#!/bin/sh\ntouch " + was_run.string() + "\ncat\n").string();

  HostileRepository() { std::filesystem::permissions(spy, std::filesystem::perms::owner_all); }

  void configure(const std::string& key, const std::string& value) const { git({"config", "--add", key, value}); }
  /// As a repository's owner would, who is held back by nothing.
  [[nodiscard]] Ending unprotected(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "git");
    return run({arguments, path, environment_of({"PATH"}, {"HOME=/nowhere", "GIT_SSH_COMMAND=false"})});
  }
  [[nodiscard]] bool spy_ran() const { return std::filesystem::remove(was_run); }
};

}  // namespace

TEST_CASE("Checking runs no program of the repository's choice", "[checks]") {
  const std::vector<std::string> keys{
      "core.fsmonitor",    "core.pager",       "core.sshCommand",   "core.askPass",       "core.editor",   "core.gitProxy",
      "core.hooksPath",    "filter.spy.clean", "filter.spy.smudge", "filter.spy.process", "diff.external", "diff.spy.command",
      "diff.spy.textconv", "gpg.program",      "credential.helper", "pager.status",       "alias.st"};
  for (const auto& key : keys) {
    INFO(key);
    const HostileRepository repository;
    repository.directory.write("repository/.gitattributes", "* filter=spy diff=spy\n");
    repository.directory.write("repository/README.md", "Other words.\n");
    repository.configure(key, key == "alias.st" ? "!" + repository.spy : repository.spy);
    if (key.starts_with("filter.")) repository.configure("filter.spy.required", "true");
    std::filesystem::create_directories(repository.path / ".git/hooks");
    std::filesystem::copy_file(repository.spy, repository.path / ".git/hooks/post-index-change");
    const auto findings = repository.check({{"git", "diff"}, {"git", "log", "-p", "--show-signature"}, {"git", "st"}});
    CHECK_FALSE(findings[0].passed);  // it has changed, and the check says so
    CHECK_THAT(findings[0].reason, ContainsSubstring("README.md"));
    CHECK_FALSE(repository.spy_ran());
  }
}

TEST_CASE("The programs that checking does not run are run by git on its own",
          "[checks]") {  // or the test above would prove nothing
  for (const std::string key : {"core.fsmonitor", "filter.spy.clean", "diff.external", "diff.spy.textconv"}) {
    INFO(key);
    const HostileRepository repository;
    repository.directory.write("repository/.gitattributes", "* filter=spy diff=spy\n");
    repository.directory.write("repository/README.md", "Other words.\n");
    repository.configure(key, repository.spy);
    static_cast<void>(repository.unprotected({"status"}));
    static_cast<void>(repository.unprotected({"diff"}));
    CHECK(repository.spy_ran());
  }
}

TEST_CASE("An object that a partial clone lacks is not fetched by a program that the clone names", "[checks]") {
  const HostileRepository repository;
  const auto object = repository.unprotected({"rev-parse", "HEAD:README.md"}).output.substr(0, 40);
  REQUIRE(object.size() == 40);
  std::filesystem::remove(repository.path / ".git/objects" / object.substr(0, 2) / object.substr(2));
  repository.configure("core.repositoryFormatVersion", "1");
  repository.configure("extensions.partialClone", "origin");
  repository.configure("remote.origin.promisor", "true");
  repository.configure("remote.origin.url", "ext::" + repository.spy);
  repository.configure("protocol.ext.allow", "always");
  repository.directory.write("repository/README.md", "Other words.\n");
  repository.directory.write("spy",
                             "#!/bin/sh\ntouch " + repository.was_run.string() + "\n");  // git would wait for one that reads
  static_cast<void>(repository.check({{"git", "diff"}, {"git", "cat-file", "-p", object}}));
  CHECK_FALSE(repository.spy_ran());
  static_cast<void>(repository.unprotected({"cat-file", "-p", object}));
  CHECK(repository.spy_ran());  // git on its own does
}

TEST_CASE("A command sees none of our variables but those that every program needs and those that are named", "[checks]") {
  const GitRepository repository;
  ::setenv("PGPASSWORD", "secret", 1);
  ::setenv("JAVA_HOME", "/opt/java", 1);
  const auto environment = command_environment(repository.path, {"JAVA_HOME"});
  const auto output = run({{"env"}, repository.path, environment}).output;
  CHECK_THAT(output, ContainsSubstring("PATH=") && ContainsSubstring("JAVA_HOME=/opt/java\n") && !ContainsSubstring("secret"));
  CHECK_THAT(run({{"env"}, repository.path, command_environment(repository.path)}).output, !ContainsSubstring("JAVA_HOME"));
  ::unsetenv("PGPASSWORD");
  ::unsetenv("JAVA_HOME");
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

}  // namespace git_tests
