#include "config.hpp"

#include "evaluator.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <algorithm>

namespace configuration_tests {

using namespace repo_checks;

TEST_CASE("A configuration adds criteria, leaves some out and names the files to watch", "[checks]") {
  const auto configuration = parse_configuration(R"({
    "without": ["fsck", "goal"],
    "criteria": [
      {"name": "security", "tier": "standard", "any_of": ["SECURITY.md", "docs/security.md"]},
      {"name": "builds", "tier": "full", "command": ["make", "check"], "timeout_seconds": 300, "output_limit": 1000, "silent": true}],
    "watched_files": ["SCOPE.md", ".git/logs/HEAD"],
    "file_times": true,
    "environment": ["JAVA_HOME"]})");
  CHECK(configuration.criteria.size() == standard_configuration().criteria.size());
  CHECK(std::ranges::find(configuration.criteria, "fsck", &Criterion::name) == configuration.criteria.end());
  const auto& builds = configuration.criteria.back();
  CHECK(builds.name == "builds");
  CHECK(builds.tier == Tier::full);
  const auto& rule = std::get<Succeeds>(builds.rule);
  CHECK(rule.command == std::vector<std::string>{"make", "check"});
  CHECK(rule.timeout == std::chrono::minutes(5));
  CHECK(rule.output_limit == 1000);
  CHECK(rule.silent);
  CHECK(configuration.watched_files == std::vector<std::string>{"SCOPE.md", ".git/logs/HEAD"});
  CHECK(configuration.file_times);
  CHECK_FALSE(standard_configuration().file_times);
  CHECK(configuration.environment == std::vector<std::string>{"JAVA_HOME"});
  CHECK(parse_configuration("{}").definition() == standard_configuration().definition());
}

TEST_CASE("A configuration that makes no sense is refused with the place and the reason", "[checks]") {
  struct Case {
    std::string text, message;
  };
  const auto criterion = [](const std::string& members) { return R"({"criteria": [{)" + members + "}]}"; };
  for (const auto& [text, message] : std::vector<Case>{
           {"", "parse error"},
           {"[]", "must be an object"},
           {R"({"criterion": []})", "'criterion' is unknown"},
           {R"({"without": ["nothing"]})", "there is no criterion 'nothing'"},
           {R"({"without": "fsck"})", "without must be a list of texts"},
           {R"({"criteria": {}})", "criteria must be a list"},
           {criterion(R"("tier": "full", "any_of": ["x"])"), "criteria[0].name must be a text"},
           {criterion(R"("name": "a,b", "tier": "full", "any_of": ["x"])"), "is no slug"},
           {criterion(R"("name": "readme", "tier": "full", "any_of": ["x"])"), "'readme' is there twice"},
           {criterion(R"("name": "x", "tier": "best", "any_of": ["x"])"), "tier must be"},
           {criterion(R"("name": "x", "tier": "full")"), "either \"any_of\" or \"command\""},
           {criterion(R"("name": "x", "tier": "full", "any_of": ["x"], "command": ["x"])"), "either \"any_of\" or \"command\""},
           {criterion(R"("name": "x", "tier": "full", "any_of": ["x"], "silent": true)"), "'silent' is unknown"},
           {criterion(R"("name": "x", "tier": "full", "command": [])"), "command must be a list of texts"},
           {criterion(R"("name": "x", "tier": "full", "command": ["a", ""])"), "command must be a list of texts"},
           {criterion(R"("name": "x", "tier": "full", "command": ["a"], "timeout_seconds": -1)"), "timeout_seconds must be"},
           {criterion(R"("name": "x", "tier": "full", "command": ["a"], "timeout_seconds": 0)"), "timeout_seconds must be"},
           {criterion(R"("name": "x", "tier": "full", "command": ["a"], "timeout": 3)"), "'timeout' is unknown"},
           {R"({"watched_files": ["/etc/passwd"]})", "must be a path below the repository"},
           {R"({"watched_files": ["a/../../b"]})", "must be a path below the repository"},
           {R"({"watched_files": ["a b"]})", "must be a path below the repository"},
           {R"({"file_times": 1})", "file_times must be true or false"},
           {R"({"environment": ["A=b"]})", "must be the name of a variable"},
           {R"({"environment": ["GIT_DIR"]})", "none of git's"},
       }) {
    INFO(text);
    CHECK_THROWS_WITH(parse_configuration(text), ContainsSubstring(message));
  }
  CHECK_THROWS_WITH(load_configuration("/no/such/file.json"), ContainsSubstring("'/no/such/file.json' cannot be read"));
}

TEST_CASE("Every part of a definition changes the evaluator's version", "[checks]") {
  const auto version = [](const std::string& criterion) {
    const auto configuration = parse_configuration(R"({"criteria": [)" + criterion + "]}");
    return configuration.definition();
  };
  const std::vector<std::string> definitions{
      version(R"({"name": "x", "tier": "full", "command": ["a", "b"]})"),
      version(R"({"name": "y", "tier": "full", "command": ["a", "b"]})"),
      version(R"({"name": "x", "tier": "core", "command": ["a", "b"]})"),
      version(R"({"name": "x", "tier": "full", "command": ["a b"]})"),
      version(R"({"name": "x", "tier": "full", "command": ["a", "b"], "timeout_seconds": 61})"),
      version(R"({"name": "x", "tier": "full", "command": ["a", "b"], "output_limit": 5})"),
      version(R"({"name": "x", "tier": "full", "command": ["a", "b"], "silent": true})"),
      version(R"({"name": "x", "tier": "full", "any_of": ["a", "b"]})"),
      version(""),
      parse_configuration(R"({"watched_files": ["SCOPE.md"]})").definition(),
      parse_configuration(R"({"without": ["fsck"]})").definition(),
      parse_configuration(R"({"environment": ["A"]})").definition(),
  };
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) CHECK(definitions[i] != definitions[j]);
  }
}

}  // namespace configuration_tests
