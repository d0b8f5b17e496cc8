// Ends conversations that a server has stopped answering.
#pragma once

#include <render_cache/requirements.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace render_cache {

/// libpq waits for an answer without limit, and a server whose storage hangs gives none: not even the end of a statement
/// that takes too long. When a watch is over this closes the conversation from outside, and the waiting thread sees a lost
/// connection. Thread-safe.
class PostgresWatchdog {
  using Clock = std::chrono::steady_clock;

 public:
  PostgresWatchdog() : thread_([this](const std::stop_token& stop) { run(stop); }) {}

  /// While it lives, the other side of a socket is expected to answer by `end`. It must not outlive the watchdog.
  class Watch {
   public:
    Watch(PostgresWatchdog& watchdog, int socket, Clock::time_point end) : watchdog_(watchdog), socket_(socket), end_(end) {
      const std::lock_guard lock(watchdog_.mutex_);
      if (watchdog_.closed_) ::shutdown(socket_, SHUT_RDWR);
      watchdog_.watches_.push_back(this);
      if (watchdog_.next_ <= end_) return;  // it looks at all of them then
      watchdog_.next_ = end_;
      watchdog_.changed_.notify_one();
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() {
      const std::lock_guard lock(watchdog_.mutex_);
      std::erase(watchdog_.watches_, this);
    }
    /// Whether the conversation was ended because of it, or is about to be.
    [[nodiscard]] bool is_over() const noexcept { return Clock::now() >= end_; }

   private:
    friend PostgresWatchdog;
    PostgresWatchdog& watchdog_;
    const int socket_;
    const Clock::time_point end_;
  };

  /// Ends all conversations that are watched now, or begin to be later.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (const auto* watch : watches_) ::shutdown(watch->socket_, SHUT_RDWR);
  }

 private:
  /// It looks at the watches when the end is there that was the first one when it looked last, or has come to be since. So of many
  /// short watches one after the other it is woken by the first alone.
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      const auto planned = next_;  // it is read while the mutex is free
      if (changed_.wait_until(lock, stop, planned, [&] { return next_ < planned; })) continue;
      const auto now = Clock::now();
      next_ = Clock::time_point::max();
      for (const auto* watch : watches_) {
        if (watch->end_ > now) {
          next_ = std::min(next_, watch->end_);
        } else {
          ::shutdown(watch->socket_, SHUT_RDWR);
        }
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<const Watch*> watches_;
  Clock::time_point next_ = Clock::time_point::max();  // when the thread looks at them
  bool closed_ = false;
  std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace render_cache
