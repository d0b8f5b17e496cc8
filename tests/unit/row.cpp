#include <render_cache/sql/row.hpp>

#include <render_cache/sql/dialect/sqlite.hpp>
#include <render_cache/wiki.hpp>

#include "support/catch.hpp"
#include "support/more_kinds.hpp"

#include <boost/hana/adapt_struct.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace row_tests {

using namespace render_cache;

namespace {

struct Measured {
  std::int16_t small;
  std::optional<double> real;
  friend bool operator==(const Measured&, const Measured&) = default;
};

int validated = 0;

struct MeasuredSchema {
  using key_type = WikiKey;
  using value_type = Measured;
  static constexpr std::string_view table = "measured", fingerprint_column = "fingerprint", rendered_at_column = "at";
  static void validate(const Measured& value) {
    ++validated;
    if (value.small == 13) throw std::runtime_error("has bad luck");
  }
};

using Row = std::vector<std::optional<std::string>>;

Lookup<Measured> read(const Row& row) {
  return read_lookup<MeasuredSchema, SqliteDialect>(
      row[0], {"docs", "a.md"}, Fingerprint().add("source", 1),
      [&](std::size_t column, auto& member) { return from_column(row.at(column), member); });
}

}  // namespace

}  // namespace row_tests

BOOST_HANA_ADAPT_STRUCT(row_tests::Measured, small, real);

