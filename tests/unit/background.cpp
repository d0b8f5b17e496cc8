#include <render_cache/read/background.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <latch>
#include <memory>
#include <thread>

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
  Background background(1);
  const auto held = std::make_shared<int>();
  CHECK(background.try_run([held] {}));
  CHECK(background.wait_for_room(Clock::now() + 20s));
  CHECK(held.use_count() == 1);
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
