// Runs a program to its end, within limits.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace repo_checks {

/// What to run, and how far it may go.
struct Command {
  std::vector<std::string> arguments;    ///< the first is the program, looked up in PATH when it has no '/'
  std::filesystem::path directory;       ///< where it runs
  std::vector<std::string> environment;  ///< all of it, as NAME=VALUE
  std::chrono::milliseconds timeout{60'000};
  std::size_t output_limit = std::size_t{1} << 20;  ///< bytes of stdout and stderr together
};

/// How it ended.
struct Ending {
  enum class Kind : std::uint8_t {
    exited,           ///< by itself; `code` is its exit code
    signalled,        ///< by a signal of somebody else's; `code` is its number
    timed_out,        ///< killed at the timeout
    too_much_output,  ///< killed at the output limit
    stopped,          ///< killed since the caller asked for it
    not_started,      ///< `code` is the errno
  };
  Kind kind = Kind::not_started;
  int code = 0;
  std::string output{};  ///< stdout and stderr, up to the limit
  std::chrono::milliseconds duration{};

  [[nodiscard]] bool succeeded() const noexcept { return kind == Kind::exited && code == 0; }
};

/// Runs a command in a process group of its own, without terminal or stdin, and returns when it has ended. Whatever it has
/// started is killed then, and so it is where this process ends first, however it ends; nobody waits for a grandchild that
/// keeps the output open. Never throws for what the program does; throws std::system_error where the system has no pipe or process left. Thread-safe.
[[nodiscard]] Ending run(const Command& command, std::stop_token stop = {});

/// One sentence for people: "exit code 3", "'make' cannot be started: No such file or directory".
[[nodiscard]] std::string describe(const Ending& ending, const Command& command);

/// The variables of the process's own environment that have one of the names, where `more` (NAME=VALUE) says nothing else, and
/// `more`. What is not named stays here: a password among our variables is no business of a command's, nor of what it prints.
[[nodiscard]] std::vector<std::string> environment_of(const std::vector<std::string>& names, std::vector<std::string> more = {});

}  // namespace repo_checks
