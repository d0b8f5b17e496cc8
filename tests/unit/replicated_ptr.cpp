#include <render_cache/store/memory/replicated_ptr.hpp>

#include "support/catch.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace replicated_ptr_tests {

using render_cache::detail::ReplicatedPtr;

namespace {

struct Counted {
  explicit Counted(std::atomic<int>& of) : alive(of) { ++alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --alive; }
  std::atomic<int>& alive;
};

}  // namespace

TEST_CASE("a replicated pointer's object lives as long as any copy of any count", "[memory]") {
  std::atomic<int> alive = 0;
  std::shared_ptr<Counted> first, second;
  {
    ReplicatedPtr<Counted> owner(std::make_shared<Counted>(alive), 4);
    CHECK(owner.get(0).get() == owner.get(3).get());
    first = owner.get(0);
    second = owner.get(3);
    CHECK(first.use_count() == 2);  // the others' count is another one
  }
  CHECK(alive == 1);
  first.reset();
  CHECK(alive == 1);
  std::weak_ptr<Counted> observer = second;
  CHECK(observer.lock() == second);
  second.reset();
  CHECK_FALSE(observer.lock());
  observer.reset();
  CHECK(alive == 0);
}

TEST_CASE("a replicated pointer gives up its object when it is moved from, assigned to or left unread", "[memory]") {
  std::atomic<int> alive = 0;
  {
    ReplicatedPtr<Counted> a(std::make_shared<Counted>(alive), 2), b(std::make_shared<Counted>(alive), 1);
    CHECK(alive == 2);
    std::swap(a, b);
    ReplicatedPtr<Counted> c(std::move(a));
    CHECK(alive == 2);
  }
  CHECK(alive == 0);
}

TEST_CASE("a replicated pointer takes a cache line for each count, and one of its own", "[memory]") {
  CHECK(ReplicatedPtr<int>::bytes(1) == 2 * 64);
  CHECK(ReplicatedPtr<int>::bytes(4) == 5 * 64);
}

TEST_CASE("a replicated pointer may be copied and dropped on many threads while its owner goes", "[memory][concurrent]") {
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> alive = 0;
    {
      std::vector<std::jthread> threads;
      ReplicatedPtr<Counted> owner(std::make_shared<Counted>(alive), 2);
      for (std::size_t i = 0; i < 4; ++i) {
        threads.emplace_back([mine = owner.get(i % 2)] {
          for (int copies = 0; copies < 1000; ++copies) const auto copy = mine;
        });
      }
    }
    REQUIRE(alive == 0);
  }
}

}  // namespace replicated_ptr_tests
