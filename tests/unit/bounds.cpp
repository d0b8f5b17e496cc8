#include <render_cache/sql/bounds.hpp>

#include <render_cache/sql/dialect/sqlite.hpp>

#include "support/catch.hpp"

#include <boost/hana/define_struct.hpp>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bounds_tests {

using namespace render_cache;
using detail::SizeSurvey;

namespace {

struct Number {
  BOOST_HANA_DEFINE_STRUCT(Number, (int, number));
};

const Timestamp now = from_text<Timestamp>("2026-01-01T00:00:00.000000Z").value();

/// A table without a database.
struct SmallTable {
  std::map<int, SurveyedKey<Number>> rows;
  std::optional<std::uint64_t> size = 1u << 30;
  std::string start = to_text(now);
  int pages = 0, sized_pages = 0;

  void add(int number, std::chrono::seconds age, std::uint64_t bytes = 100, bool newer = false) {
    rows[number] = SurveyedKey<Number>{{{number}, newer}, now - age, bytes};
  }
  PruneReport prune_to(const Bounds& bounds, const PruneOptions& options = {}) {
    return sweep_to_bounds<Number>(
        bounds, options, {}, start, [&] { return size; },
        [&](const Number* after, std::size_t limit, bool with_bytes) {
          ++pages;
          if (with_bytes) ++sized_pages;
          std::vector<SurveyedKey<Number>> page;
          auto at = after == nullptr ? rows.begin() : rows.upper_bound(after->number);
          for (; at != rows.end() && page.size() < limit; ++at) page.push_back(at->second);
          return page;
        },
        [&](std::span<const Number> doomed) {
          Erased erased;
          for (const auto& key : doomed) erased.removed += rows.erase(key.number);
          return erased;
        });
  }
};

}  // namespace

TEST_CASE("bounds: what was published since the sweep began stays, and takes room") {
  SmallTable table;
  for (int number = 0; number < 4; ++number) table.add(number, std::chrono::hours(number));
  for (int number = 4; number < 8; ++number) table.add(number, std::chrono::seconds(-1), 100, true);
  CHECK(table.prune_to({.max_bytes = 600}) == PruneReport{8, 2, 0, false});
  CHECK(table.pages == 2);
  CHECK(table.sized_pages == 1);  // the second time only ages count
  CHECK(table.rows.contains(1));
  CHECK_FALSE(table.rows.contains(2));
  CHECK(table.prune_to({.max_bytes = 300}) == PruneReport{6, 2, 4, false});
  CHECK(table.rows.size() == 4);
}

TEST_CASE("bounds: no row is read where the table's pages are fewer, and no size where only age matters") {
  SmallTable table;
  table.add(1, std::chrono::hours(1));
  table.size = 1000;
  CHECK(table.prune_to({.max_bytes = 1000}) == PruneReport{});
  CHECK(table.pages == 0);
  CHECK(table.prune_to({.max_age = std::chrono::hours(2), .max_bytes = 1000}).examined == 1);
  CHECK(table.pages == 1);
  CHECK(table.sized_pages == 0);
  CHECK(table.prune_to({.max_bytes = 999}).examined == 1);
  CHECK(table.sized_pages == 1);
}

TEST_CASE("bounds: a table whose pages are not known is looked at") {
  SmallTable table;
  table.add(1, std::chrono::hours(1));
  table.size = std::nullopt;
  CHECK(table.prune_to({.max_bytes = 100}) == PruneReport{1, 0, 0, false});
  CHECK(table.prune_to({.max_bytes = 99}) == PruneReport{1, 1, 0, false});
}

TEST_CASE("bounds: what is just as old as may be stays, but where there is too much; a clock may be a minute ahead") {
  using std::chrono::hours, std::chrono::minutes, std::chrono::microseconds;
  SmallTable table;
  table.add(1, hours(1));
  table.rows[2] = SurveyedKey<Number>{{{2}, false}, now - hours(1) - microseconds(1), 100};
  table.add(3, minutes(-1));
  table.rows[4] = SurveyedKey<Number>{{{4}, false}, now + minutes(1) + microseconds(1), 100};
  CHECK(table.prune_to({.max_age = hours(1)}) == PruneReport{4, 2, 0, false});
  CHECK(table.rows.contains(1));
  CHECK(table.rows.contains(3));
  CHECK(table.prune_to({.max_age = hours(1), .max_bytes = 100}) == PruneReport{2, 1, 0, false});
  CHECK(table.rows.contains(3));
  CHECK(table.prune_to({.max_age = microseconds(1)}) == PruneReport{1, 0, 0, false});
}

