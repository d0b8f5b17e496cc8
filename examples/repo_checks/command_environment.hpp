// What a criterion's commands find around them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace repo_checks {

/// The environment of a criterion's commands in a repository, all of it: who and where they are (PATH, HOME, LANG and the like), the
/// variables of ours that are named in `passed`, and what keeps git from running a program that the repository has chosen. It reads
/// no configuration but the repository's, and of that no entry that names a program; it runs no hooks, fetches nothing that is
/// missing, takes no locks, asks nobody, uses no network, and stays in the repository.
///
/// The entries are looked up once, here: a repository whose configuration changes while it is checked can still slip one in.
[[nodiscard]] std::vector<std::string> command_environment(const std::filesystem::path& repository,
                                                           const std::vector<std::string>& passed = {});

}  // namespace repo_checks
