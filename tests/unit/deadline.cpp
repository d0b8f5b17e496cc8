#include <render_cache/entry/deadline.hpp>

#include "support/catch.hpp"

#include <chrono>

namespace deadline_tests {

using namespace render_cache::detail;
using namespace std::chrono_literals;

TEST_CASE("of two deadlines the earlier one counts, and none is later than any") {
  const Deadline none, soon = std::chrono::steady_clock::now(), later = *soon + 1ns;
  CHECK(earlier(soon, later) == soon);
  CHECK(earlier(later, soon) == soon);
  CHECK(earlier(soon, none) == soon);
  CHECK(earlier(none, soon) == soon);
  CHECK_FALSE(earlier(none, none));
}

}  // namespace deadline_tests
