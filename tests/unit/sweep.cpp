#include <render_cache/sql/sweep.hpp>

#include "support/catch.hpp"

#include <boost/hana/define_struct.hpp>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace sweep_tests {

using namespace render_cache;

namespace {

struct Name {
  BOOST_HANA_DEFINE_STRUCT(Name, (std::string, name));
};

}  // namespace

TEST_CASE("sweep: a batch has a key at least and a million at most, and what is asked for is the next page") {
  const auto [asked, given] = GENERATE(table<std::size_t, std::size_t>({{0, 1}, {1, 1}, {2, 2}, {5'000'000, 1'000'000}}));
  std::vector<std::string> after;
  std::size_t limit = 0;
  const std::vector<SweptKey<Name>> keys{{{"a"}, false}, {{"b"}, true}, {{"c"}, false}};
  const auto page = [&](const Name* last, std::size_t most) {
    limit = most;
    after.push_back(last == nullptr ? "" : last->name);
    std::vector<SweptKey<Name>> some;
    for (const auto& key : keys) {
      if ((last == nullptr || key.key.name > last->name) && some.size() < most) some.push_back(key);
    }
    return some;
  };
  PruneOptions options;
  options.batch = asked;
  const auto report = sweep<Name>([](const Name&) { return false; }, options, page,
                                  [](std::span<const Name> doomed) { return Erased{.removed = doomed.size()}; });
  CHECK(report == PruneReport{3, 2, 1, false});
  CHECK(limit == given);
  CHECK(after.size() == (given == 1 ? 4 : given == 2 ? 2 : 1));
}

TEST_CASE("sweep: a query of live groups has as many rows as are kept, and one that names none is meant so") {
  LiveGroups<Name> groups;
  CHECK_THROWS_AS(groups.check(0, WhenNoneLive::refuse), StoreError);
  CHECK_NOTHROW(groups.check(0, WhenNoneLive::erase_all));
  groups.add("a");
  CHECK(groups("a"));
  CHECK_FALSE(groups("b"));
  CHECK_NOTHROW(groups.check(max_live_groups, WhenNoneLive::refuse));
  CHECK_THROWS_WITH(groups.check(max_live_groups + 1, WhenNoneLive::refuse), ContainsSubstring("more than 1000000 rows"));
  CHECK(max_live_groups == 1'000'000);
}

}  // namespace sweep_tests
