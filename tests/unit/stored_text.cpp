#include <render_cache/sql/stored_text.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace stored_text_tests {

using namespace render_cache;

TEST_CASE("what is stored is the fingerprint, and after two strokes the notes: golden") {
  using namespace std::chrono_literals;
  const auto fingerprint = Fingerprint().add("source", "s2:9f86").add("renderer", "markdown/3");
  CHECK(StoredText::join(fingerprint, StoredText::notes(41us), "x3:77ab") ==
        "source=s2:9f86|renderer=markdown/3||cost=41us|row=x3:77ab");
  CHECK(StoredText::join(fingerprint, StoredText::notes({}), "x3:77ab") == "source=s2:9f86|renderer=markdown/3||row=x3:77ab");
  CHECK(StoredText::notes(999ns) == "cost=0us");
  CHECK(StoredText::notes(40s) == "cost=40000000us");
  CHECK(StoredText::notes(-1s) == "cost=0us");
}

TEST_CASE("a stored text is taken apart") {
  const StoredText text("source=1|renderer=a/1||cost=41us|row=x3:77ab");
  CHECK(text.fingerprint() == "source=1|renderer=a/1");
  CHECK(text.has_notes());
  CHECK(text.row() == "x3:77ab");
  CHECK(text.covered() == "cost=41us");
  CHECK(text.cost() == std::chrono::microseconds(41));

  const StoredText old("source=1|renderer=a/1");
  CHECK(old.fingerprint() == "source=1|renderer=a/1");
  CHECK_FALSE(old.has_notes());
  CHECK(old.cost() == std::nullopt);
  CHECK(StoredText("").fingerprint() == "");
  CHECK_FALSE(StoredText("").has_notes());
  CHECK(StoredText("||row=x").fingerprint() == "");
  CHECK(StoredText("a||").has_notes());
  CHECK(StoredText("a||").row() == "");
}

TEST_CASE("the digest covers every note but itself, those of other releases too") {
  const auto covered = [](std::string_view text) { return StoredText(text).covered(); };
  CHECK(covered("a||row=x") == "");
  CHECK(covered("a||row=x|file:book:b.rs=absent") == "file:book:b.rs=absent");
  CHECK(covered("a||cost=1us|row=x|more=2") == "cost=1us|more=2");
  CHECK(covered("a||cost=1us|more=2") == "cost=1us|more=2");
}

TEST_CASE("a cost that is none is unknown") {
  const auto cost = [](const std::string& note) { return StoredText("a||" + note).cost(); };
  CHECK(cost("cost=0us") == std::chrono::nanoseconds(0));
  CHECK(cost("cost=9223372036854775us") == std::chrono::microseconds(9223372036854775));
  for (const std::string note : {"cost=", "cost=us", "cost=-1us", "cost=1ms", "cost=1", "cost= 1us",
                                 "cost=99999999999999999999us", "cost=9223372036854776us"}) {
    INFO(note);
    CHECK(cost(note) == std::nullopt);
  }
}

TEST_CASE("no fingerprint that is made of components holds what separates it from its notes") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto text = [&] {
    std::string made(random() % 6, '\0');
    for (char& c : made) c = "|%=:|a("[random() % 7];
    return made;
  };
  for (int round = 0; round < 5'000; ++round) {
    Fingerprint fingerprint;
    for (auto components = random() % 5; components > 0; --components) {
      switch (random() % 8) {
        case 0: fingerprint.add("a", text()); break;
        case 1: fingerprint.add("b", std::optional<std::string>()); break;
        case 2: fingerprint.add("c", static_cast<int>(random())); break;
        case 3: fingerprint.add("d", std::numeric_limits<double>::infinity()); break;
        case 4: fingerprint.add("e", Fingerprint().add("x", text()).add("y", text())); break;
        case 5: fingerprint.add(Fingerprint().add("z", text())); break;
        case 6: fingerprint.add(Fingerprint()); break;
        default: fingerprint.add("f", fingerprint); break;
      }
    }
    INFO(fingerprint.text());
    const auto stored = StoredText::join(fingerprint, "cost=1us", "x3:1");
    CHECK(StoredText(stored).fingerprint() == fingerprint.text());
  }
}

TEST_CASE("a fingerprint that would be read back as another one is refused") {
  for (const std::string text : {"||", "a||b", "a|", "|", "a=1||cost=1us|row=x3:1"}) {
    INFO(text);
    CHECK_THROWS_AS(StoredText::join(Fingerprint::from_text(text), "", "x3:1"), InvalidValue);
  }
  const std::string start = "a||" + std::string(197, 'x');
  CHECK_THROWS_WITH(StoredText::join(Fingerprint::from_text(start + "y"), "", "x3:1"), ContainsSubstring("'" + start + "'"));
  CHECK_NOTHROW(StoredText::join(Fingerprint::from_text("|a"), "", "x3:1"));
  CHECK_NOTHROW(StoredText::join(Fingerprint(), "", "x3:1"));
  const std::size_t rest = std::string_view("a=||row=x3:1").size();
  CHECK_NOTHROW(StoredText::join(Fingerprint().add("a", std::string(max_stored_text_bytes - rest, 'x')), "", "x3:1"));
  CHECK_THROWS_AS(StoredText::join(Fingerprint().add("a", std::string(max_stored_text_bytes - rest + 1, 'x')), "", "x3:1"),
                  InvalidValue);
}

}  // namespace stored_text_tests
