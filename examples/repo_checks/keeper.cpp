#include "keeper.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <string_view>

namespace repo_checks {
namespace {

[[noreturn]] void end(int report, KeeperReport what) noexcept {
  [[maybe_unused]] const auto written = ::write(report, &what, sizeof what);  // to nobody, where the parent is gone
  ::_exit(0);
}

/// The status of the command once it has ended, or 0 where the keeper has to end before.
int wait_for(pid_t command) noexcept {
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  sigaddset(&awaited, keeper_end);
  for (;;) {
    int status = 0;
    for (pid_t ended; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (ended == command) return status;
    }
    if (::sigwaitinfo(&awaited, nullptr) == keeper_end) return 0;
  }
}

/// Sends SIGKILL to this process's children, and says how many there were to send it to.
int kill_children() noexcept {
  const int file = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;  // a kernel without CONFIG_PROC_CHILDREN
  char text[4096];
  const auto got = ::read(file, text, sizeof text);
  ::close(file);
  int killed = 0;
  std::string_view rest(text, got > 0 ? static_cast<std::size_t>(got) : 0);
  // Each number is followed by a space; one that is not may be cut off, and is read next time.
  for (std::size_t space; (space = rest.find(' ')) != rest.npos; rest.remove_prefix(space + 1)) {
    pid_t child = 0;
    std::from_chars(rest.data(), rest.data() + space, child);
    if (child > 0 && ::kill(child, SIGKILL) == 0) ++killed;  // one that has ended is a zombie until it is waited for
  }
  return killed;
}

}  // namespace

void keep(pid_t parent, int report, const std::function<pid_t()>& start) noexcept {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_PDEATHSIG, keeper_end);
  ::signal(SIGCHLD, SIG_DFL);  // ignored, children would leave no status
  if (::getppid() != parent) end(report, {});
  const pid_t command = start();
  if (command < 0) end(report, {.error = -command});
  const int status = wait_for(command);
  ::kill(-command, SIGKILL);  // its group at once, and where it cannot be told what else there is
  // With each that dies its children become ours.
  while (kill_children() > 0 && ::waitpid(-1, nullptr, 0) > 0) {
  }
  end(report, {.status = status});
}

}  // namespace repo_checks
