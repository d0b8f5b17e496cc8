// A page that would cost too much is refused with an error of its own, before it costs anything. Costs are counted, not timed.
#include <render_cache/renderer/markdown.hpp>

#include "support/catch.hpp"

#include <functional>
#include <string>
#include <string_view>

using namespace render_cache;

namespace {

std::string render(std::string_view source, const MarkdownOptions& options = {}) {
  return MarkdownRenderer(options).render({"ALIAS", "b/c.md"}, source).rendered_html;
}

std::string times(std::size_t count, std::string_view text) {
  std::string result;
  while (count-- > 0) result += text;
  return result;
}

template <class Error>
void check_refused(std::string_view source, const MarkdownOptions& options = {}) {
  try {
    render(source, options);
    FAIL("not refused");
  } catch (const Error& error) {
    CHECK(error.value() > error.limit());
    CHECK_THAT(error.what(), ContainsSubstring(std::to_string(error.value())) &&
                                 ContainsSubstring(std::to_string(error.limit())) && ContainsSubstring("MarkdownOptions::max_"));
  }
}

}  // namespace

TEST_CASE("markdown limits: a source above max_input_bytes is refused, one at it is not") {
  MarkdownOptions options;
  options.max_input_bytes = 10;
  CHECK(render("0123456789", options) == "<p>0123456789</p>\n");
  check_refused<MarkdownTooLarge>("0123456789a", options);
  check_refused<MarkdownTooLarge>(std::string(10'000'000, 'x'));
}

TEST_CASE("markdown limits: nesting is limited, in Markdown and in raw HTML") {
  CHECK_THAT(render(times(90, "> ") + "x"), ContainsSubstring("<p>x</p>"));
  check_refused<MarkdownTooDeep>(times(200, "> ") + "x");
  check_refused<MarkdownTooDeep>(times(200, "- ") + "x");
  check_refused<MarkdownTooDeep>(times(200, "*a **a ") + "x" + times(200, " a** a*"));
  CHECK_THAT(render(times(90, "<div>") + "x"), ContainsSubstring("x\n</div>"));
  check_refused<MarkdownTooDeep>(times(200, "<div>") + "x");
  check_refused<MarkdownTooDeep>(times(9000, "<b>") + "x");
  check_refused<MarkdownTooDeep>(times(9000, "x<svg>") + "x");
  check_refused<MarkdownTooDeep>(times(60, "> ") + times(60, "<b>") + "x");
  check_refused<MarkdownTooDeep>(times(60, "<div>") + "\n\n" + times(60, "> ") + "x");
  MarkdownOptions options;
  options.max_nesting = 3;
  CHECK(render("*x*", options) == "<p><em>x</em></p>\n");
  check_refused<MarkdownTooDeep>("***x***", options);
}

