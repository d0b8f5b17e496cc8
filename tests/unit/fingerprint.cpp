#include <render_cache/entry/fingerprint.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace fingerprint_tests {

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
  CHECK(Fingerprint().add("note", "a|b%c \x1f\n\x7f=\xc3\xa9").text() == "note=a%7cb%25c %1f%0a%7f=\xc3\xa9");
  CHECK(Fingerprint().add("note", std::string_view("a\0b", 3)).text() == "note=a%00b");
  CHECK(Fingerprint().add("draft", true).add("public", false).text() == "draft=true|public=false");
  CHECK(Fingerprint().add("sum", 0.1).add("none", std::numeric_limits<double>::quiet_NaN()).text() == "sum=d:0.1|none=d:nan");
  const auto scope = Fingerprint().add("SCOPE.md", "s2:1").add("CLAUDE.md", Fingerprint::absent);
  CHECK(Fingerprint().add("scope", scope).add("size", 7).text() ==
        "scope=%(2)|scope:SCOPE.md=s2:1|scope:CLAUDE.md=absent|size=7");
}

TEST_CASE("what does not exist is no text that an author can write") {
  using Title = std::optional<std::string>;
  CHECK_FALSE(Fingerprint().add("title", Title()) == Fingerprint().add("title", Title("absent")));
  CHECK(Fingerprint().add("title", "absent").text() == "title=%61bsent");
  CHECK(Fingerprint().add("title", std::nullopt) == Fingerprint().add("title", Fingerprint::absent));
}

TEST_CASE("two sums that differ in their last bit have two texts") {
  const double sum = 100.1;
  CHECK_FALSE(Fingerprint().add("sum", sum) == Fingerprint().add("sum", std::nextafter(sum, 200.0)));
}

namespace {

// What a hasher might add, drawn at random: each name has one type, as in a hasher, and texts are made of what the syntax uses.
struct Part;
using Text = std::optional<std::string>;
using Number = std::optional<int>;
using Drawn = std::variant<Text, Number, std::vector<Part>>;
struct Part {
  std::string name;
  Drawn value;
  bool operator==(const Part&) const = default;
};

struct Draw {
  std::mt19937 random;

  unsigned below(unsigned bound) { return std::uniform_int_distribution<unsigned>(0, bound - 1)(random); }

  std::string text() {
    constexpr std::string_view pieces[] = {"absent", "%61bsent", "%", "|", "=", "%(1)", "p:t=", "7", "||", "", "\n", "a"};
    std::string made;
    for (unsigned n = below(3); n-- > 0;) made += pieces[below(std::size(pieces))];
    return made;
  }

  std::vector<Part> parts(unsigned depth = 0) {
    std::vector<Part> made(below(3));
    for (auto& [name, value] : made) {
      const std::string where = below(2) == 0 ? "" : "a/";
      switch (below(depth < 2 ? 3 : 2)) {
        case 0: name = where + "t", value = below(4) == 0 ? Text() : Text(text()); break;
        case 1: name = where + "n", value = below(4) == 0 ? Number() : Number(static_cast<int>(below(3)) - 1); break;
        default: name = where + "p", value = parts(depth + 1);
      }
    }
    return made;
  }
};

Fingerprint fingerprint_of(const std::vector<Part>& parts) {
  Fingerprint made;
  for (const auto& [name, value] : parts) {
    if (const auto* nested = std::get_if<std::vector<Part>>(&value)) {
      made.add(name, fingerprint_of(*nested));
    } else if (const auto* text = std::get_if<Text>(&value)) {
      made.add(name, *text);
    } else {
      made.add(name, std::get<Number>(value));
    }
  }
  return made;
}

}  // namespace

TEST_CASE("no two lists of components have one text") {
  Draw draw{std::mt19937(20'240'501)};
  std::map<std::string, std::vector<Part>> known;
  for (int i = 0; i < 100'000; ++i) {
    auto parts = draw.parts();
    const auto text = fingerprint_of(parts).text();
    const auto [place, is_new] = known.try_emplace(text, parts);
    if (!is_new && !(place->second == parts)) FAIL("two lists of components are written " << text);
  }
  CHECK(known.size() > 10'000);
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

TEST_CASE("a fingerprint may be a part of itself") {
  auto twice = Fingerprint().add("a", std::string(100, 'x')).add("b", 2);
  const auto once = twice;
  CHECK(twice.add("again", twice) == Fingerprint(once).add("again", once));
}

TEST_CASE("a text or a name may be a part of the fingerprint it is added to") {
  Fingerprint whole;
  whole.add("first", std::string(200, 'x'));
  const auto before = whole.text();
  whole.add("second", whole.text());
  CHECK(whole.text() == before + "|second=" + before);
  Fingerprint named;
  named.add("a-name-too-long-to-be-kept-in-the-object", std::string(100, 'y'));
  named.add(named.components()[0].first, std::string(500, 'z'));
  CHECK(named.components()[1].first == "a-name-too-long-to-be-kept-in-the-object");
}

TEST_CASE("a part that is unsettled unsettles the whole") {
  CHECK_FALSE(Fingerprint().add("part", Fingerprint().add("a", 1).mark_unsettled()).settled());
}

TEST_CASE("appending an unsettled fingerprint unsettles the whole") {
  auto whole = Fingerprint().add("a", 1);
  CHECK(whole.settled());
  whole.add(Fingerprint().add("b", 2).mark_unsettled());
  CHECK_FALSE(whole.settled());
  CHECK(whole.text() == "a=1|b=2");
  CHECK(whole == Fingerprint::from_text("a=1|b=2"));
  whole.add(Fingerprint().add("c", 3));
  CHECK_FALSE(whole.settled());
}

}  // namespace fingerprint_tests
