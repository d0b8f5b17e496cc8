#include <render_cache/entry/text_form.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <limits>
#include <string>

namespace text_form_tests {

using namespace render_cache;
using namespace std::chrono;

TEST_CASE("a timestamp's text is ISO 8601 in UTC and reads back to the microsecond") {
  const Timestamp time = sys_days{2024y / 2 / 29} + 23h + 59min + 58s + microseconds{1};
  CHECK(to_text(time) == "2024-02-29T23:59:58.000001Z");
  CHECK(from_text<Timestamp>(to_text(time)) == time);
  for (const auto year : {1, 1969, 1970, 9999}) {
    const Timestamp edge = sys_days{std::chrono::year{year} / 12 / 31} + 23h + 59min + 59s + microseconds{999999};
    CHECK(from_text<Timestamp>(to_text(edge)) == edge);
  }
  CHECK_THROWS_AS(to_text(Timestamp{sys_days{10000y / 1 / 1}}), InvalidValue);
  CHECK_THROWS_AS(to_text(Timestamp{sys_days{1y / 1 / 1}} - microseconds{1}), InvalidValue);
}

TEST_CASE("a timestamp is read in the forms that databases write") {
  const Timestamp time = sys_days{2024y / 5 / 1} + 12h;
  CHECK(from_text<Timestamp>("2024-05-01T12:00:00Z") == time);
  CHECK(from_text<Timestamp>("2024-05-01 12:00:00") == time);
  CHECK(from_text<Timestamp>("2024-05-01T12:00:00.25Z") == time + 250ms);
  CHECK(from_text<Timestamp>("2024-05-01T12:00:00.1234569Z") == time + microseconds{123456});
  for (const auto bad : {"", "2024", "2024-13-01T00:00:00Z", "2023-02-29T00:00:00Z", "2024-05-01T24:00:00Z",
                         "2024-05-01T12:00:00+02:00", "infinity", "2024-05-01", "20x4-05-01T12:00:00Z", "0000-12-31T23:59:59Z"}) {
    CHECK_FALSE(from_text<Timestamp>(bad));
  }
}

TEST_CASE("a time has 24 hours of 60 minutes of 60 seconds, and parts of a second in digits") {
  CHECK(from_text<Timestamp>("2024-05-01T23:59:59.9Z").has_value());
  CHECK(from_text<Timestamp>("2024-05-01T00:00:00Z").has_value());
  for (const auto none : {"2024-05-01T24:00:00Z", "2024-05-01T23:60:00Z", "2024-05-01T23:59:60Z", "2024-05-01T23:59:59.5:Z",
                          "2024-05-01T23:59:59.5/Z", "2024-05-01T2/:59:59Z"}) {
    INFO(none);
    CHECK_FALSE(from_text<Timestamp>(none).has_value());
  }
}

TEST_CASE("a UUID's text has lower-case digits in five groups") {
  const std::string text = "00112233-4455-6677-8899-aabbccddeeff";
  const auto uuid = from_text<Uuid>(text);
  REQUIRE(uuid);
  CHECK(to_text(*uuid) == text);
  CHECK(from_text<Uuid>("00112233-4455-6677-8899-AABBCCDDEEFF") == uuid);
  for (const auto bad : {"", "00112233445566778899aabbccddeeff", "00112233-4455-6677-8899-aabbccddeefg",
                         "00112233-4455-6677-8899-aabbccddeef", "001122334-455-6677-8899-aabbccddeeff"}) {
    CHECK_FALSE(from_text<Uuid>(bad));
  }
}

TEST_CASE("numbers read back as they were, and out of range is no number") {
  for (const auto number : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    CHECK(from_text<std::int64_t>(to_text(number)) == number);
  }
  for (const double number : {0.1, -0.0, 1e308, 5e-324, std::numeric_limits<double>::infinity()}) {
    CHECK(from_text<double>(to_text(number)) == number);
  }
  CHECK_FALSE(from_text<std::int32_t>("2147483648"));
  CHECK_FALSE(from_text<std::uint16_t>("-1"));
  CHECK_FALSE(from_text<std::int64_t>("1x"));
  for (const auto text : {"t", "true", "1"}) CHECK(from_text<bool>(text) == true);
  for (const auto text : {"f", "false", "0"}) CHECK(from_text<bool>(text) == false);
  CHECK_FALSE(from_text<bool>("yes?"));
}

}  // namespace text_form_tests
