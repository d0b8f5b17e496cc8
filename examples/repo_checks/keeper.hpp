// A process between the program and a command, which sees to it that nothing of the command outlives either of them.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <functional>

namespace repo_checks {

/// What a keeper writes when all is over.
struct KeeperReport {
  int error = 0;   ///< errno, of a command that did not start
  int status = 0;  ///< of one that did, as waitpid tells it
};

/// Tells a keeper to kill all, and to end.
inline constexpr int keeper_end = SIGTERM;

/// What a child of `parent` does that was forked with all signals blocked: `start` a command (its pid, or minus an errno), wait
/// until it has ended, `keeper_end` comes, or the thread that forked has ended, as by the `kill -9` of its process. Then kill what
/// is left of all that the command has started, and write a KeeperReport.
///
/// No session or group leads out of this: a keeper is a "child subreaper" (prctl(2)), so whatever loses its parent below it becomes
/// its own child. What runs as another user by a set-user-id bit cannot be killed, and is not waited for.
///
/// Neither this nor `start` allocates or takes a lock: other threads may have held one when this process was forked.
[[noreturn]] void keep(pid_t parent, int report, const std::function<pid_t()>& start) noexcept;

}  // namespace repo_checks
