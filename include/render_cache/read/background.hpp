// Renders that outlive the call that started them.
#pragma once

#include <render_cache/requirements.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <iterator>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace render_cache::detail {

/// A thread a job, so that jobs may wait for each other; at most `limit` at a time. The destructor waits for all.
class Background {
 public:
  explicit Background(std::size_t limit) : limit_(limit) {}
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  ~Background() {
    std::unique_lock lock(mutex_);
    while (!threads_.empty()) {  // a job may start another one while we wait
      auto last = std::exchange(threads_, {});
      lock.unlock();
      last.clear();
      lock.lock();
    }
  }

  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }

  /// Starts the job, which must not throw; false if too many are running. Throws std::system_error if there is no thread for it.
  [[gnu::cold]] bool try_run(std::function<void()> job) {
    std::list<Thread> ended;
    const std::lock_guard lock(mutex_);
    for (auto at = threads_.begin(); at != threads_.end();) {
      const auto next = std::next(at);
      if (at->done) ended.splice(ended.end(), threads_, at);
      at = next;
    }
    if (running_ >= limit_) return false;
    auto& slot = threads_.emplace_back();
    slot.thread = std::jthread([this, &slot, job = std::move(job)]() mutable {
      job();
      job = nullptr;  // what it holds goes before it counts as ended
      const std::lock_guard ending(mutex_);
      slot.done = true;
      --running_;
      ended_.notify_all();
    });
    slot.done = false;
    ++running_;
    return true;
  }

  /// Waits until fewer than `limit` run; false if the deadline came first.
  bool wait_for_room(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    return ended_.wait_until(lock, deadline, [&] { return running_ < limit_; });
  }

 private:
  struct Thread {
    bool done = true;  // so is one that could not begin
    std::jthread thread;
  };

  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t running_ = 0;
  std::list<Thread> threads_;
};

}  // namespace render_cache::detail
