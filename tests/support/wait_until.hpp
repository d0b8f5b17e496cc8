// Waiting for what another thread or process does.
#pragma once

#include <chrono>
#include <stdexcept>
#include <thread>

namespace render_cache::test {

/// Returns once it holds. What would hang fails instead: throws if it does not within `limit`. For any thread and process: Catch2's
/// own macros are not.
template <class Condition>
void wait_until(Condition&& holds, std::chrono::seconds limit = std::chrono::minutes(1)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) throw std::runtime_error("what the test waits for has not come");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace render_cache::test