namespace row_tests {

TEST_CASE("the row of a look-up is the entry where its fingerprint is the one wanted") {
  const auto hit = read({"source=1", "2024-05-01T12:00:00Z", "7", "0.5"});
  REQUIRE(hit.entry != nullptr);
  CHECK((hit.entry->value == Measured{7, 0.5}));
  CHECK(hit.entry->fingerprint.text() == "source=1");
  CHECK(to_text(hit.entry->rendered_at) == "2024-05-01T12:00:00.000000Z");
  CHECK((read({"source=1", "2024-05-01T12:00:00Z", "7", std::nullopt}).entry->value == Measured{7, std::nullopt}));

  const auto miss = read({"source=2", "2024-05-01T12:00:00Z", std::nullopt, std::nullopt});
  CHECK(miss.entry == nullptr);
  CHECK(miss.stored.value().text() == "source=2");
  CHECK(miss.unreadable == "");

  const std::string longest(max_stored_text_bytes, 'x');
  CHECK(read({longest, "2024-05-01T12:00:00Z", std::nullopt, std::nullopt}).stored.value().text() == longest);
  CHECK_THAT(read({longest + "x", "2024-05-01T12:00:00Z", std::nullopt, std::nullopt}).unreadable,
             ContainsSubstring("is longer than max_stored_text_bytes"));
}

TEST_CASE("a fingerprint that is no text is not stored") {
  const Entry<Measured> entry{{7, 0.5}, Fingerprint::from_text("source=\xff")};
  CHECK_THROWS_AS((stored_text<MeasuredSchema, SqliteDialect>({"docs", "a.md"}, entry)), InvalidValue);
}

TEST_CASE("a row that cannot be read is a miss that names the first column in question, and the key") {
  const auto complaint = [](const Row& row) {
    const auto found = read(row);
    CHECK(found.entry == nullptr);
    CHECK(found.stored == std::nullopt);
    return found.unreadable;
  };
  const std::string of_key = " in the row of repo_alias='docs', page_path='a.md'", time = "2024-05-01T12:00:00Z";
  CHECK(complaint({std::nullopt, time, "7", "0.5"}) == "'fingerprint' is NULL" + of_key);
  CHECK(complaint({"source=1", "yesterday", "7", "0.5"}) == "'at' is no timestamp" + of_key);
  CHECK(complaint({"source=1", time, "70000", "x"}) == "'small' is out of its member's range" + of_key);
  CHECK(complaint({"source=1", time, "7", "x"}) == "'real' makes no sense" + of_key);
  CHECK(complaint({"source=1", time, std::nullopt, "0.5"}) == "'small' is NULL" + of_key);
  CHECK(complaint({"source=1", time, "13", "0.5"}) == "'measured' has bad luck" + of_key);
}

TEST_CASE("a row that was stored is the entry, with what its render took") {
  const Entry<Measured> entry{{7, 0.5}, Fingerprint().add("source", 1), {}, std::chrono::nanoseconds(41'900)};
  const auto stored = stored_text<MeasuredSchema, SqliteDialect>({"docs", "a.md"}, entry);
  CHECK(
      stored ==
      "source=1||cost=41us|row=x3:268039cf53d47e52d1c04a499f3d8bf7");  // golden: a change of it makes every row in the field a damaged one
  const std::string time = "2024-05-01T12:00:00Z";
  const auto hit = read({stored, time, "7", "0.5"});
  REQUIRE(hit.entry != nullptr);
  CHECK((hit.entry->value == entry.value));
  CHECK(hit.entry->fingerprint == entry.fingerprint);
  CHECK(hit.entry->render_cost == std::chrono::microseconds(41));

  const Entry<Measured> unknown{{7, 0.5}, entry.fingerprint, {}, {}};
  const auto no_cost = stored_text<MeasuredSchema, SqliteDialect>({"docs", "a.md"}, unknown);
  CHECK(no_cost == "source=1||row=x3:0cec72d3d87830ad0b36f770028859d0");
  CHECK(read({no_cost, time, "7", "0.5"}).entry->render_cost == std::nullopt);

  const auto damaged = [&](const Row& row) {
    const auto found = read(row);
    CHECK(found.entry == nullptr);
    CHECK(found.damaged == (found.unreadable ==
                            "'measured' holds something else than was stored in the row of repo_alias='docs', page_path='a.md'"));
    return found.damaged;
  };
  CHECK(damaged({stored, time, "8", "0.5"}));
  CHECK(damaged({stored, time, "7", "0.25"}));
  CHECK(damaged({stored, time, "7", std::nullopt}));
  CHECK(damaged({"source=1||", time, "7", "0.5"}));
  CHECK(damaged({"source=1||cost=41us", time, "7", "0.5"}));
  CHECK(damaged({stored + "|more=1", time, "7", "0.5"}));
  CHECK_FALSE(damaged({"source=1|}" + stored.substr(10), time, "7", "0.5"}));  // another fingerprint
}

TEST_CASE("a value is validated before it is stored, and a row again unless it is as it was stored") {
  const auto text = [](std::int16_t small) {
    return stored_text<MeasuredSchema, SqliteDialect>({"docs", "a.md"}, {{small, 0.5}, Fingerprint().add("source", 1)});
  };
  CHECK_THROWS_AS(text(13), InvalidValue);
  CHECK_THROWS_WITH(text(13), "'measured' has bad luck");

  const std::string time = "2024-05-01T12:00:00Z";
  const auto stored = text(7);
  validated = 0;
  CHECK(read({stored, time, "7", "0.5"}).entry);
  CHECK(validated == 0);
  CHECK(read({"source=1", time, "7", "0.5"}).entry);  // of another program
  CHECK(validated == 1);
  const auto damaged = read({stored, time, "13", "0.5"});
  CHECK(damaged.entry == nullptr);
  CHECK(damaged.damaged);
  CHECK_THAT(damaged.unreadable, ContainsSubstring("has bad luck"));
}

TEST_CASE("a list goes into a column as JSON, and an optional that is empty as NULL") {
  const std::vector<std::optional<std::int32_t>> numbers{1, std::nullopt, -3};
  CHECK(to_column(numbers).text() == "[1,null,-3]");
  CHECK(to_column(std::optional<std::vector<std::string>>()).is_null());
  std::vector<std::optional<std::int32_t>> read;
  CHECK(from_column("[1,null,-3]", read) == "");
  CHECK(read == numbers);
  CHECK(from_column("{}", read) == "makes no sense");
  std::optional<std::vector<std::string>> texts{{"x"}};
  CHECK(from_column(std::nullopt, texts) == "");
  CHECK(texts == std::nullopt);
}

}  // namespace row_tests
