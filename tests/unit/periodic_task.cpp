#include <render_cache/read/periodic_task.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <chrono>
#include <stop_token>
#include <thread>

namespace periodic_task_tests {

using namespace std::chrono_literals;
using render_cache::detail::PeriodicTask;
using Clock = std::chrono::steady_clock;

namespace {

void wait_for(const std::atomic<int>& count, int wanted) {
  const auto end = Clock::now() + 20s;
  while (count < wanted && Clock::now() < end) std::this_thread::sleep_for(1ms);
  CHECK(count == wanted);
}

}  // namespace

TEST_CASE("a periodic task takes a step after each pause as long as there is more, and again when more comes", "[concurrent]") {
  std::atomic<int> steps = 0;
  PeriodicTask task(20ms, [&](const std::stop_token&) { return ++steps % 3 != 0; });
  std::this_thread::sleep_for(60ms);
  CHECK(steps == 0);  // nothing to do
  const auto start = Clock::now();
  task.begin();
  wait_for(steps, 3);
  CHECK(Clock::now() - start >= 60ms);
  std::this_thread::sleep_for(60ms);
  CHECK(steps == 3);
  task.begin();
  wait_for(steps, 6);
}

TEST_CASE("a periodic task takes one more step for all that begins during one", "[concurrent]") {
  std::atomic<int> steps = 0;
  PeriodicTask task(20ms, [&](const std::stop_token&) {
    for (int i = 0; steps == 0 && i < 3; ++i) task.begin();
    ++steps;
    return false;
  });
  task.begin();
  wait_for(steps, 2);
  std::this_thread::sleep_for(60ms);
  CHECK(steps == 2);
}

TEST_CASE("a periodic task ends at once: it rests no more, and tells its step", "[concurrent]") {
  const auto start = Clock::now();
  std::atomic<int> steps = 0;
  {
    PeriodicTask rests(std::chrono::milliseconds::max(), [&](const std::stop_token&) { return ++steps > 0; });
    rests.begin();
    std::this_thread::sleep_for(20ms);
  }
  CHECK(steps == 0);
  {
    PeriodicTask works(0ms, [&](const std::stop_token& stop) {
      for (++steps; !stop.stop_requested();) std::this_thread::sleep_for(1ms);
      return true;
    });
    works.begin();
    wait_for(steps, 1);
  }
  CHECK(steps == 1);
  CHECK(Clock::now() - start < 15s);
}

}  // namespace periodic_task_tests
