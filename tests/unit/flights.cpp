#include <render_cache/read/flight.hpp>

#include "support/catch.hpp"
#include "support/small_key.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <tuple>

namespace flights_tests {

using namespace render_cache;
using namespace render_cache::detail;
using namespace std::chrono_literals;
using test::SmallKey;

namespace {

using Registry = Flights<SmallKey, std::string>;
using Result = FlightResult<std::string>;

SmallKey named(std::string name) { return {"docs", std::move(name)}; }
Fingerprint state(std::string_view text) { return std::move(Fingerprint().add("source", text)); }
Fingerprint unsettled(std::string_view text) { return std::move(Fingerprint().add("source", text).mark_unsettled()); }

struct Fixture {
  Registry flights;
  auto join(const std::string& name, Join which = Join::any) { return flights.join(named(name), state("x"), 0, which); }
  void land(const auto& call) { flights.land(call.flight(), {}); }
};

}  // namespace

TEST_CASE("who asks for what is being rendered joins, who asks for something else leads") {
  Fixture f;
  auto first = f.join("a");
  CHECK(first.leads());
  auto second = f.join("a");
  CHECK_FALSE(second.leads());
  CHECK(second.flight() == first.flight());
  auto other_state = f.flights.join(named("a"), state("y"), 0);
  CHECK(other_state.leads());
  auto other_key = f.join("b");
  CHECK(other_key.leads());
  CHECK_FALSE(second.look_again());
  f.flights.land(first.flight(), {.detail = "brought"});
  CHECK(second.wait()->detail == "brought");
  CHECK_FALSE(second.wait()->rendered);
  auto later = f.join("a");
  CHECK(later.leads());
  for (auto* call : {&other_state, &other_key, &later}) f.land(*call);
}

TEST_CASE("who asks after an erase joins nothing that was asked for before it") {
  Fixture f;
  auto before = f.join("a");
  auto refresh = f.join("a", Join::not_yet);
  f.flights.mark_erased([](const SmallKey& each) { return each == named("a"); });
  auto after = f.join("a");
  auto refresh_after = f.join("a", Join::not_yet);
  CHECK(after.leads());
  CHECK(refresh_after.leads());
  CHECK_FALSE(f.join("a").leads());
  for (auto* call : {&before, &refresh, &after, &refresh_after}) f.land(*call);
}

TEST_CASE("a wait ends at its deadline, and has the result if the flight has landed by then") {
  Fixture f;
  auto call = f.join("a");
  CHECK(call.wait(std::chrono::steady_clock::now() + 1ms) == nullptr);
  f.land(call);
  CHECK(call.wait(std::chrono::steady_clock::now() - 1h) != nullptr);
}

TEST_CASE("a leader is told that something has landed since he looked") {
  Fixture f;
  const auto before = f.flights.landings();
  {
    auto other = f.join("b");
    f.land(other);
  }
  auto call = f.flights.join(named("a"), state("x"), before);
  CHECK(call.look_again());
  auto next = f.flights.join(named("c"), state("x"), f.flights.landings());
  CHECK_FALSE(next.look_again());
  f.land(call);
  f.land(next);
}

TEST_CASE("equal texts of which one is too new to trust share no flight") {
  Fixture f;
  auto settled = f.join("a");
  auto recent = f.flights.join(named("a"), unsettled("x"), 0, Join::not_yet);
  CHECK(recent.leads());
  f.land(settled);
  auto again = f.join("a");
  CHECK(again.leads());
  f.land(recent);
  f.land(again);
}

TEST_CASE("a render that asks for its own key is refused, in whatever state and from whichever thread works for it") {
  Fixture f;
  auto call = f.join("a");
  CHECK(f.flights.begin(*call.flight(), {}));
  {
    const Registry::Scope scope(f.flights, call.flight());
    CHECK_THROWS_AS(f.join("a"), RecursiveRender);
    CHECK_THROWS_WITH(f.flights.join(named("a"), state("y"), 0), ContainsSubstring("name='a'"));
    auto nested = f.join("b");
    CHECK(nested.leads());
    const Registry::Scope inner(f.flights, nested.flight());
    CHECK_THROWS_AS(f.join("a"), RecursiveRender);
    CHECK_THROWS_AS(f.flights.join(named("a"), state("y"), 0), RecursiveRender);
    std::thread([&, parent = f.flights.current()] {
      const Registry::Scope worker(f.flights, parent);
      CHECK_THROWS_AS(f.join("b"), RecursiveRender);
    }).join();
    f.land(nested);
  }
  auto outside = f.join("a");  // nobody's render any more
  CHECK_FALSE(outside.leads());
  f.land(call);
}

TEST_CASE("a call that closes a circle of renders is refused, and no other") {
  Fixture f;
  auto a = f.join("a"), b = f.join("b"), c = f.join("c");
  const auto asks = [&](const auto& who, const std::string& whom) {
    const Registry::Scope scope(f.flights, who.flight());
    return f.join(whom);
  };
  {
    auto a_b = asks(a, "b"), a_c = asks(a, "c"), b_c = asks(b, "c");  // by two ways, and no circle
    auto d = f.join("d");
    CHECK_FALSE(asks(d, "a").leads());
    f.land(d);
    CHECK_THROWS_AS(asks(c, "a"), RecursiveRender);
    CHECK_THROWS_AS(asks(c, "b"), RecursiveRender);
  }
  auto c_a = asks(c, "a");  // nobody waits for c any more
  CHECK_FALSE(c_a.leads());
  CHECK_THROWS_AS(asks(a, "c"), RecursiveRender);
  for (auto* call : {&a, &b, &c}) f.land(*call);
}

TEST_CASE("a render that has landed waits for nobody, though those who called for it are still asleep") {
  Fixture f;
  auto a = f.join("a"), b = f.join("b"), c = f.join("c");
  const auto asks = [&](const auto& who, const std::string& whom) {
    const Registry::Scope scope(f.flights, who.flight());
    return f.join(whom);
  };
  auto a_b = asks(a, "b"), b_c = asks(b, "c");
  f.land(b);
  auto c_a = asks(c, "a");
  CHECK_FALSE(c_a.leads());
  f.land(a);
  f.land(c);
}

TEST_CASE("what begins after a render that has landed does not wait for it any more") {
  Fixture f;
  auto first = f.join("a", Join::not_yet);
  CHECK(f.flights.begin(*first.flight(), {}));
  auto second = f.join("a", Join::not_yet), page = f.join("page");
  f.land(first);
  CHECK(f.flights.begin(*second.flight(), {}));
  {
    const Registry::Scope scope(f.flights, page.flight());
    auto page_a = f.join("a");
    CHECK(page_a.flight() == second.flight());
    const Registry::Scope leftover(f.flights, first.flight());  // of a renderer's thread that has not ended
    CHECK_FALSE(f.join("page").leads());
  }
  f.land(second);
  f.land(page);
}

TEST_CASE("what has landed keeps nothing alive, and its key is forgotten") {
  Fixture f;
  auto part = [&] {
    auto page = f.join("page"), before = f.join("part", Join::not_yet);
    CHECK(f.flights.begin(*before.flight(), {}));
    const Registry::Scope scope(f.flights, page.flight());
    auto call = f.join("part", Join::not_yet);
    f.land(page);
    f.land(before);
    return std::tuple(call.flight(), std::weak_ptr(page.flight()), std::weak_ptr(before.flight()));
  }();
  const auto& [flight, caller, followed] = part;
  f.flights.land(flight, {});
  CHECK(caller.expired());
  CHECK(followed.expired());
  f.flights.mark_erased([](const SmallKey&) {
    FAIL_CHECK("there is no flight");
    return true;
  });
}

TEST_CASE("a key of which something is owed is forgotten when that has been paid") {
  Fixture f;
  auto call = f.join("page");
  {
    const auto owed = f.flights.owe(call.flight());
    f.land(call);
    f.flights.mark_erased([](const SmallKey&) { return true; });
    CHECK(f.flights.erased(*owed));
  }
  f.flights.mark_erased([](const SmallKey&) {
    FAIL_CHECK("nothing is owed");
    return true;
  });
}

TEST_CASE("a thread works for the inner render alone, and then for the outer one again") {
  Fixture f;
  auto a = f.join("a"), b = f.join("b");
  {
    const Registry::Scope outer(f.flights, a.flight());
    {
      const Registry::Scope inner(f.flights, b.flight());
      CHECK(f.flights.current() == b.flight());
    }
    CHECK(f.flights.current() == a.flight());
  }
  CHECK_FALSE(f.flights.current());
  f.land(a);
  f.land(b);
}

TEST_CASE("a render may ask for the key of one that called for it and no longer waits") {
  Fixture f;
  auto page = f.join("page");
  std::shared_ptr<Registry::Flight> part;
  {
    const Registry::Scope scope(f.flights, page.flight());
    part = f.join("part").flight();  // it goes on in the background
  }
  {
    const Registry::Scope scope(f.flights, part);
    auto call = f.join("page");
    CHECK_FALSE(call.leads());
    CHECK(f.flights.join(named("page"), state("y"), 0).leads());
  }
}

TEST_CASE("what must begin after the call is shared only while it has not begun, and waits for one other at the most") {
  Fixture f;
  auto ordinary = f.join("a");
  auto first = f.join("a", Join::not_yet);
  CHECK(first.leads());  // the ordinary one may be answered from the store
  auto shared = f.join("a", Join::not_yet);
  CHECK(shared.flight() == first.flight());
  CHECK(f.flights.begin(*first.flight(), {}));
  auto second = f.join("a", Join::not_yet);
  CHECK(second.leads());
  auto third = f.join("a", Join::not_yet);
  CHECK(third.flight() == second.flight());
  CHECK_FALSE(f.join("a").leads());  // an ordinary call takes what there is
  auto own = f.join("a", Join::none);
  CHECK(own.leads());
  CHECK(f.flights.begin(*own.flight(), {}));
  f.land(own);

  std::atomic<bool> began = false;
  std::thread leader([&] {
    CHECK(f.flights.begin(*second.flight(), {}));
    began = true;
  });
  std::this_thread::sleep_for(20ms);
  CHECK_FALSE(began);
  CHECK_FALSE(f.flights.begin(*second.flight(), std::chrono::steady_clock::now() + 1ms));
  f.land(first);
  leader.join();
  CHECK(began);
  f.land(second);
  f.land(ordinary);
}

TEST_CASE("a render that would follow one that waits for its caller is refused") {
  Fixture f;
  auto forced = f.join("a", Join::not_yet);
  CHECK(f.flights.begin(*forced.flight(), {}));
  auto b = f.join("b");
  {
    const Registry::Scope scope(f.flights, forced.flight());
    f.join("c");
    auto a_b = f.join("b");
    const Registry::Scope inner(f.flights, b.flight());
    CHECK_THROWS_AS(f.join("a", Join::not_yet), RecursiveRender);
  }
  const Registry::Scope scope(f.flights, b.flight());
  auto after = f.join("a", Join::not_yet);
  CHECK(after.leads());
  f.land(after);
  f.land(forced);
  f.land(b);
}

TEST_CASE("a flight knows whether its key was erased, and whether a later one has stored") {
  Fixture f;
  auto old = f.join("a");
  auto recent = f.flights.join(named("a"), state("y"), 0);
  auto other = f.join("b");
  CHECK_FALSE(f.flights.overtaken(*old.flight()));
  CHECK_FALSE(f.flights.stored(*recent.flight()).has_value());
  CHECK(f.flights.overtaken(*old.flight()));
  CHECK_FALSE(f.flights.overtaken(*recent.flight()));
  CHECK_FALSE(f.flights.overtaken(*other.flight()));
  f.land(recent);
  CHECK(f.flights.overtaken(*old.flight()));
  auto newest = f.flights.join(named("a"), state("z"), 0);
  CHECK_FALSE(f.flights.overtaken(*newest.flight()));
  CHECK(f.flights.stored(*newest.flight()) == state("y"));  // what the one before it has stored
  CHECK_FALSE(f.flights.stored(*other.flight()).has_value());

  f.flights.mark_erased([](const SmallKey& key) { return key.name == "a"; });
  CHECK(f.flights.erased(*old.flight()));
  CHECK(f.flights.erased(*newest.flight()));
  CHECK_FALSE(f.flights.erased(*other.flight()));
  for (auto* call : {&old, &newest, &other}) f.land(*call);
}

}  // namespace flights_tests
