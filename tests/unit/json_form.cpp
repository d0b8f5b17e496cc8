#include <render_cache/sql/json_form.hpp>

#include "support/catch.hpp"

#include <string>
#include <tuple>

namespace json_form_tests {

using namespace render_cache;
using detail::json_form;

TEST_CASE("a JSON document has one form, whatever its blanks, the order of its members, its escapes and its numbers") {
  const auto [json, form] = GENERATE(table<std::string, std::string>({
      {R"( { "b" :1,"a":[ ] , "long":{}, "B":2 } )", R"({"B": 2, "a": [], "b": 1, "long": {}})"},
      {R"({"a":1,"b":2,"a":[3]})", R"({"a": [3], "b": 2})"},
      {R"("\u00e9\/\ud83e\udd80\u0001\t\"\\")", R"("é/🦀\u0001\t\"\\")"},
      {R"([true,false,null,""])", R"([true, false, null, ""])"},
      {R"([[[1],2],[]])", R"([[[1], 2], []])"},
      {R"({"a":"","b":{"a":"x"}})", R"({"a": "", "b": {"a": "x"}})"},
      {"[1e2, 1E+2, 1.50e1, 1.5e3, 12e-1, 1e-3, 0.10]", "[100, 100, 15.0, 1500, 1.2, 0.001, 0.10]"},
      {"[0, -0, 0.00, -0.0, 0e5, 0e-3, -1.0, -0.5]", "[0, 0, 0.00, 0.0, 0, 0.000, -1.0, -0.5]"},
      {"123456789012345678901234567890.5", "123456789012345678901234567890.5"},
      {"[1e-3, 1e-99999]", "[0.001, 1e-99999]"},
      {"[0e400, -0.0e999999, 0e99999999999999999999]", "[0, 0, 0e99999999999999999999]"},
      {R"(["\"", 9e1, {"\\": 1e1}])", R"(["\"", 90, {"\\": 10}])"},
      {R"("\b\f\n\r\u001f\u0010\u0020\u007f")", "\"\\b\\f\\n\\r\\u001f\\u0010 \x7f\""},
      {"[\"1e2\\\"3\", {\"-1e2\": 1e2}]", "[\"1e2\\\"3\", {\"-1e2\": 100}]"},
  }));
  CHECK(json_form(json) == form);
  CHECK(json_form(form) == form);
}

TEST_CASE("a number beyond a double's range has one form, too, and not one of all its zeros") {
  const std::string zeros(400, '0'), ones(400, '1');
  CHECK(json_form("1e400") == "1" + zeros);
  CHECK(json_form("-" + ones + "e-300") == "-" + ones.substr(300) + "." + ones.substr(100));
  CHECK(json_form("11e399") == json_form("11" + zeros.substr(1)));
  CHECK(json_form("1e-401") == "0." + zeros + "1");
  CHECK(json_form("1e-402") == "1e-402");
  CHECK(json_form("1.10e500") == "11e499");
  CHECK(json_form("11" + zeros + zeros) == "11e800");
  CHECK(json_form("0." + zeros + zeros + "10") == "10e-802");
  CHECK(json_form("1.0e-801") == "10e-802");
  CHECK(json_form("[0e-9999, -1e-9999]") == "[0e-9999, -1e-9999]");
}

TEST_CASE("what is no JSON has no form") {
  for (const std::string text : {"", " ", "{not json", "1 2", "[1,]", "\"\\ud800\"", "\"\\", "\"1", "[-"}) {
    INFO(text);
    CHECK(json_form(text) == "");
  }
}

TEST_CASE("a document that is nested too deep is refused before it costs anything") {
  const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  CHECK(json_form(nested(1'000)) == nested(1'000));
  CHECK_THROWS_AS(json_form(nested(1'001)), InvalidValue);
  CHECK_THROWS_AS(json_form(nested(5'000'000)), InvalidValue);
}

}  // namespace json_form_tests
