#include <render_cache/read/background.hpp>

#include "support/catch.hpp"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <latch>
#include <memory>
#include <system_error>
#include <thread>

namespace background_tests {

using namespace render_cache::detail;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST_CASE("no more jobs run at a time than allowed, and room is waited for until it is there", "[concurrent]") {
  std::latch go(1), ran(1);  // they outlive the jobs
  Background background(2);
  CHECK(background.try_run([&] { go.wait(); }));
  CHECK(background.try_run([&] { go.wait(); }));
  CHECK_FALSE(background.try_run([] { FAIL("there was no room"); }));
  CHECK_FALSE(background.wait_for_room(Clock::now() + 1ms));
  std::jthread later([&] { go.count_down(); });
  CHECK(background.wait_for_room(Clock::now() + 20s));
  CHECK(background.try_run([&] { ran.count_down(); }));
  ran.wait();
}

TEST_CASE("without room for any job there is never any") {
  Background background(0);
  CHECK_FALSE(background.try_run([] {}));
  CHECK_FALSE(background.wait_for_room(Clock::now() + 1ms));
}

TEST_CASE("what a job holds is gone when it counts as ended", "[concurrent]") {
  bool had_ended = true;
  {
    Background background(1);
    const auto look = [&](const int* held) {
      had_ended = background.wait_for_room(Clock::now());
      delete held;
    };
    CHECK(background.try_run([held = std::shared_ptr<int>(new int, look)] {}));
  }
  CHECK_FALSE(had_ended);
}

TEST_CASE("threads that have ended leave nothing behind") {
  const auto address_space = [] {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages * 4096;
  };
  Background background(1);
  const auto run = [&](int jobs) {
    for (int i = 0; i < jobs; ++i) {
      REQUIRE(background.wait_for_room(Clock::now() + 20s));
      REQUIRE(background.try_run([] {}));
    }
  };
  run(20);
  const auto before = address_space();
  run(100);
  CHECK(address_space() < before + (std::size_t{200} << 20));  // a thread's stack is 8 MB
}

TEST_CASE("a job for which there is no thread is the caller's to know, and takes no room") {
  Background background(1);
  pthread_attr_t usual, huge;
  REQUIRE(pthread_getattr_default_np(&usual) == 0);
  REQUIRE(pthread_getattr_default_np(&huge) == 0);
  REQUIRE(pthread_attr_setstacksize(&huge, std::size_t{1} << 50) == 0);
  REQUIRE(pthread_setattr_default_np(&huge) == 0);
  CHECK_THROWS_AS(background.try_run([] {}), std::system_error);
  REQUIRE(pthread_setattr_default_np(&usual) == 0);
  CHECK(background.try_run([] {}));
}

TEST_CASE("the end waits for all jobs, also for those that they start", "[concurrent]") {
  std::atomic<int> ended = 0;
  {
    Background background(2);
    background.try_run([&] {
      std::this_thread::sleep_for(20ms);
      background.try_run([&] {
        std::this_thread::sleep_for(20ms);
        ++ended;
      });
      ++ended;
    });
  }
  CHECK(ended == 2);
}

}  // namespace background_tests
