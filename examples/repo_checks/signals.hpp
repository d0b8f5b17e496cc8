// Ctrl-C and SIGTERM as a std::stop_token.
#pragma once

#include <stop_token>
#include <thread>

namespace repo_checks {

/// To be made before any other thread, which inherit that these signals are blocked. The second signal ends the process at once.
class Signals {
 public:
  Signals();
  [[nodiscard]] std::stop_token token() const noexcept { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::jthread waiter_;
};

}  // namespace repo_checks
