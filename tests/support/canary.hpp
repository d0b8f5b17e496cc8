// How late the machine itself is, beside a test of limits.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

namespace render_cache::test {

/// How much later than asked a thread that only sleeps has woken, at most: what the machine itself takes away.
class Canary {
  using Clock = std::chrono::steady_clock;

 public:
  Canary() {
    thread_ = std::thread([this] {
      constexpr std::chrono::milliseconds step(5);
      while (!done_) {
        const auto begin = Clock::now();
        std::this_thread::sleep_for(step);
        const auto late = Clock::now() - begin - step;
        if (late > latest_.load()) latest_ = late;
      }
    });
  }
  ~Canary() {
    done_ = true;
    thread_.join();
  }
  [[nodiscard]] Clock::duration late() const { return latest_; }

 private:
  std::atomic<bool> done_ = false;
  std::atomic<Clock::duration> latest_{};
  std::thread thread_;
};

}  // namespace render_cache::test
