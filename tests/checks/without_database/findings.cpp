#include "finding.hpp"

#include "schema.hpp"
#include "support/catch.hpp"
#include "table.hpp"

namespace findings_tests {

using namespace repo_checks;

TEST_CASE("A list of findings reads back as it was written", "[checks]") {
  const std::vector<Finding> findings{
      {"readme", Tier::core, true, "README.md"},
      {"builds", Tier::full, false, "exit code 2: \"quoted\" \\ \xc3\xa4", std::chrono::milliseconds(1234)}};
  CHECK(to_json(findings).text == R"([{"name":"readme","tier":"core","passed":true,"reason":"README.md"},)"
                                  "{\"name\":\"builds\",\"tier\":\"full\",\"passed\":false,\"reason\":\"exit code 2: "
                                  "\\\"quoted\\\" \\\\ \xc3\xa4\",\"milliseconds\":1234}]");
  CHECK(findings_of(to_json(findings)) == findings);
  CHECK(findings_of({"[]"}).empty());
  CHECK(findings_of({R"([{"tier": "core", "reason": "", "passed": false, "name": "x", "added": "later"}])"}).size() == 1);
}

TEST_CASE("A text that is no list of findings is refused", "[checks]") {
  for (const auto* text :
       {"", "null", "1", "\"x\"", "{}", "[1]", "[true]", "[\"x\"]", "[null]", "[[]]", "[{}]", "[1.5]",
        R"([{"name":"x","tier":"core","passed":true}])", R"([{"name":1,"tier":"core","passed":true,"reason":""}])",
        R"([{"name":"x","tier":"best","passed":true,"reason":""}])", R"([{"name":{}}])", R"([{"name":"x")", "[]x"}) {
    INFO(text);
    CHECK_THROWS_WITH(findings_of({text}), ContainsSubstring("'criteria' is no list of criteria"));
  }
}

TEST_CASE("What a program printed becomes one line that is fit to be shown", "[checks]") {
  CHECK(one_line("\n\n  first \nsecond") == "first ");
  CHECK(one_line("") == "");
  CHECK(one_line("a\tb\x1b[31mc\x7f") == "a b [31mc ");
  CHECK(one_line("\xc2\x9b"
                 "31m \xc2\xa0\xc2\x85x") == " 31m \xc2\xa0 x");  // terminals take U+009B for the beginning of a command
  CHECK(one_line(std::string("nul\0 and \xff", 10)) == "nul? and ?");
  CHECK(one_line("\xc3\xa4\xc3\xb6\xc3\xbc", 3) == "\xc3\xa4...");
  CHECK(one_line(std::string(1000, 'x')) == std::string(200, 'x') + "...");
}

TEST_CASE("Tables align, colour only where that is wanted, and fit the terminal", "[checks]") {
  Table table({"A", "LONGER", "LAST"});
  table.add({{"first"}, {"yes", Colour::green}, {"something that is long"}});
  table.add({{"\xc3\xa4"}, {""}, {""}});
  CHECK(table.text({}) ==
        "A      LONGER  LAST\n"
        "first  yes     something that is long\n"
        "\xc3\xa4\n");
  CHECK(table.text({.colours = false, .width = 26}) ==
        "A      LONGER  LAST\n"
        "first  yes     somethin...\n"
        "\xc3\xa4\n");
  CHECK_THAT(table.text({.colours = true, .width = 0}), ContainsSubstring("\033[32myes\033[0m     something"));
}

}  // namespace findings_tests
