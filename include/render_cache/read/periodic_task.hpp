// What is done again after each pause, while there is something to do.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/deadline.hpp>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace render_cache::detail {

/// One thread, which is there from the first work on and ends with this. Thread-safe.
class PeriodicTask {
 public:
  /// Does what there is to do, if anything, and tells whether more is left for the next time. It must not throw. It is told when this is
  /// being destroyed, which waits for it.
  using Step = std::function<bool(const std::stop_token&)>;

  PeriodicTask(std::chrono::milliseconds pause, Step step) : pause_(pause), step_(std::move(step)) {}

  /// There is something to do: the step that begins next, at most a pause from now or from the end of the one that runs, will do it.
  /// Throws std::system_error where no thread is to be had.
  void begin() {
    const std::lock_guard lock(mutex_);
    if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    if (!std::exchange(work_, true)) begun_.notify_one();
  }

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (begun_.wait(lock, stop, [this] { return work_; })) {
      begun_.wait_until(lock, stop, from_now(pause_), [] { return false; });
      if (stop.stop_requested()) return;
      work_ = false;  // what begins from here on may come too late for this step
      lock.unlock();
      const bool more = step_(stop);
      lock.lock();
      work_ = work_ || more;
    }
  }

  const std::chrono::milliseconds pause_;
  const Step step_;
  std::mutex mutex_;
  std::condition_variable_any begun_;
  bool work_ = false;
  std::jthread thread_;  // last: it uses all the rest
};

}  // namespace render_cache::detail