TEST_CASE("bounds: of what is equally old the same goes in all programs") {
  SmallTable table;
  constexpr int count = 300;
  for (int number = 0; number < count; ++number) table.add(number, std::chrono::hours(1));
  CHECK(table.prune_to({.max_bytes = 15'000}) == PruneReport{count, count / 2, 0, false});
  for (int left = 0; left < count; ++left) {
    const auto number_of = [](int number) { return hash_key(Number{number}, 0); };
    int lower = 0;
    for (int other = 0; other < count; ++other) lower += number_of(other) < number_of(left);
    CHECK(table.rows.contains(left) == (lower >= count / 2));
  }
}

TEST_CASE("bounds: an engine need not know what a table takes") {
  struct {
    using Dialect = SqliteDialect;
    Rows rows;
    void run_script(const std::string&) {}
    Rows query(const std::string&, const std::vector<std::string>&) { return rows; }
  } connection;
  CHECK(table_bytes(connection, "t") == std::nullopt);
  connection.rows = {{std::nullopt}};
  CHECK(table_bytes(connection, "t") == std::nullopt);
  connection.rows = {{"42"}};
  CHECK(table_bytes(connection, "t") == 42u);
}

TEST_CASE("bounds: a clock that tells no time is an error") {
  SmallTable table;
  table.start = "yesterday";
  CHECK_THROWS_WITH(table.prune_to({.max_bytes = 1}), ContainsSubstring("'yesterday'"));
}

TEST_CASE("bounds: a age of for ever is none") {
  SmallTable table;
  table.add(1, std::chrono::hours(24 * 365 * 20));
  CHECK(table.prune_to({.max_age = std::chrono::microseconds::max()}) == PruneReport{1, 0, 0, false});
}

TEST_CASE("bounds: of more entries than are kept in memory about as many go as must, the oldest first") {
  constexpr std::uint64_t count = 6 * SizeSurvey<>::room;
  std::uint64_t state = 1, all = 0;
  const auto random = [&] { return (state = state * 6364136223846793005u + 1442695040888963407u) >> 33; };
  std::vector<std::pair<detail::Seniority, std::uint64_t>> entries;
  SizeSurvey survey;
  // Half of them are equally old.
  for (std::uint64_t number = 0; number < count; ++number) {
    const auto time = now - std::chrono::seconds(number % 2 == 0 ? 1'000'000 : random() % 2'000'000);
    entries.push_back({{time, hash_key(Number{static_cast<int>(number)}, 0)}, 500 + random() % 20'000});
    all += entries.back().second;
  }
  for (const auto& [entry, bytes] : entries) survey.add(entry, bytes);
  for (const double part : {0.9, 0.5, 0.1}) {
    const auto limit = static_cast<std::uint64_t>(static_cast<double>(all) * part);
    const auto first = survey.first_to_stay(limit);
    std::uint64_t left = 0;
    for (const auto& [entry, bytes] : entries) left += entry < first ? 0 : bytes;
    const auto error = (static_cast<double>(left) - static_cast<double>(limit)) / static_cast<double>(all);
    CHECK(std::abs(error) < 0.005);
  }
}

TEST_CASE("bounds: of more than are kept in memory every second one is kept, and then every fourth") {
  constexpr std::uint64_t count = 2 * SizeSurvey<>::room + 4;
  SizeSurvey survey;
  for (std::uint64_t number = 0; number < count; ++number) survey.add({now, number}, 1);
  for (const std::uint64_t gone : {1u, 6u, 17u}) {
    CHECK(survey.first_to_stay(count - gone) == detail::Seniority{now, (gone + 3) / 4 * 4});
  }
}

TEST_CASE("bounds: as long as all are kept in memory, not one too many goes") {
  SizeSurvey survey;
  for (int number = 0; number < 1000; ++number) survey.add({now - std::chrono::seconds(number), 1}, 7);
  CHECK(survey.first_to_stay(7000) == detail::Seniority{});
  CHECK(survey.first_to_stay(6999) == detail::Seniority{now - std::chrono::seconds(998), 1});
  CHECK(survey.first_to_stay(6993) == detail::Seniority{now - std::chrono::seconds(998), 1});
  CHECK(survey.first_to_stay(6992) == detail::Seniority{now - std::chrono::seconds(997), 1});
  CHECK(survey.first_to_stay(7) == detail::Seniority{now, 1});
  CHECK(survey.first_to_stay(6) > detail::Seniority{now, 1});
}

}  // namespace bounds_tests
