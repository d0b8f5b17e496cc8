// posix_spawn and poll rather than Boost.Process: that one needs the compiled Boost.Filesystem, waits with a time-out by taking
// SIGCHLD from the whole process, and knows no limit on the output.
#include "subprocess.hpp"

#include "keeper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <string_view>
#include <system_error>
#include <utility>

namespace repo_checks {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  [[nodiscard]] int get() const noexcept { return fd_; }
  void close() noexcept { reset(-1); }
  void reset(int fd) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_;
};

struct Pipe {
  Descriptor reading, writing;

  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "no pipe for a command's output");
    reading.reset(ends[0]);
    writing.reset(ends[1]);
  }
};

struct SpawnActions {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;

  explicit SpawnActions(const Command& command) {
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawn_file_actions_addchdir_np(&actions, command.directory.empty() ? "." : command.directory.c_str());

    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
};

std::vector<char*> c_strings(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const auto& each : strings) pointers.push_back(const_cast<char*>(each.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// Starts a keeper that starts the command; minus an errno where there is no process for it.
pid_t spawn_kept(const Command& command, int output, int report) {
  const SpawnActions how(command);
  const auto arguments = c_strings(command.arguments), environment = c_strings(command.environment);
  const std::function<pid_t()> start = [&] {
    pid_t child = 0;
    const int error =
        posix_spawnp(&child, arguments.front(), &how.actions, &how.attributes, arguments.data(), environment.data());
    return error == 0 ? child : -error;
  };
  const pid_t parent = ::getpid();
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t keeper = ::fork();
  const int error = errno;
  if (keeper == 0) {
    // Sockets, databases and what others wait for the end of are neither the keeper's nor the command's.
    constexpr int kept_report = STDERR_FILENO + 1;
    const int above = ::fcntl(report, F_DUPFD, kept_report + 1);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::dup2(above, kept_report);
    ::close_range(kept_report + 1, ~0U, 0);
    keep(parent, kept_report, start);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return keeper > 0 ? keeper : -error;
}

/// Takes what the pipe has now; false once there can be no more.
bool read_available(int pipe, std::string& output, std::size_t limit) {
  char chunk[16384];
  while (output.size() <= limit) {
    const auto got = ::read(pipe, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    output.append(chunk, static_cast<std::size_t>(got));
  }
  return true;
}

/// Whether the child has ended; it stays a zombie, so that its pid and its group's are nobody else's yet.
bool has_ended(pid_t child) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child;
}

}  // namespace

Ending run(const Command& command, std::stop_token stop) {
  if (command.arguments.empty()) return {Ending::Kind::not_started, ENOENT};
  const auto start = Clock::now();
  Pipe output, report;
  ::fcntl(output.reading.get(), F_SETFL, O_NONBLOCK);

  const pid_t keeper = spawn_kept(command, output.writing.get(), report.writing.get());
  if (keeper < 0) {
    throw std::system_error(-keeper, std::generic_category(), "no process for '" + command.arguments.front() + "'");
  }
  output.writing.close();
  report.writing.close();
  // Tells of the end. Where the kernel has none (-1), poll ignores it and the slices below do.
  const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, keeper, 0)));

  Ending ending{Ending::Kind::exited};
  constexpr milliseconds slice{50};  // how late a request to stop may be noticed
  while (!has_ended(keeper)) {
    const auto left = std::chrono::ceil<milliseconds>(start + command.timeout - Clock::now());
    if (stop.stop_requested())
      ending.kind = Ending::Kind::stopped;
    else if (left <= milliseconds{0})
      ending.kind = Ending::Kind::timed_out;
    else if (ending.output.size() > command.output_limit)
      ending.kind = Ending::Kind::too_much_output;
    if (ending.kind != Ending::Kind::exited) break;

    pollfd events[2] = {{output.reading.get(), POLLIN, 0}, {process.get(), POLLIN, 0}};
    ::poll(events, 2, static_cast<int>(std::min(left, slice).count()));
    if (events[0].revents != 0 && !read_available(output.reading.get(), ending.output, command.output_limit)) {
      output.reading.close();
    }
  }

  ::kill(keeper, keeper_end);
  while (::waitpid(keeper, nullptr, 0) < 0 && errno == EINTR) {
  }
  KeeperReport told{.status = SIGKILL};  // of a keeper that somebody has killed
  [[maybe_unused]] const auto got = ::read(report.reading.get(), &told, sizeof told);
  ending.duration = std::chrono::duration_cast<milliseconds>(Clock::now() - start);
  if (output.reading.get() >= 0) read_available(output.reading.get(), ending.output, command.output_limit);
  if (ending.output.size() > command.output_limit) {
    ending.output.resize(command.output_limit);
    if (ending.kind == Ending::Kind::exited) ending.kind = Ending::Kind::too_much_output;
  }
  if (ending.kind == Ending::Kind::exited) {
    if (told.error == EAGAIN || told.error == ENOMEM) {
      throw std::system_error(told.error, std::generic_category(), "no process for '" + command.arguments.front() + "'");
    }
    if (told.error != 0) return {Ending::Kind::not_started, told.error};
    ending.kind = WIFSIGNALED(told.status) ? Ending::Kind::signalled : Ending::Kind::exited;
    ending.code = WIFSIGNALED(told.status) ? WTERMSIG(told.status) : WEXITSTATUS(told.status);
  }
  return ending;
}

std::string describe(const Ending& ending, const Command& command) {
  switch (ending.kind) {
    case Ending::Kind::exited: return "exit code " + std::to_string(ending.code);
    case Ending::Kind::signalled:
      return "killed by signal " + std::to_string(ending.code) + " (" + ::strsignal(ending.code) + ")";
    case Ending::Kind::timed_out: return "not done after " + std::to_string(command.timeout.count()) + " ms, and killed";
    case Ending::Kind::too_much_output:
      return "printed more than " + std::to_string(command.output_limit) + " bytes, and was stopped there";
    case Ending::Kind::stopped: return "stopped";
    case Ending::Kind::not_started:
      return "'" + (command.arguments.empty() ? std::string() : command.arguments.front()) +
             "' cannot be started: " + std::generic_category().message(ending.code);
  }
  return {};
}

std::vector<std::string> environment_of(const std::vector<std::string>& names, std::vector<std::string> more) {
  const auto name_of = [](std::string_view variable) { return variable.substr(0, variable.find('=')); };
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const auto name = name_of(*variable);
    const auto replaced = [&](const auto& other) { return name_of(other) == name; };
    if (std::ranges::find(names, name) != names.end() && std::ranges::none_of(more, replaced)) more.emplace_back(*variable);
  }
  return more;
}

}  // namespace repo_checks
