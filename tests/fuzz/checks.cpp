// Any configuration of repo_checks is taken or refused by a ConfigError; any stored findings are read, and are the same when they
// are written again, or refused; what a command prints becomes one line.
#include "repo_checks/config.hpp"
#include "repo_checks/finding.hpp"

#include <render_cache/entry/text.hpp>

#include "fuzz.hpp"

#include <algorithm>

using namespace repo_checks;

namespace {

void check_configuration(std::string_view text) {
  Configuration configuration;
  try {
    configuration = parse_configuration(text);
  } catch (const ConfigError&) {
    return;
  }
  for (const auto& criterion : configuration.criteria) {
    fuzz::expect(criterion.name.find_first_of(",|=\n") == std::string::npos && !criterion.name.empty(), "a name is a slug");
    const auto* command = std::get_if<Succeeds>(&criterion.rule);
    fuzz::expect(command == nullptr || !command->command.empty(), "a command has a program");
    fuzz::expect(command == nullptr || command->timeout > std::chrono::milliseconds::zero(), "it has time");
    const auto twice = std::ranges::count(configuration.criteria, criterion.name, &Criterion::name);
    fuzz::expect(twice == 1, "a criterion is there once");
  }
  for (const auto& file : configuration.watched_files)
    fuzz::expect(!file.starts_with('/') && ("/" + file + "/").find("/../") == std::string::npos, "a watched file is inside");
  for (const auto& name : configuration.environment)
    fuzz::expect(!name.empty() && name.find_first_of(std::string("=\0", 2)) == std::string::npos, "a variable's name");
  fuzz::expect(parse_configuration(text).definition() == configuration.definition(), "the same twice");
}

void check_findings(std::string_view text) {
  std::vector<Finding> findings;
  try {
    findings = findings_of({std::string(text)});
  } catch (const std::runtime_error&) {
    return;
  }
  const auto written = to_json(findings);
  fuzz::expect(findings_of(written) == findings, "findings are the same when they are read back");
  fuzz::expect(render_cache::find_invalid_text(written.text) == std::string::npos, "they are text");
}

void check_line(std::string_view text) {
  constexpr std::size_t limit = 20;
  const auto line = one_line(text, limit);
  fuzz::expect(line.size() <= limit + 3, "it is cut");
  fuzz::expect(render_cache::find_invalid_text(line) == std::string::npos, "it is UTF-8");
  fuzz::expect(render_cache::printable(line) == line, "it holds no control characters");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  check_configuration(text);
  check_findings(text);
  check_line(text);
  return 0;
}
