// A bounded pool of connections. The one that was used last is used next, so that few stay busy and warm.
#pragma once

#include <render_cache/store/postgres/connection.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace render_cache {

/// Thread-safe. Opens connections when they are needed, with no lock held.
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
  Handle connect(std::unique_lock<std::mutex>& lock) {
    ++open_;
    const auto generation = generation_;
    lock.unlock();
    try {
      return {*this, std::make_unique<Member>(options_, generation)};
    } catch (...) {
      lock.lock();
      --open_;
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
      freed_.notify_one();
    } else {
      // A connection that broke has probably broken with all others of its time: a retry shall not meet the next one.
      if (current) {
        ++generation_;
        dead.swap(idle_);
      }
      open_ -= dead.size() + 1;
      freed_.notify_all();
    }
  }

  const PostgresOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<Member>> idle_;
  std::size_t open_ = 0;
  std::uint64_t generation_ = 0;
};

}  // namespace render_cache
