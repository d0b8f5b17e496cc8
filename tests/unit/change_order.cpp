#include <render_cache/read/change_order.hpp>

#include "support/catch.hpp"
#include "support/small_key.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace change_order_tests {

using namespace render_cache::detail;
using namespace std::chrono_literals;
using render_cache::test::SmallKey;

namespace {

using Order = ChangeOrder<SmallKey>;
const SmallKey a{"docs", "a"}, b{"docs", "b"}, elsewhere{"wiki", "a"};
const std::string docs = "docs";

/// Takes a turn on a thread of its own and gives it back at once.
struct Taker {
  std::atomic<bool> had = false;
  std::jthread thread;
  template <class Take>
  explicit Taker(Take take)
      : thread([this, take] {
          const auto turn = take();
          had = true;
        }) {}
  bool waits() const {
    std::this_thread::sleep_for(10ms);
    return !had;
  }
};

}  // namespace

TEST_CASE("a change waits for one of the same key or group, and for no other", "[concurrent]") {
  Order order;
  std::optional<Taker> same, group, member;
  const auto of = [&](const SmallKey& key) { return [&order, &key] { return order.of(key); }; };
  const auto of_docs = [&order] { return order.of_group(docs); };
  SECTION("of a key") {
    {
      const auto turn = order.of(a);
      const auto beside = order.of(b);
      const auto other_group = order.of(elsewhere);
      same.emplace(of(a));
      CHECK(same->waits());
      group.emplace(of_docs);
      CHECK(group->waits());
    }
    same->thread.join();
    group->thread.join();
  }
  SECTION("of a group") {
    {
      const auto turn = order.of_group(docs);
      const auto other_group = order.of(elsewhere);
      member.emplace(of(b));
      CHECK(member->waits());
      group.emplace(of_docs);
      CHECK(group->waits());
    }
    member->thread.join();
    group->thread.join();
  }
}

TEST_CASE("changes happen in the order in which they were asked for", "[concurrent]") {
  Order order;
  std::optional<Taker> group, late;
  {
    const auto turn = order.of(a);
    group.emplace([&] { return order.of_group(docs); });
    CHECK(group->waits());
    // Nothing is under way for b, but the group came first.
    late.emplace([&] { return order.of(b); });
    CHECK(late->waits());
  }
  group->thread.join();
  late->thread.join();
  CHECK(late->had);
}

}  // namespace change_order_tests
