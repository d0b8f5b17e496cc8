// What the kernel says only when something goes wrong, said by a test.
#pragma once

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <exception>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

namespace render_cache::test {

/// A system call of a child process, as it is about to be made, with four arguments at most.
struct SystemCall {
  /// As the fifth and the sixth. In a call that has none the sixth may be what was left on the stack; the fifth is a register's, which
  /// is again what it was when a signal's handler returns.
  static constexpr unsigned let_pass = 0x7e57ca11;

  long number;
  long arguments[4];

  /// Makes it; what the kernel answers: a number, or an errno below 0.
  [[nodiscard]] long make() const {
    const long mark = let_pass;
    const long result = ::syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], mark, mark);
    return result < 0 ? -errno : result;
  }
};

using Answer = std::function<long(const SystemCall&)>;

namespace answered_calls {

inline const Answer* answer = nullptr;  // in the child alone

inline void on_call(int, siginfo_t* info, void* context) {
  const int before = errno;
  auto& registers = static_cast<::ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  auto* const r = registers.gregs;
  const SystemCall call{info->si_syscall,
                        {static_cast<long>(r[REG_RDI]), static_cast<long>(r[REG_RSI]), static_cast<long>(r[REG_RDX]),
                         static_cast<long>(r[REG_R10])}};
  r[REG_RAX] = (*answer)(call);
#elif defined(__aarch64__)
  auto* const r = registers.regs;
  const SystemCall call{info->si_syscall,
                        {static_cast<long>(r[0]), static_cast<long>(r[1]), static_cast<long>(r[2]), static_cast<long>(r[3])}};
  r[0] = static_cast<unsigned long long>((*answer)(call));
#else
#error "where are the arguments of a system call?"
#endif
  errno = before;
}

/// False where the kernel, or what the program runs in, does not allow it.
inline bool divert(std::initializer_list<long> numbers) {
  struct ::sigaction action {};
  action.sa_sigaction = &on_call;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  if (::sigaction(SIGSYS, &action, nullptr) != 0) return false;
  using Step = ::sock_filter;
  const auto load = [](std::size_t from) { return Step BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(from)); };
  const auto end = [](unsigned how) { return Step BPF_STMT(BPF_RET | BPF_K, how); };
  const auto unless = [](unsigned value, unsigned char skipped = 1) {
    return Step BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped);
  };
  std::vector<Step> steps{load(offsetof(::seccomp_data, args[4])),
                          unless(SystemCall::let_pass, 3),
                          load(offsetof(::seccomp_data, args[5])),
                          unless(SystemCall::let_pass),
                          end(SECCOMP_RET_ALLOW),
                          load(offsetof(::seccomp_data, nr))};
  for (const long number : numbers) {
    steps.push_back(unless(static_cast<unsigned>(number)));
    steps.push_back(end(SECCOMP_RET_TRAP));
  }
  steps.push_back(end(SECCOMP_RET_ALLOW));
  const ::sock_fprog program{static_cast<unsigned short>(steps.size()), steps.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace answered_calls

/// What `body` returns, or the message of what it throws, in a child process whose system calls of these numbers `answer` answers,
/// as the kernel would. Nothing where that cannot be.
inline std::optional<std::string> with_answers(std::initializer_list<long> numbers, const Answer& answer,
                                               const std::function<std::string()>& body) {
  int ends[2];
  if (::pipe(ends) != 0) return {};
  const auto child = ::fork();
  if (child == 0) {
    answered_calls::answer = &answer;
    std::string result;
    const bool diverted = answered_calls::divert(numbers);
    try {
      if (diverted) result = body();
    } catch (const std::exception& error) {
      result = error.what();
    }
    const bool told = ::write(ends[1], result.data(), result.size()) == static_cast<::ssize_t>(result.size());
    ::_exit(diverted && told ? 0 : 1);
  }
  ::close(ends[1]);
  std::string result;
  char part[1024];
  for (::ssize_t got; (got = ::read(ends[0], part, sizeof part)) > 0;) result.append(part, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = -1;
  if (child > 0) ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return "it crashed";
  return status == 0 ? std::optional(result) : std::nullopt;
}

}  // namespace render_cache::test
