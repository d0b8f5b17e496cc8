// Ends conversations that a server has stopped answering.
#pragma once

#include <render_cache/store/postgres/connection.hpp>

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
/// that takes too long. After its limit this closes the conversation from outside, and the waiting thread sees a lost
/// connection. It is noticed a quarter of the usual limit later at most. Thread-safe; zero watches nothing and has no thread.
class PostgresWatchdog {
  using Clock = std::chrono::steady_clock;

 public:
  explicit PostgresWatchdog(std::chrono::milliseconds usual_limit) : usual_limit_(usual_limit) {
    if (usual_limit.count() > 0) thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  }

  /// While it lives, the connection is expected to answer within the limit; zero: at any time. It must not outlive the connection.
  class Watch {
   public:
    Watch(PostgresWatchdog& watchdog, const PostgresConnection& connection, std::chrono::milliseconds limit)
        : watchdog_(watchdog), socket_(connection.socket()), limit_(limit), since_(Clock::now()) {
      const std::lock_guard lock(watchdog_.mutex_);
      watchdog_.watches_.push_back(this);
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() {
      const std::lock_guard lock(watchdog_.mutex_);
      std::erase(watchdog_.watches_, this);
    }

   private:
    friend PostgresWatchdog;
    PostgresWatchdog& watchdog_;
    const int socket_;
    const std::chrono::milliseconds limit_;
    const Clock::time_point since_;
  };

 private:
  void watch(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      stopped_.wait_for(lock, stop, usual_limit_ / 4, [] { return false; });
      for (const auto* watch : watches_) {
        const bool is_late = watch->limit_.count() > 0 && Clock::now() - watch->since_ > watch->limit_;
        if (is_late) ::shutdown(watch->socket_, SHUT_RDWR);
      }
    }
  }

  const std::chrono::milliseconds usual_limit_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::vector<const Watch*> watches_;
  std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace render_cache
