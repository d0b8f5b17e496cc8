#include <render_cache/store/memory/cost_scale.hpp>

#include "support/catch.hpp"

#include <chrono>

namespace cost_scale_tests {

using render_cache::detail::CostScale;
using namespace std::chrono_literals;

TEST_CASE("what costs more than twice the mean starts as if read once, more than eight times as if read thrice", "[memory]") {
  const auto after = [](int usual, std::chrono::nanoseconds cost, std::size_t weight = 1) {
    CostScale costs;
    for (int i = 0; i < usual; ++i) CHECK(costs.first_freq(100ns * weight, weight) == 0);
    return int{costs.first_freq(cost, weight)};
  };
  // With what is asked about the mean is (2 * 100 + 400) / 3 and (8 * 100 + 6400) / 9.
  CHECK(after(2, 400ns) == 0);
  CHECK(after(2, 401ns) == 1);
  CHECK(after(8, 6400ns) == 1);
  CHECK(after(8, 6401ns) == 3);
  CHECK(after(8, 6401ns * 7, 7) == 3);
  CHECK(after(0, 1h) == 0);
}

TEST_CASE("a cost that is not known is none, and the mean stays as it is", "[memory]") {
  CostScale costs;
  for (int i = 0; i < 2; ++i) costs.first_freq(100ns, 1);
  for (int i = 0; i < 9; ++i) CHECK(costs.first_freq(std::nullopt, 1) == 0);
  CHECK(costs.first_freq(401ns, 1) == 1);
}

}  // namespace cost_scale_tests
