// Renders that outlive the call that started them.
#pragma once

#include <render_cache/requirements.hpp>

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
    while (!running_.empty()) {  // a job may start another one while we wait
      auto last = std::exchange(running_, {});
      lock.unlock();
      last.clear();
      lock.lock();
    }
  }

  /// Starts the job, which must not throw; false if too many are running or the system has no thread for it.
  bool try_run(std::function<void()> job) {
    std::list<Running> ended;
    const std::lock_guard lock(mutex_);
    for (auto at = running_.begin(); at != running_.end();) {
      const auto next = std::next(at);
      if (at->done) ended.splice(ended.end(), running_, at);
      at = next;
    }
    if (running_.size() >= limit_) return false;
    auto& slot = running_.emplace_back();
    try {
      slot.thread = std::jthread([this, &slot, job = std::move(job)] {
        job();
        const std::lock_guard ending(mutex_);
        slot.done = true;
      });
    } catch (...) {  // no thread for it, or no memory
      running_.pop_back();
      return false;
    }
    return true;
  }

 private:
  struct Running {
    bool done = false;
    std::jthread thread;
  };

  const std::size_t limit_;
  std::mutex mutex_;
  std::list<Running> running_;
};

}  // namespace render_cache::detail
