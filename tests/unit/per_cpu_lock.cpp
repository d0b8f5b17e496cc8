#include <render_cache/store/memory/per_cpu_lock.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sys/resource.h>
#endif

namespace per_cpu_lock_tests {

using namespace render_cache::detail;
using namespace std::chrono_literals;

TEST_CASE("who waits for a spin lock gets it when its holder has let go, however long that took", "[memory][concurrent]") {
  SpinLock lock;
  std::atomic<int> entered = 0;
  std::atomic<bool> first_may_leave = false;
  lock.lock();
  std::jthread first([&] {
    lock.lock();
    ++entered;
    while (!first_may_leave) std::this_thread::yield();
    lock.unlock();
  });
  std::this_thread::sleep_for(20ms);  // long enough to spin, yield and sleep
  CHECK(entered == 0);
  lock.unlock();
  while (entered == 0) std::this_thread::yield();
  std::jthread second([&] {  // finds it taken, by one who has waited for it
    lock.lock();
    ++entered;
    lock.unlock();
  });
  std::this_thread::sleep_for(20ms);
  CHECK(entered == 1);
  first_may_leave = true;
  second.join();
  CHECK(entered == 2);
}

#if defined(__linux__)
TEST_CASE("who waits long for a spin lock sleeps, and leaves its processor to the holder", "[memory][concurrent]") {
  const auto sleeps = [] {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
  };
  SpinLock lock;
  long slept = 0;
  for (const auto end = std::chrono::steady_clock::now() + 30s; slept == 0 && std::chrono::steady_clock::now() < end;) {
    lock.lock();
    const std::jthread waiter([&] {
      const auto before = sleeps();
      lock.lock();
      slept = sleeps() - before;
      lock.unlock();
    });
    std::this_thread::sleep_for(20ms);
    lock.unlock();
  }
  CHECK(slept > 0);
}
#endif

TEST_CASE("a writer is alone, and each reader has its slot to itself", "[memory][concurrent]") {
  struct Counts {
    int reads = 0;  // not atomic: the lock is what is tested
  };
  PerCpuLock<Counts> lock;
  int writes = 0, seen = 0;
  constexpr int threads = 4, rounds = 2000;
  {
    std::vector<std::jthread> running;
    for (int i = 0; i < threads; ++i) {
      running.emplace_back([&] {
        for (int round = 0; round < rounds; ++round) {
          if (round % 10 == 0) {
            const auto guard = lock.write();
            ++writes;
          } else {
            const auto guard = lock.read();
            ++guard->reads;
          }
        }
      });
    }
  }
  CHECK(writes == threads * rounds / 10);
  const auto guard = lock.write();
  std::size_t slots = 0;
  guard.for_each([&](const Counts& counts) {
    seen += counts.reads;
    ++slots;
  });
  CHECK(slots == lock.slots());
  CHECK(seen == threads * rounds * 9 / 10);
}

TEST_CASE("while one writes nobody reads, on whichever processor", "[memory][concurrent]") {
  PerCpuLock<int> lock;
  CHECK(lock.slots() <= 4);
  CHECK(lock.slots() >= 1);
  std::atomic<int> read = 0;
  std::vector<std::jthread> readers;
  {
    const auto guard = lock.write();
    for (int i = 0; i < 8; ++i) {
      readers.emplace_back([&] {
        const auto reading = lock.read();
        if (reading.slot() < lock.slots()) ++read;
      });
    }
    std::this_thread::sleep_for(20ms);
    CHECK(read == 0);
  }
  readers.clear();
  CHECK(read == 8);
}

}  // namespace per_cpu_lock_tests
