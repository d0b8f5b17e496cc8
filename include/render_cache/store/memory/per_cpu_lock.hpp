// A lock whose readers on different processors write to no common cache line.
#pragma once

#include <render_cache/requirements.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <functional>
#include <thread>
#include <utility>

#if defined(__linux__)
#include <sched.h>
#endif

namespace render_cache::detail {

/// For sections of some ten instructions: one atomic exchange to lock, a plain store to unlock (a futex needs a second
/// exchange there, which makes a hit a quarter slower). Whoever waits spins for a moment, then lets others run,
/// and then sleeps, so that a holder that lost its processor gets it back.
class SpinLock {
 public:
  void lock() noexcept {
    if (locked_.exchange(true, std::memory_order_acquire)) [[unlikely]]
      wait();
  }
  void unlock() noexcept { locked_.store(false, std::memory_order_release); }

 private:
  [[gnu::noinline, gnu::cold]] void wait() noexcept {
    unsigned turns = 0;
    do {
      for (; locked_.load(std::memory_order_relaxed); ++turns) {
        if (turns < 256) {
          pause();
        } else if (turns < 512) {
          std::this_thread::yield();
        } else {
          std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
      }
    } while (locked_.exchange(true, std::memory_order_acquire));
  }

  static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  std::atomic<bool> locked_{false};
};

/// Many readers or one writer. There are several slots, each a lock on a cache line of its own: a reader locks that of
/// the processor it runs on, a writer locks all in turn (5 ns each). Where reads are far more frequent, two readers
/// disturb each other only on one processor, even if they read the same.
///
/// `Local` is what each slot holds for the readers to write (counters): a guard gives exclusive access to it.
template <class Local>
class PerCpuLock {
  struct alignas(128) Slot {  // a pair of cache lines: some processors fetch the second one with the first
    SpinLock lock;
    Local local{};
  };

 public:
  class ReadGuard {
   public:
    ReadGuard(Slot& slot, std::size_t number) noexcept : slot_(slot), number_(number) { slot_.lock.lock(); }
    ReadGuard(const ReadGuard&) = delete;
    ReadGuard& operator=(const ReadGuard&) = delete;
    ~ReadGuard() { slot_.lock.unlock(); }
    Local* operator->() const noexcept { return &slot_.local; }
    /// Below `slots()`. For whatever else is to be kept apart by processor.
    [[nodiscard]] std::size_t slot() const noexcept { return number_; }

   private:
    Slot& slot_;
    std::size_t number_;
  };

  class WriteGuard {
   public:
    explicit WriteGuard(PerCpuLock& all) noexcept : all_(all) {
      for (std::size_t i = 0; i < all_.count_; ++i) all_.slots_[i].lock.lock();
    }
    WriteGuard(const WriteGuard&) = delete;
    WriteGuard& operator=(const WriteGuard&) = delete;
    ~WriteGuard() {
      for (std::size_t i = all_.count_; i-- > 0;) all_.slots_[i].lock.unlock();
    }
    /// Calls `visit(local)` for each slot.
    template <class Visit>
    void for_each(Visit&& visit) const {
      for (std::size_t i = 0; i < all_.count_; ++i) visit(std::as_const(all_.slots_[i].local));
    }

   private:
    PerCpuLock& all_;
  };

  [[nodiscard]] ReadGuard read() noexcept {
    const auto slot = processor() & (count_ - 1);
    return ReadGuard(slots_[slot], slot);
  }
  [[nodiscard]] WriteGuard write() noexcept { return WriteGuard(*this); }

  /// A power of two: as many as there are processors, and at most 4.
  [[nodiscard]] std::size_t slots() const noexcept { return count_; }

 private:
  static constexpr std::size_t max_slots = 4;

  /// A hint: the thread may move on at any time, and then unlocks the slot that it locked.
  static std::size_t processor() noexcept {
#if defined(__linux__)
    return static_cast<std::size_t>(sched_getcpu());
#else
    return (std::hash<std::thread::id>{}(std::this_thread::get_id()) * 0x9e3779b97f4a7c15u) >> 60;
#endif
  }

  std::array<Slot, max_slots> slots_{};
  const std::size_t count_ = std::bit_ceil(std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, max_slots));
};

}  // namespace render_cache::detail
