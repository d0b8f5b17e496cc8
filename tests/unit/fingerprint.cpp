#include <render_cache/entry/fingerprint.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <limits>

using namespace render_cache;

// Golden: a change of these texts empties every cache in the field.
TEST_CASE("the text of a fingerprint is pinned") {
  Fingerprint fingerprint;
  fingerprint.add("source", "s2:9f86d0").add("renderer", "markdown/3");
  CHECK(fingerprint.text() == "source=s2:9f86d0|renderer=markdown/3");
  CHECK(Fingerprint().add("size", 42).add("low", std::numeric_limits<std::int64_t>::min()).text() ==
        "size=42|low=-9223372036854775808");
  CHECK(Fingerprint().add("at", Timestamp(std::chrono::microseconds(1'700'000'000'123'456))).text() == "at=t:1700000000123456");
  CHECK(Fingerprint().add("SCOPE.md", std::optional<std::string>()).text() == "SCOPE.md=absent");
  CHECK(Fingerprint().add("note", "a|b%c\n\x7f=\xc3\xa9").text() == "note=a%7cb%25c%0a%7f=\xc3\xa9");
  CHECK(Fingerprint().add("note", std::string_view("a\0b", 3)).text() == "note=a%00b");
}

TEST_CASE("values that could be confused with the syntax are told apart") {
  CHECK_FALSE(Fingerprint().add("a", "1|b=2") == Fingerprint().add("a", "1").add("b", "2"));
  CHECK_FALSE(Fingerprint().add("a", "%7c") == Fingerprint().add("a", "|"));
  CHECK_FALSE(Fingerprint().add("a", "") == Fingerprint());
}

TEST_CASE("a component name with other characters is refused") {
  CHECK_THROWS_AS(Fingerprint().add("", "x"), std::invalid_argument);
  CHECK_THROWS_AS(Fingerprint().add("a=b", "x"), std::invalid_argument);
  CHECK_THROWS_WITH(Fingerprint().add("a|b", "x"), ContainsSubstring("'a|b'"));
}

TEST_CASE("a component that is absent on one side is a mismatch") {
  const auto one = Fingerprint().add("source", "1");
  const auto two = Fingerprint().add("source", "1").add("renderer", "r/1");
  CHECK_FALSE(one == two);
  CHECK(changed_components(one, two) == "renderer");
  CHECK(changed_components(two, one) == "renderer");
}

TEST_CASE("the components that differ are named") {
  const auto before = Fingerprint().add("repo", 1).add("SCOPE.md", "x").add("renderer", "r/1");
  const auto after = Fingerprint().add("repo", 2).add("SCOPE.md", Fingerprint::absent).add("renderer", "r/1");
  CHECK(changed_components(before, after) == "repo,SCOPE.md");
  CHECK(changed_components(before, before).empty());
  CHECK(changed_components(Fingerprint().add("a", 1).add("b", 2), Fingerprint().add("b", 2).add("a", 1)) == "order");
  CHECK(changed_components(Fingerprint::from_text("rubbish"), Fingerprint().add("source", 1)) == "source,rubbish");
}

TEST_CASE("appending an unsettled fingerprint unsettles the whole") {
  auto whole = Fingerprint().add("a", 1);
  CHECK(whole.settled());
  whole.add(Fingerprint().add("b", 2).mark_unsettled());
  CHECK_FALSE(whole.settled());
  CHECK(whole.text() == "a=1|b=2");
  CHECK(whole == Fingerprint::from_text("a=1|b=2"));
}
