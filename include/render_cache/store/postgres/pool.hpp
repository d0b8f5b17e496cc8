// A bounded pool of connections. The one that was used last is used next, so that few stay busy and warm.
#pragma once

#include <render_cache/store/postgres/connection.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace render_cache {

/// Thread-safe. Opens connections when they are needed; after a failed attempt everybody fails at once for a short
/// pause, so that a server that is away costs a time-out now and then and not one a request.
class PostgresPool {
  struct Member {
    Member(const PostgresOptions& options, std::uint64_t number) : connection(options), generation(number) {}
    PostgresConnection connection;
    std::uint64_t generation;
  };

 public:
  /// A connection that is the holder's until it is destroyed.
  class Handle {
   public:
    Handle(PostgresPool& pool, std::unique_ptr<Member> member) : pool_(&pool), member_(std::move(member)) {}
    Handle(Handle&& other) noexcept = default;
    Handle& operator=(Handle&&) = delete;
    ~Handle() {
      if (member_) pool_->give_back(std::move(member_));
    }
    PostgresConnection& operator*() const noexcept { return member_->connection; }
    PostgresConnection* operator->() const noexcept { return &member_->connection; }

   private:
    PostgresPool* pool_;
    std::unique_ptr<Member> member_;
  };

  /// Connects to nothing yet.
  explicit PostgresPool(PostgresOptions options) : options_(std::move(options)) {}
  PostgresPool(const PostgresPool&) = delete;
  PostgresPool& operator=(const PostgresPool&) = delete;

  /// Throws `StoreUnavailable`: the server cannot be reached, or no connection got free in time.
  Handle acquire() {
    std::unique_lock lock(mutex_);
    const auto free_or_room = [&] { return !idle_.empty() || open_ < options_.pool_size; };
    if (!freed_.wait_for(lock, options_.acquire_timeout, free_or_room)) {
      throw StoreUnavailable("all " + std::to_string(options_.pool_size) + " connections of the pool were busy for " +
                             std::to_string(options_.acquire_timeout.count()) +
                             " ms; raise pool_size, or look for slow statements");
    }
    if (!idle_.empty()) {
      auto member = std::move(idle_.back());
      idle_.pop_back();
      return {*this, std::move(member)};
    }
    return connect(lock);
  }

  [[nodiscard]] std::size_t open() const {
    const std::lock_guard lock(mutex_);
    return open_;
  }
  [[nodiscard]] std::size_t idle() const {
    const std::lock_guard lock(mutex_);
    return idle_.size();
  }

 private:
  using Clock = std::chrono::steady_clock;

  Handle connect(std::unique_lock<std::mutex>& lock) {
    const auto now = Clock::now();
    if (!failure_.empty()) {
      if (now < next_attempt_) throw StoreUnavailable(failure_);
      next_attempt_ = now + options_.reconnect_pause;  // the others do not wait for this attempt to fail too
    }
    ++open_;
    const auto generation = generation_;
    lock.unlock();
    try {
      auto member = std::make_unique<Member>(options_, generation);
      lock.lock();
      failure_.clear();
      return {*this, std::move(member)};
    } catch (const std::exception& error) {
      if (!lock.owns_lock()) lock.lock();
      --open_;
      failure_ = error.what();
      next_attempt_ = Clock::now() + options_.reconnect_pause;
      freed_.notify_one();
      throw;
    }
  }

  void give_back(std::unique_ptr<Member> member) noexcept {
    std::vector<std::unique_ptr<Member>> dead;  // closed, as the member is, after the mutex is free again
    const std::lock_guard lock(mutex_);
    const bool current = member->generation == generation_;
    if (current && member->connection.usable()) {
      idle_.push_back(std::move(member));
    } else {
      // A connection that broke has probably broken with all others of its time: a retry shall not meet the next one.
      if (current) {
        ++generation_;
        dead.swap(idle_);
      }
      open_ -= dead.size() + 1;
    }
    freed_.notify_all();
  }

  const PostgresOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<Member>> idle_;
  std::size_t open_ = 0;
  std::uint64_t generation_ = 0;
  std::string failure_;  // of the last attempt to connect; empty after a good one
  Clock::time_point next_attempt_{};
};

}  // namespace render_cache
