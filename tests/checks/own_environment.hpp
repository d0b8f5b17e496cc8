// The environment of a test's own process, for the programs that it runs.
#pragma once

#include "subprocess.hpp"

#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

/// All of it, but where `more` says something else.
inline std::vector<std::string> own_environment(std::vector<std::string> more = {}) {
  std::vector<std::string> names;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text(*variable);
    names.push_back(text.substr(0, text.find('=')));
  }
  return repo_checks::environment_of(names, std::move(more));
}
