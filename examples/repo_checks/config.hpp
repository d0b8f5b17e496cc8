// Criteria of one's own, from a JSON file.
#pragma once

#include "criteria.hpp"

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace repo_checks {

/// The message names the file and the place in it.
struct ConfigError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The standard configuration, changed by
///
///   {"without": ["goal"],
///    "criteria": [{"name": "security", "tier": "standard", "any_of": ["SECURITY.md", "docs/security.md"]},
///                 {"name": "builds", "tier": "full", "command": ["make", "check"], "timeout_seconds": 300,
///                  "output_limit": 1048576, "silent": false}],
///    "watched_files": ["SCOPE.md", "CLAUDE.md", "tpsc.yaml", ".git/logs/HEAD"],
///    "file_times": false,
///    "environment": ["JAVA_HOME"]}
///
/// Each part may be missing. Throws ConfigError for anything else.
[[nodiscard]] Configuration parse_configuration(std::string_view text, const std::string& where = "the configuration");
[[nodiscard]] Configuration load_configuration(const std::filesystem::path& file);

}  // namespace repo_checks
