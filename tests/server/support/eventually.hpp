// Waiting for what another thread or process does.
#pragma once

#include <chrono>
#include <thread>

namespace render_cache::test {

/// Asks until the answer is yes, or for at most two minutes, for machines are busy; says whether it was.
template <class Question>
bool eventually(Question question) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (!question()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace render_cache::test
