// A bounded pool of connections that are ready, and the thread that makes them so.
#pragma once

#include <render_cache/entry/deadline.hpp>
#include <render_cache/entry/error.hpp>
#include <render_cache/store/lookup_limit.hpp>
#include <render_cache/store/postgres/connection.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace render_cache {

/// One thread of the pool's own connects, sets sessions up and makes the database ready. Callers take a connection on which all
/// that is done, or give up: whatever the server does, none of them waits longer than he said. The connection that was used last is
/// used next, so that few stay busy and warm. Thread-safe. Connects to nothing until somebody asks.
class PostgresPool {
  using Clock = std::chrono::steady_clock;
  struct Member {
    Member(const PostgresOptions& options, PostgresWatchdog& watchdog, std::uint64_t number)
        : connection(options, &watchdog), generation(number) {}
    PostgresConnection connection;
    const std::uint64_t generation;
    bool discarded = false;
  };

 public:
  /// Applies what migrations are pending, and throws `SchemaMismatch` if the table is not what the schema says. It is called before
  /// the first connection is handed out, and again after each `recheck`.
  using MakeReady = std::function<void(PostgresConnection&)>;

  /// What a connection is for. Publishes have half of the pool at most: those that wait for a locked row stop no look-up.
  enum class Use { any, publish };

  /// A connection that is the holder's until it is destroyed.
  class Handle {
   public:
    Handle(PostgresPool& pool, std::unique_ptr<Member> member, Use use)
        : pool_(&pool), member_(std::move(member)), use_(use), answered_before_(pool.answered_) {}
    Handle(Handle&& other) noexcept = default;
    Handle& operator=(Handle&&) = delete;
    ~Handle() {
      if (member_) pool_->give_back(std::move(member_), use_);
    }
    PostgresConnection& operator*() const noexcept { return member_->connection; }
    PostgresConnection* operator->() const noexcept { return &member_->connection; }

    /// Says that the database may have been changed since it was made ready.
    void recheck() const { pool_->recheck(member_->generation); }
    /// Whether another holder's connection has come back usable since this one was taken.
    [[nodiscard]] bool others_answered() const {
      const std::lock_guard lock(pool_->mutex_);
      return pool_->answered_ != answered_before_;
    }
    /// Says that the connection is not to be used again, though others of its time may be.
    void discard() const noexcept { member_->discarded = true; }

   private:
    PostgresPool* pool_;
    std::unique_ptr<Member> member_;
    Use use_;
    std::uint64_t answered_before_;
  };

  PostgresPool(PostgresOptions options, MakeReady make_ready)
      : options_(std::move(options)), make_ready_(std::move(make_ready)),
        opener_([this](const std::stop_token& stop) { open_wanted(stop); }) {}
  PostgresPool(const PostgresPool&) = delete;
  PostgresPool& operator=(const PostgresPool&) = delete;
  ~PostgresPool() {
    opener_.request_stop();
    watchdog_.close();  // what the thread waits for; a connection that is being made ends by its connect_timeout
  }

  /// Throws what has kept the thread from making a connection since the call began, or in the second before it if a person must mend
  /// that; `StoreUnavailable` when none is ready and free by `end`, and `StoreTimeout` if others were answered meanwhile.
  Handle acquire(Clock::time_point end, Use use = Use::any) {
    const auto begin = Clock::now();
    std::unique_lock lock(mutex_);
    const auto is_free = [&] { return !idle_.empty() && (use != Use::publish || publishing_ < publishers()); };
    if (!is_free()) {
      if (begin < wrong_until_) std::rethrow_exception(failure_);
      const auto failures = failures_;
      const auto answered = answered_;
      ++waiting_;
      wanted_.notify_one();
      auto& freed = use == Use::publish ? publish_freed_ : freed_;
      freed.wait_until(lock, end, [&] { return is_free() || failures_ != failures; });
      if (failures_ == failures) {
        --waiting_;
        if (!is_free()) detail::throw_not_in_time(answered_ != answered, none_ready(end - begin, use));
      } else if (!is_free()) {
        std::rethrow_exception(failure_);
      }
    }
    if (use == Use::publish) ++publishing_;
    auto member = std::move(idle_.back());
    idle_.pop_back();
    return {*this, std::move(member), use};
  }

