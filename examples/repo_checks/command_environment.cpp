#include "command_environment.hpp"

#include "subprocess.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace repo_checks {
namespace {

using Setting = std::pair<std::string, std::string>;

/// Entries of git's configuration that name a program or say that one is to be used, by section and variable, both in lower
/// case; a subsection may stand between them. From git-config(1) of git 2.39 and 2.47.
constexpr std::string_view naming_programs[][2] = {
    {"alias", "*"},
    {"browser", "*"},
    {"core", "alternaterefscommand"},
    {"core", "askpass"},
    {"core", "editor"},
    {"core", "fsmonitor"},
    {"core", "gitproxy"},
    {"core", "hookspath"},
    {"core", "pager"},
    {"core", "sshcommand"},
    {"credential", "helper"},
    {"diff", "command"},
    {"diff", "external"},
    {"diff", "textconv"},
    {"diff", "tool"},
    {"difftool", "*"},
    {"filter", "clean"},
    {"filter", "process"},
    {"filter", "required"},
    {"filter", "smudge"},
    {"gpg", "defaultkeycommand"},
    {"gpg", "program"},
    {"gui", "*"},
    {"guitool", "*"},
    {"hook", "*"},
    {"imap", "tunnel"},
    {"instaweb", "*"},
    {"interactive", "difffilter"},
    {"man", "*"},
    {"merge", "driver"},
    {"merge", "tool"},
    {"mergetool", "*"},
    {"pager", "*"},
    {"receive", "procreceiverefs"},
    {"remote", "receivepack"},
    {"remote", "uploadpack"},
    {"sendemail", "*"},
    {"sequence", "editor"},
    {"submodule", "update"},
    {"tar", "command"},
    {"trailer", "*"},
    {"uploadpack", "packobjectshook"},
};

bool names_a_program(std::string_view key) {
  const auto section = key.substr(0, key.find('.'));
  const auto variable = key.substr(key.rfind('.') + 1);
  return std::ranges::any_of(naming_programs,
                             [&](const auto& entry) { return entry[0] == section && (entry[1] == "*" || entry[1] == variable); });
}

/// What such an entry is to say instead: nothing, where git takes that for none; else a program that does no harm.
std::string_view harmless(std::string_view key) {
  if (key == "core.hookspath") return "/dev/null";
  if (key == "core.pager" || key.starts_with("pager.") || key.ends_with(".textconv")) return "cat";
  if ((key.starts_with("filter.") && !key.ends_with(".required")) || key.starts_with("credential.")) return "";
  return "false";
}

/// These go for every repository, whatever it says.
std::vector<Setting> settings_for(const std::filesystem::path& repository) {
  std::vector<Setting> settings{{"safe.directory", repository.string()}};  // whoever owns it: it was put under management
  for (const auto* key : {"core.hookspath", "core.fsmonitor", "core.pager"}) settings.emplace_back(key, harmless(key));
  settings.emplace_back("protocol.allow", "never");
  return settings;
}

std::vector<std::string> environment_with(const std::filesystem::path& repository, const std::vector<Setting>& settings,
                                          const std::vector<std::string>& passed) {
  std::vector<std::string> environment{
      "GIT_CONFIG_NOSYSTEM=1",
      "GIT_CONFIG_GLOBAL=/dev/null",
      "GIT_OPTIONAL_LOCKS=0",  // `git status` would refresh the index
      "GIT_TERMINAL_PROMPT=0",
      "GIT_ALLOW_PROTOCOL=",  // none: an entry protocol.NAME.allow of the repository would outweigh protocol.allow
      "GIT_NO_LAZY_FETCH=1",  // an object that a partial clone lacks is missing
      "GIT_CEILING_DIRECTORIES=" + repository.parent_path().string(),
      "LC_ALL=C.UTF-8",
      "GIT_CONFIG_COUNT=" + std::to_string(settings.size()),
  };
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const auto number = std::to_string(i);
    environment.push_back("GIT_CONFIG_KEY_" + number + "=" + settings[i].first);
    environment.push_back("GIT_CONFIG_VALUE_" + number + "=" + settings[i].second);
  }
  std::vector<std::string> names{"HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER"};
  names.insert(names.end(), passed.begin(), passed.end());
  return environment_of(names, std::move(environment));
}

}  // namespace

std::vector<std::string> command_environment(const std::filesystem::path& repository, const std::vector<std::string>& passed) {
  auto settings = settings_for(repository);
  const auto listing = run({.arguments = {"git", "config", "--null", "--list", "--name-only"},
                            .directory = repository,
                            .environment = environment_with(repository, settings, {})});
  if (listing.succeeded()) {
    for (std::string_view rest = listing.output; !rest.empty();) {
      const auto key = rest.substr(0, rest.find('\0'));
      rest.remove_prefix(std::min(key.size() + 1, rest.size()));
      if (names_a_program(key)) settings.emplace_back(key, harmless(key));
    }
  }
  return environment_with(repository, settings, passed);
}

}  // namespace repo_checks
