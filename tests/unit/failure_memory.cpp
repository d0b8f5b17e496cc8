#include <render_cache/read/failure_memory.hpp>

#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "support/small_key.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

namespace failure_memory_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using test::ManualClock;
using test::SmallKey;

namespace {

using Memory = detail::FailureMemory<SmallKey, ManualClock>;
const SmallKey key{"docs", "a"};
const auto error = std::make_exception_ptr(std::runtime_error("poisonous"));
Fingerprint state(std::string_view text) { return std::move(Fingerprint().add("source", text)); }

}  // namespace

TEST_CASE("a failure answers for its key and fingerprint until its time is over") {
  Memory memory(1s);
  memory.remember(key, state("x"), error);
  CHECK(memory.recall(key, state("x")) == error);
  CHECK_FALSE(memory.recall({"docs", "b"}, state("x")));
  ManualClock::time += 1s - 1ns;
  CHECK(memory.recall(key, state("x")) == error);
  ManualClock::time += 1ns;
  CHECK_FALSE(memory.recall(key, state("x")));
}

TEST_CASE("a new fingerprint forgets the old one's failure") {
  Memory memory(1s);
  memory.remember(key, state("x"), error);
  CHECK_FALSE(memory.recall(key, state("y")));
  CHECK_FALSE(memory.recall(key, state("x")));
}

TEST_CASE("what is too new to trust is neither remembered nor recalled") {
  auto recent = state("x");
  recent.mark_unsettled();
  Memory memory(1s);
  memory.remember(key, recent, error);
  CHECK_FALSE(memory.recall(key, state("x")));
  memory.remember(key, state("x"), error);
  CHECK_FALSE(memory.recall(key, recent));
  CHECK(memory.recall(key, state("x")));
}

TEST_CASE("a key and a group are forgotten when asked") {
  Memory memory(1s);
  const SmallKey other{"wiki", "a"};
  memory.remember(key, state("x"), error);
  memory.remember(other, state("x"), error);
  memory.forget_group("docs");
  CHECK_FALSE(memory.recall(key, state("x")));
  CHECK(memory.recall(other, state("x")));
  memory.forget(other);
  CHECK_FALSE(memory.recall(other, state("x")));
}

TEST_CASE("for ever is a long time, and no time is none") {
  Memory forever(std::chrono::milliseconds::max());
  forever.remember(key, state("x"), error);
  ManualClock::time += std::chrono::hours(24 * 365);
  CHECK(forever.recall(key, state("x")));
  for (const auto none : {0ms, -1ms}) {
    Memory memory(none);
    for (const auto& each : {error, std::make_exception_ptr(RenderRefused("of no time either"))}) {
      memory.remember(key, state("x"), each);
      CHECK_FALSE(memory.recall(key, state("x")));
    }
  }
}

TEST_CASE("a full memory lets go of what has expired, else of everything") {
  Memory memory(1s);
  const auto remember = [&](std::size_t first, std::size_t last) {
    for (auto i = first; i < last; ++i) memory.remember({"docs", std::to_string(i)}, state("x"), error);
  };
  SECTION("some has expired") {
    remember(0, 1);
    ManualClock::time += 1s;
    remember(1, Memory::capacity);
    memory.remember(key, state("x"), error);
    CHECK(memory.recall({"docs", "1"}, state("x")));
    memory.remember({"docs", "one more"}, state("x"), error);
  }
  SECTION("nothing has") {
    remember(0, Memory::capacity);
    CHECK(memory.recall({"docs", "1"}, state("x")));
    memory.remember({"docs", "one more"}, state("x"), error);
  }
  CHECK_FALSE(memory.recall({"docs", "1"}, state("x")));
  CHECK(memory.recall({"docs", "one more"}, state("x")));
}

}  // namespace failure_memory_tests