  /// Makes the database ready again before the next connection is handed out.
  void recheck() {
    std::uint64_t now;
    {
      const std::lock_guard lock(mutex_);
      now = generation_;
    }
    recheck(now);
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
  using Members = std::vector<std::unique_ptr<Member>>;  // closed after the mutex is free again

  void open_wanted(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (wanted_.wait(lock, stop, [this] { return waiting_ > idle_.size() && open_ < options_.pool_size; })) {
      ++open_;
      const auto generation = generation_;
      const bool ready = ready_;
      lock.unlock();
      std::unique_ptr<Member> member;
      std::exception_ptr failure;
      try {
        member = std::make_unique<Member>(options_, watchdog_, generation);
        if (!ready) make_ready(member->connection);
      } catch (...) {
        failure = std::current_exception();
        member.reset();
      }
      lock.lock();
      if (generation != generation_) {  // whatever came of it: it is of yesterday
        --open_;
        lock.unlock();
        member.reset();
        lock.lock();
      } else if (member) {
        ready_ = true;
        idle_.push_back(std::move(member));
        tell_one();
      } else {
        --open_;
        failure_ = failure;
        wrong_until_ =
            detail::holds<StoreUnavailable>(failure) ? Clock::time_point::min() : Clock::now() + std::chrono::seconds(1);
        ++failures_;
        waiting_ = 0;  // all are told, and nobody tries again for them
        freed_.notify_all();
        publish_freed_.notify_all();
      }
    }
  }

  void make_ready(PostgresConnection& connection) {
    constexpr std::chrono::minutes longest_migration(10);  // another node's lock, an index on a large table
    const auto watch = connection.expect_answer(detail::from_now(longest_migration));
    make_ready_(connection);
  }

  void give_back(std::unique_ptr<Member> member, Use use) noexcept {
    Members dead;
    const std::lock_guard lock(mutex_);
    if (use == Use::publish) --publishing_;
    const bool current = member->generation == generation_;
    const bool usable = member->connection.usable() && !member->discarded;
    if (usable) ++answered_;
    if (current && usable) {
      idle_.push_back(std::move(member));
    } else {
      // A connection that broke has probably broken with all others of its time: a retry shall not meet the next one.
      if (current && !member->discarded) dead = begin_generation();
      --open_;
      dead.push_back(std::move(member));
      wanted_.notify_one();
    }
    tell_one();
  }

  /// One of each kind, for a publish may have to wait although a connection is idle: who wakes in vain waits on.
  void tell_one() noexcept {
    freed_.notify_one();
    publish_freed_.notify_one();
  }

  void recheck(std::uint64_t generation) {
    Members dead;
    const std::lock_guard lock(mutex_);
    if (generation != generation_) return;  // somebody else was first
    ready_ = false;
    wrong_until_ = Clock::time_point::min();
    dead = begin_generation();
    wanted_.notify_one();
  }

  Members begin_generation() noexcept {
    ++generation_;
    open_ -= idle_.size();
    return std::exchange(idle_, {});
  }

  std::size_t publishers() const noexcept { return std::max<std::size_t>(options_.pool_size / 2, 1); }

  std::string none_ready(std::chrono::nanoseconds waiting, Use use) const {
    const auto waited = std::to_string(std::chrono::round<std::chrono::milliseconds>(waiting).count()) + " ms";
    const auto busy = [&](std::size_t count, const char* which) {
      return "all " + std::to_string(count) + " connections " + which + " were busy for " + waited +
             "; raise pool_size, or look for slow statements";
    };
    if (use == Use::publish && publishing_ >= publishers()) return busy(publishing_, "for publishes");
    if (ready_ && open_ >= options_.pool_size) return busy(open_, "of the pool");
    return "no connection to PostgreSQL was ready within " + waited;
  }

  const PostgresOptions options_;
  const MakeReady make_ready_;
  mutable std::mutex mutex_;
  std::condition_variable freed_, publish_freed_;
  std::condition_variable_any wanted_;
  Members idle_;
  std::size_t open_ = 0;  // the one that is being made among them
  std::size_t waiting_ = 0;  // callers, since the last failure
  std::size_t publishing_ = 0;  // connections in use for publishes
  std::uint64_t generation_ = 0;  // of connections that broke together
  bool ready_ = false;  // the database, for this generation
  std::uint64_t answered_ = 0;  // uses that have left their connection usable
  std::uint64_t failures_ = 0;
  std::exception_ptr failure_;  // the last one
  Clock::time_point wrong_until_ = Clock::time_point::min();  // a mismatch or a wrong history is not looked for at each call
  PostgresWatchdog watchdog_;
  std::jthread opener_;  // last: it ends before what it uses
};

}  // namespace render_cache
