#include <render_cache/read/breaker.hpp>

#include "support/catch.hpp"
#include "support/manual_clock.hpp"

#include <atomic>
#include <chrono>
#include <latch>
#include <thread>
#include <vector>

namespace breaker_tests {

using namespace render_cache::detail;
using namespace std::chrono_literals;
using render_cache::test::ManualClock;

TEST_CASE("after a failure nobody is admitted for a pause, then one, and the rest when that one has an answer") {
  Breaker<ManualClock> breaker(1s);
  const auto before = breaker.admit();
  CHECK(before);
  breaker.failed();
  CHECK(breaker.paused());
  ManualClock::time += 1s - 1ns;
  CHECK_FALSE(breaker.admit());
  ManualClock::time += 1ns;
  const auto one = breaker.admit();
  REQUIRE(one);
  CHECK_FALSE(breaker.admit());
  SECTION("it answers") {
    breaker.answered(*one);
    CHECK_FALSE(breaker.paused());
    CHECK(breaker.admit());
    CHECK(breaker.admit());
  }
  SECTION("it fails again") {
    ManualClock::time += 500ms;
    breaker.failed();
    ManualClock::time += 1s - 1ns;
    CHECK_FALSE(breaker.admit());
    ManualClock::time += 1ns;
    CHECK(breaker.admit());
  }
  SECTION("it hangs: one more tries a pause later") {
    ManualClock::time += 1s;
    CHECK(breaker.admit());
    CHECK_FALSE(breaker.admit());
  }
  SECTION("it answers more slowly than a pause is long, and others try meanwhile") {
    ManualClock::time += 1s;
    CHECK(breaker.admit());
    breaker.answered(*one);
    CHECK_FALSE(breaker.paused());
  }
  SECTION("another one who tried beside it is not asked after all: nothing is down any more") {
    ManualClock::time += 1s;
    const auto another = breaker.admit();
    REQUIRE(another);
    breaker.answered(*one);
    breaker.not_asked(*another);
    CHECK_FALSE(breaker.paused());
  }
  SECTION("it is not asked after all: another one tries, and one alone") {
    breaker.not_asked(*one);
    CHECK(breaker.paused());
    CHECK(breaker.admit());
    CHECK_FALSE(breaker.admit());
  }
  SECTION("it is not asked after all, and has failed another one: the pause stays") {
    breaker.failed();
    breaker.not_asked(*one);
    CHECK_FALSE(breaker.admit());
  }
  SECTION("one who asked before the failure and is answered late ends no pause") {
    breaker.answered(*before);
    CHECK_FALSE(breaker.admit());
    breaker.failed();
    breaker.answered(*one);
    CHECK(breaker.paused());
  }
}

TEST_CASE("while nothing has failed no clock is read") {
  struct CountingClock : ManualClock {
    static int& reads() {
      static int count = 0;
      return count;
    }
    static time_point now() {
      ++reads();
      return ManualClock::now();
    }
  };
  Breaker<CountingClock> breaker(1s);
  breaker.answered(breaker.admit().value());
  breaker.not_asked(breaker.admit().value());
  CHECK(CountingClock::reads() == 0);
  breaker.failed();
  CHECK_FALSE(breaker.admit());
  CHECK(CountingClock::reads() == 2);
}

TEST_CASE("however many threads find the pause over, one is admitted", "[concurrent]") {
  Breaker<ManualClock> breaker(1h);
  for (int round = 0; round < 200; ++round) {
    breaker.failed();
    ManualClock::time += 1h;
    std::atomic<int> admitted = 0;
    std::latch start(4);
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
          start.arrive_and_wait();
          admitted += breaker.admit().has_value();
        });
      }
    }
    REQUIRE(admitted == 1);
  }
}

TEST_CASE("a pause for ever is one, and none is none") {
  Breaker<ManualClock> forever(std::chrono::milliseconds::max());
  forever.failed();
  ManualClock::time += std::chrono::hours(24 * 365);
  CHECK_FALSE(forever.admit());
  for (const auto none : {0ms, -1ms, std::chrono::milliseconds::min()}) {
    Breaker<ManualClock> breaker(none);
    breaker.failed();
    CHECK(breaker.admit());
  }
}

}  // namespace breaker_tests
