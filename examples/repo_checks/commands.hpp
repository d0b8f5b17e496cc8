// What each command does, between the command line and the checks.
#pragma once

#include "checks.hpp"
#include "table.hpp"

#include <chrono>
#include <cstddef>
#include <iosfwd>
#include <optional>
#include <stop_token>
#include <string>

namespace repo_checks {

/// The program's exit codes.
enum ExitCode : int {
  done = 0,
  below = 1,          ///< a repository could not be evaluated, or is below the tier that was required
  bad_request = 2,    ///< the command line, the configuration, an unknown slug
  no_database = 3,
  interrupted = 130,  ///< by Ctrl-C or SIGTERM
};

/// Where results and messages go.
struct Output {
  std::ostream& results;
  std::ostream& messages;
  Terminal result_terminal{};
  Terminal message_terminal{};
  bool progress = false;
};

struct CheckOptions {
  bool json = false;
  bool force_refresh = false;
  std::optional<Tier> require{};
};

struct SummaryOptions : CheckOptions {
  std::size_t parallel = 1;
  /// An older result is shown, unless it is older than this, where the new one is not there within `patience`.
  std::optional<std::chrono::seconds> max_stale{};
  std::chrono::milliseconds patience{0};
};

int add(Checks& checks, const std::string& slug, const std::string& path, const Output& output);
int list(Checks& checks, bool json, const Output& output);
int check(Checks& checks, const std::string& slug, const CheckOptions& options, const Output& output);
int summary(Checks& checks, const SummaryOptions& options, std::stop_token stop, const Output& output);
/// Shows the summary, and then a line for each repository that was evaluated anew, until it is told to stop.
int watch(Checks& checks, std::chrono::milliseconds interval, const SummaryOptions& options, std::stop_token stop,
          const Output& output);

}  // namespace repo_checks