TEST_CASE("markdown limits: output is limited however little source asks for it") {
  MarkdownOptions options;
  options.max_output_bytes = 100'000;
  check_refused<MarkdownOutputTooLarge>("[x]: " + std::string(20'000, 'x') + "\n\n" + times(200, "[x] "), options);
  check_refused<MarkdownOutputTooLarge>(times(100, "|a") + "\n" + times(100, "|---") + "\n" + times(500, "|\n"), options);
  options.max_output_bytes = 10;
  CHECK(render("ab", options) == "<p>ab</p>\n");
  check_refused<MarkdownOutputTooLarge>("abc", options);
}

TEST_CASE("markdown limits: what takes md4c quadratic time is refused before it is parsed") {
  // Each of these takes md4c 0.4.8 seconds: nested brackets with a definition to look up, rows of what might be links,
  // deep lists that every blank line passes through.
  check_refused<MarkdownTooCostly>("[x]: y\n\n" + times(50'000, "[") + times(50'000, "]"));
  check_refused<MarkdownTooCostly>("[x]: y\n\n" + times(50'000, "![a") + times(50'000, "](b"));
  check_refused<MarkdownTooCostly>("[x]: y\n\n> " + times(50'000, "[") + "\n> " + times(50'000, "]"));
  check_refused<MarkdownTooCostly>("[x]: y\n\n| a |\n|---|\n| " + times(50'000, "[") + times(50'000, "]") + " |");
  check_refused<MarkdownTooCostly>("[x]: y\n\n# " + times(50'000, "[") + times(50'000, "]"));
  check_refused<MarkdownTooCostly>("[x]: y\n\n- " + times(50'000, "[") + times(50'000, "]") + "\n  - b");
  check_refused<MarkdownTooCostly>("[x]: y\n\n- ```\n  ```\n  " + times(50'000, "[") + times(50'000, "]"));
  check_refused<MarkdownTooCostly>("[x]: y\n\n<div>```\n\n" + times(50'000, "[") + times(50'000, "]"));
  check_refused<MarkdownTooCostly>(times(50'000, "www._"));
  check_refused<MarkdownTooCostly>(times(50'000, "_www."));
  check_refused<MarkdownTooCostly>(times(50'000, "(http://a.b)"));
  check_refused<MarkdownTooCostly>(times(50'000, "http://a.b/(") + times(50'000, ")"));
  check_refused<MarkdownTooCostly>(times(50'000, "a@b."));
  check_refused<MarkdownTooCostly>(times(50'000, "- ") + "x" + times(50'000, "\n"));
  check_refused<MarkdownTooCostly>(times(50'000, "1. ") + "x" + times(50'000, "\n"));
  check_refused<MarkdownTooCostly>(times(100'000, "[a]: b (c\n"));
}

TEST_CASE("markdown limits: large but ordinary pages are rendered") {
  const auto fits = [](const std::string& page, std::string_view expected) {
    CAPTURE(page.substr(0, 40), page.size());
    CHECK_THAT(render(page), ContainsSubstring(std::string(expected)));
  };
  fits("[x]: y\n\n```json\n" + times(20'000, "{\"a\": [[1, 2], [3]]}\n") + "```\n\nend", "<p>end</p>");
  fits("[x]: y\n\n| a | b |\n|---|---|\n" + times(10'000, "| [a](b.md) | https://example.com |\n") + "\nend", "<p>end</p>");
  fits(times(20'000, "- a [link](b.md) to a page, and `code[]`\n") + "\nend", "<p>end</p>");
  fits(times(60'000, "plain words ") + "\n\nend", "<p>end</p>");
  fits("![x](data:image/png;base64," + std::string(1'000'000, 'A') + ")\n\nend", "<p>end</p>");
  fits(times(3000, "A paragraph of some length [with](a.md) two [links](b.md), as at https://example.com.\n\n"), "two");
  fits("```\n" + times(20'000, "> > > - - - quoted\n") + "```\n\nend", "<p>end</p>");
}

TEST_CASE("markdown limits: the cost of links is counted where md4c sees links, and nowhere else") {
  using markdown::link_cost;
  // Without the 16 for the beginning and end of each block.
  const auto cost = [](std::string_view page) { return markdown::page_link_cost(page, 1000) % 16; };
  CHECK(link_cost("plain text: nothing") == 0);
  CHECK(link_cost("[a]") == 3);
  CHECK(link_cost("[a] [b]") == 14);
  CHECK(link_cost("x www.a.b y") == 8);
  CHECK(link_cost("http://a@b x") == 20);
  CHECK(cost("[a]\n") == 3);
  CHECK(cost("[a]\n\n[b]\n") == 6);
  CHECK(cost("- [a]\n  - [b]\n") == 6);
  CHECK(cost("| [a] | [b] |\n|---|---|\n") == 6);
  CHECK(cost("    [a]\n") == 0);
  CHECK(cost("```\n[a]\n```\n") == 0);
  CHECK(cost("<div>[a]</div>\n") == 0);
  CHECK(cost("`[a]`\n") == 0);
}

TEST_CASE("markdown limits: raw HTML is limited in tags, and in what the parser makes of them") {
  MarkdownOptions options;
  options.max_raw_tags = 4;
  CHECK(render("<b>x</b> <i>y</i>", options) == "<p><b>x</b> <i>y</i></p>\n");
  CHECK(render("x <!-- x --> <b>x</b> <T>y</T>", options) == "<p>x  <b>x</b> y</p>\n");
  check_refused<MarkdownTooMuchHtml>("<b>x</b>\n\n<i>y</i> <u>", options);
  // A parser opens all that formatting anew in every paragraph: a hundred million elements from 300 KB.
  std::string formatting = "<div><p>\n", attributes = "<div";
  for (int i = 0; i < 2000; ++i) formatting += "<b a=" + std::to_string(i) + ">\n";
  for (int i = 0; i < 20'000; ++i) attributes += " a" + std::to_string(i);
  try {
    render(formatting + times(9000, "<p>x\n"));
    FAIL("not refused");
  } catch (const MarkdownTooMuchHtml& error) {
    CHECK(error.limit() == markdown::HtmlArena::max_bytes);
    CHECK(error.value() < 2 * error.limit());
  }
  // It compares each attribute with all before it.
  check_refused<MarkdownTooMuchHtml>(attributes + ">");
  CHECK_THAT(render("<table>\n" + times(2000, "<tr><td align=right class=\"a b\">1<td>2</tr>\n") + "</table>"),
             ContainsSubstring("</tr>\n</tbody></table>"));
}

TEST_CASE("markdown limits: after a refusal the renderer works as before") {
  const MarkdownRenderer renderer;
  for (int i = 0; i < 3; ++i) {
    CHECK_THROWS_AS(renderer.render({"A", "b.md"}, times(200, "> ") + "x"), MarkdownTooDeep);
    CHECK(renderer.render({"A", "b.md"}, "x").rendered_html == "<p>x</p>\n");
  }
}
