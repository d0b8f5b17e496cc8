#include "signals.hpp"

#include <signal.h>
#include <time.h>
#include <unistd.h>

namespace repo_checks {

Signals::Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);  // NOLINT: a reader that went away is an error of the write
  waiter_ = std::jthread([this, signals](const std::stop_token& end) {
    while (!end.stop_requested()) {
      const timespec slice{0, 100'000'000};
      if (sigtimedwait(&signals, nullptr, &slice) < 0) continue;
      if (!source_.request_stop()) _exit(130);
    }
  });
}

}  // namespace repo_checks
