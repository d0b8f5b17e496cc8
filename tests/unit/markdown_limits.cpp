// A page that would cost too much is refused with an error of its own, before it costs anything. Costs are counted, not timed.
#include <render_cache/renderer/markdown.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

namespace markdown_limits_tests {

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
  check_refused<MarkdownTooDeep>(times(3000, "<b>") + "x");
  check_refused<MarkdownTooDeep>(times(3000, "x<svg>") + "x");
  check_refused<MarkdownTooDeep>(times(60, "> ") + times(60, "<b>") + "x");
  check_refused<MarkdownTooDeep>(times(60, "<div>") + "\n\n" + times(60, "> ") + "x");
  MarkdownOptions options;
  options.max_nesting = 3;
  CHECK(render("*x*", options) == "<p><em>x</em></p>\n");
  check_refused<MarkdownTooDeep>("***x***", options);
  // The page, its paragraphs and what is between them; quotes within raw elements are as deep as in as many quotes.
  const auto in_quotes = [](std::size_t quotes) { return times(quotes, "> ") + "x"; };
  const auto in_elements = [](std::size_t quotes) { return times(48, "<div>") + "\n\n" + times(quotes - 48, "> ") + "x"; };
  for (const auto& page : {std::function(in_quotes), std::function(in_elements)}) {
    CHECK_THAT(render(page(98)), ContainsSubstring("<p>x</p>"));
    try {
      render(page(99));
      FAIL("not refused");
    } catch (const MarkdownTooDeep& error) {
      CHECK(error.value() == 101);
      CHECK(error.limit() == 100);
    }
  }
}

TEST_CASE("markdown limits: output is limited however little source asks for it") {
  MarkdownOptions options;
  options.max_output_ratio = 0;
  options.max_output_bytes = 100'000;
  check_refused<MarkdownOutputTooLarge>("[x]: " + std::string(20'000, 'x') + "\n\n" + times(200, "[x] "), options);
  check_refused<MarkdownOutputTooLarge>(times(100, "|a") + "\n" + times(100, "|---") + "\n" + times(500, "|\n"), options);
  options.max_output_bytes = 10;
  CHECK(render("ab", options) == "<p>ab</p>\n");
  check_refused<MarkdownOutputTooLarge>("abc", options);
  options.max_output_ratio = 1;
  CHECK(render("abc", options) == "<p>abc</p>\n");
  options.max_output_ratio = std::numeric_limits<std::size_t>::max();
  CHECK(render("abcd", options) == "<p>abcd</p>\n");
}

TEST_CASE("markdown limits: a budget counts to the byte and to the step") {
  MarkdownOptions options;
  options.max_work = 100;
  options.max_output_bytes = 1000;
  options.max_output_ratio = 2;
  markdown::Budget budget(options, 10);
  CHECK(budget.used() == 0);
  budget.work(99);
  CHECK(budget.left() == 1);
  budget.work(1);
  CHECK(budget.left() == 0);
  CHECK_THROWS_AS(budget.work(1), MarkdownTooCostly);
  CHECK(budget.left() == 0);
  budget.check_output(1020);
  CHECK_THROWS_AS(budget.check_output(1021), MarkdownOutputTooLarge);
  budget.contents(10);  // in the metadata and in the page, with 64 bytes around it
  budget.check_output(1020 - 2 * 74);
  CHECK_THROWS_AS(budget.check_output(1021 - 2 * 74), MarkdownOutputTooLarge);
  // The largest ratio for which the bytes can still be counted.
  constexpr auto all = std::numeric_limits<std::size_t>::max();
  options.max_output_bytes = 0;
  options.max_output_ratio = all / 2;
  CHECK_THROWS_AS(markdown::Budget(options, 2).check_output(all), MarkdownOutputTooLarge);
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
  // Without what the beginning and end of each block cost.
  const auto cost = [](std::string_view page) { return markdown::page_link_cost(page, 1000) % markdown::Budget::small_work; };
  CHECK(link_cost("plain text: nothing") == 0);
  CHECK(link_cost("[a]") == 3);
  CHECK(link_cost("[a] [b]") == 14);
  CHECK(link_cost("x www.a.b y") == 8 + 2);
  CHECK(link_cost("http://a@b x") == 20 + 4);
  CHECK(cost("[a]\n") == 3);
  CHECK(cost("[a]\n\n[b]\n") == 6);
  CHECK(cost("- [a]\n  - [b]\n") == 6);
  CHECK(cost("| [a] | [b] |\n|---|---|\n") == 6);
  CHECK(cost("    [a]\n") == 0);
  CHECK(cost("```\n[a]\n```\n") == 0);
  CHECK(cost("<div>[a]</div>\n") == 0);
  CHECK(cost("`[a]`\n") == 0);
  CHECK(cost("```\n[a]\n```\n\n[b]\n") == 3);
  CHECK(link_cost("www. ://") == 4 + 3 + 4);
  CHECK(link_cost("a@b c") == 3 + 1);
  CHECK(link_cost("a@b\tc") == 3 + 1);
  CHECK(link_cost("a@b\nc") == 3 + 2);
  CHECK(link_cost("a@b\rc") == 3 + 2);
  CHECK(link_cost("ww. www :/ //") == 0);
  CHECK(cost("[ a@b\n") == 3 + 1);
  CHECK(markdown::page_link_cost(times(1000, "x\n\n"), 100) < 200);  // it stops above the limit
}

TEST_CASE("markdown limits: counting the cost of links needs no memory that was not there before") {
  markdown::detail::LeafCosts costs{.limit = 10, .text = {}};
  CHECK(costs.append(std::string(costs.text.capacity(), 'x'), true) == 0);
  CHECK(costs.append("x", true) != 0);
  CHECK(costs.cost == 11);
}

TEST_CASE("markdown limits: of what may begin lists and quotes no line costs less than md4c can make of it") {
  const auto blocks = [](std::string_view page) { return markdown::parse_cost_bound(page).blocks; };
  CHECK(blocks("- a\n- b") == 1 * 2);
  CHECK(blocks("a\nb\n") == 0);
  CHECK(blocks("- - - a\n") == 3);
  CHECK(blocks("-\t-\t-\ta\n") == 3);
  CHECK(blocks("-\r-\r-\ra\n") == 3);
  CHECK(blocks("0. 9) > * + a - -\nb\n") == 5 * 2);
}

TEST_CASE("markdown limits: before md4c is asked it is counted what its links may cost, paragraph by paragraph") {
  const auto inlines = [](std::string_view page) { return markdown::parse_cost_bound(page).inlines; };
  CHECK(inlines("") == 0);
  CHECK(inlines("abc") == 3 * 3);
  CHECK(inlines("abc\nd\n") == 6 * 6);
  for (const std::string_view blank : {"\n", " \n", "\t\n", "\r\n", "> >\n"}) {
    CAPTURE(blank);
    const auto first = 4 + blank.size();
    CHECK(inlines("abc\n" + std::string(blank) + "de\nf") == first * first + 4 * 4);
  }
  CHECK(inlines("abc\n-\nf") == 7 * 7);
}

TEST_CASE("markdown limits: parsing costs a bound of what is there, and where that is high what a closer look finds") {
  constexpr auto each = markdown::Budget::small_work;
  const auto cost = [](std::string_view page, std::size_t max_work) {
    MarkdownOptions options;
    options.max_work = max_work;
    markdown::Budget budget(options, page.size());
    markdown::charge_parsing(budget, page);
    return budget.used();
  };
  const std::string page = "- [a](b)\n";  // 9 bytes, and of marks '-', '\n', ']' and thrice '['
  constexpr auto bounds = 1 + 9 * 9 / 4;    // one list in one line, and its bytes squared
  CHECK(cost(page, 9 * 16 * each) == 9 * each + bounds);
  CHECK(cost(page, 9 * 16 * each - 1) == 6 * each + bounds);
  // A page whose bytes squared are half of what is left, and one step less: its closer look is half a parse, and its blocks.
  const std::string words = times(25, "x ") + "x\n\n";
  constexpr std::size_t squared = 53 * 53;
  CHECK(cost(words, 2 * each + 2 * squared) == 2 * each + squared / 4);
  CHECK(cost(words, 2 * each + 2 * squared - 1) == 2 * each + each + 4 * each);
}

TEST_CASE("markdown limits: a name of a character is looked up once, as long as there are few of them") {
  const MarkdownOptions options;
  markdown::Budget budget(options, 0);
  markdown::CharacterReferences references(budget);
  std::string out;
  const auto cost = [&](const std::string& reference) {
    const auto before = budget.used();
    references.append_decoded(out, reference);
    return budget.used() - before;
  };
  const auto looked_up = cost("&alpha;");
  CHECK(looked_up > 0);
  CHECK(cost("&alpha;") == 0);
  for (int name = 1; name < 4096; ++name) CHECK(cost("&a" + std::to_string(name) + ";") == looked_up);
  CHECK(cost("&alpha;") == 0);
  CHECK(cost("&beta;") == looked_up);
  CHECK(cost("&alpha;") == looked_up);
  CHECK(cost("&beta;") == 0);
}

TEST_CASE("markdown limits: raw HTML that comes to nothing is no tag, wherever it ends") {
  MarkdownOptions options;
  options.max_raw_tags = 0;
  for (const std::string nothing : {"<!-- a -->", "<!-- > -->", "<T>", "</T>", "<T/>", "<T a=b/>", "<T\na=b>", "<T\ta>",
                                    "<T a='>'>", "<T a=\">\">", "<T a='\">'>", "<T a=\"'>\">", "<T a='' b='>'>", "<T><T>"}) {
    CAPTURE(nothing);
    CHECK(render("x " + nothing + "y", options) == "<p>x y</p>\n");
    check_refused<MarkdownTooMuchHtml>("x " + nothing + "<b>y", options);
  }
  for (const std::string block : {"<!-->", "<!--->", "<body>\n\n<body>\n<!-- a\n-->"}) {
    CAPTURE(block);
    CHECK(render(block + "\n\nx", options) == "<p>x</p>\n");
  }
  check_refused<MarkdownTooMuchHtml>("<body>\n<b>\n\nx", options);
  for (const std::string something : {"<b>", "</b>", "<b/>", "<?a?>", "<!A b>", "<![CDATA[a]]>"}) {
    CAPTURE(something);
    check_refused<MarkdownTooMuchHtml>("x " + something + "<T>", options);
  }
}

TEST_CASE("markdown limits: raw HTML is limited in tags, and in what the parser makes of them") {
  MarkdownOptions options;
  options.max_raw_tags = 4;
  CHECK(render("<b>x</b> <i>y</i>", options) == "<p><b>x</b> <i>y</i></p>\n");
  CHECK(render("x <!-- x --> <b>x</b> <T>y</T>", options) == "<p>x  <b>x</b> y</p>\n");
  check_refused<MarkdownTooMuchHtml>("<b>x</b>\n\n<i>y</i> <u>", options);
  // A parser opens all that formatting anew in every paragraph: a hundred million elements from 300 KB.
  std::string formatting = "<div><p>\n", attributes = "<div", different = "x", paragraphs = "<div><p>\n";
  for (int i = 0; i < 2000; ++i) formatting += "<b a=" + std::to_string(i) + ">\n";
  for (int i = 0; i < 20'000; ++i) attributes += " a" + std::to_string(i);
  for (int i = 0; i < 19'000; ++i) different += "<b id=" + std::to_string(i) + ">";
  check_refused<MarkdownTooCostly>(formatting + times(9000, "<p>x\n"));
  // It compares each attribute with all before it, and each formatting element with all that are open.
  check_refused<MarkdownTooCostly>(attributes + ">");
  check_refused<MarkdownTooMuchHtml>(different);
  check_refused<MarkdownTooMuchHtml>(times(19'000, "<div>"));
  // Few tags may still ask for a large tree: some of these come again in each of those.
  for (int i = 0; i < 90; ++i) paragraphs += "<b a=" + std::to_string(i) + ">";
  try {
    render(paragraphs + times(2000, "<p>x"));
    FAIL("not refused");
  } catch (const MarkdownTooMuchHtml& error) {
    CHECK(error.limit() > markdown::HtmlArena::max_bytes);
    CHECK(error.value() < 2 * error.limit());
  }
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

TEST_CASE("markdown limits: a link definition costs what it takes at each use, also where nothing of it is written") {
  std::string names;
  for (int i = 0; i < 50'000; ++i) names += "&a" + std::to_string(i) + ";";
  check_refused<MarkdownTooCostly>("[a]: javascript:" + times(2000, "&ab;") + "\n\n" + times(1600, "[a]\n\n"));
  check_refused<MarkdownTooCostly>("[a]: " + times(5000, "../") + "\n\n" + times(1000, "[a]\n\n"));
  check_refused<MarkdownTooCostly>("[a]: b '" + times(5000, "&ab;") + "'\n\n![" + times(1600, "![a]") + "](c)");
  check_refused<MarkdownTooCostly>("[a]: b '" + times(5000, "&ab;") + "'\n\n![" + times(1600, "[a]") + "](c)");
  CHECK_THAT(render("[a]: b/c.md?d=e 'A title'\n\n" + times(5000, "[a]\n\n") + "end"), ContainsSubstring("<p>end</p>"));
  // A name of a character is looked up once.
  check_refused<MarkdownTooCostly>(names);
  CHECK_THAT(render(times(50'000, "&nbsp;") + "&hearts;"), ContainsSubstring("\xc2\xa0\xe2\x99\xa5"));
}

TEST_CASE("markdown limits: headings count as output where they stand, in the metadata and in a page's table of contents") {
  MarkdownOptions options;
  options.max_output_ratio = 0;
  options.max_output_bytes = 1000;
  CHECK_THAT(render("# a\n# b\n# c\n# d\n", options), ContainsSubstring("d</h1>"));
  check_refused<MarkdownOutputTooLarge>("# a\n# b\n# c\n# d\n# e\n# f\n", options);
  check_refused<MarkdownLimitError>(times(600'000, "# a\n"));
  CHECK_THAT(render(times(5000, "# a heading\n\nand a line of text\n\n") + "end"), ContainsSubstring("<p>end</p>"));
}

TEST_CASE("markdown limits: max_work is one count of all that a render does") {
  const std::string begin = "# a\n\n*b* [c](d.md) &hearts; <i>e</i>\n\nand a second paragraph\n";
  const std::string source = begin + "\xff\xff\xff\n", page = begin + "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n";
  MarkdownOptions options;
  options.max_work = 20'000;  // less, and what is cheap to find out about a small page is found out too
  markdown::Budget budget(options, page.size());
  markdown::charge_parsing(budget, page);
  const auto parsing = budget.used();
  markdown::PageWriter writer(options, budget, "ALIAS", "b.md");
  writer.write(page);
  CHECK(budget.used() > parsing);
  options.max_work = 3 * markdown::Budget::small_work + budget.used();  // with what it costs to replace three bytes
  CHECK_THAT(render(source, options), ContainsSubstring("<i>e</i>"));
  --options.max_work;
  check_refused<MarkdownTooCostly>(source, options);
}

TEST_CASE("markdown limits: titles cost what it takes to decode them and, twice, to put them together") {
  const auto cost = [](const std::string& page) {
    const MarkdownOptions options;
    markdown::Budget budget(options, page.size());
    markdown::PageWriter(options, budget, "ALIAS", "b.md").write(page);
    return budget.used();
  };
  for (const std::string begin : {"[a](b '", "![a](b '"}) CHECK(cost(begin + "cdefg')") - cost(begin + "c')") == 4 * (16 + 2));
}

TEST_CASE("markdown limits: raw HTML costs what its sanitiser does, and to copy what it stands in") {
  const MarkdownOptions options;
  markdown::Budget budget(options, 0);
  markdown::UrlRewriter urls({}, "ALIAS", "b.md");
  const auto cost = [&](auto&& work) {
    const auto before = budget.used();
    work();
    return budget.used() - before;
  };
  const auto around = [&](std::size_t bytes) {
    markdown::RawHtml raw(urls, options, budget);
    std::string out(bytes, 'x');
    raw.add("<b>", 0, {});
    return cost([&] { raw.put_into(out, 0, {}, 0); });
  };
  markdown::Sanitiser sanitiser(urls, "", budget);
  std::string out;
  CHECK(around(0) == cost([&] { sanitiser.append(out, "<b>", {}, 0, 100); }));
  CHECK(around(80'008) - around(8) == 80'000 / markdown::Budget::bytes_moved);
}

TEST_CASE("markdown limits: only tags that are closed beyond doubt are taken for closed") {
  markdown::TagCost cost;
  const auto of = [&](std::string_view html) { return cost.of(html, markdown::Sanitiser::marker); };
  CHECK(of("text, 1 < 2, 1 <2>") == 0);
  CHECK(of("<b>x</b>") == 2 + 1);
  CHECK(of("<b>x</b><i a=1 b='2' c=\"3\">x</i ><br><b/>") == 2 + 1 + 2 + 1 + 1 + 2);
  CHECK(of("<b><!----></b><br>") == 2 + 1 + 1);
  CHECK(of("<b a=\"\" c=''></b><img><wbr>") == 2 + 1 + 1 + 1);
  CHECK(of("<b />x</b><b/>x</b><br>") == 2 + 1 + 2 + 1 + 1);
  CHECK(of("<p><p><p>") == 3);
  CHECK(of("<td><b>x</b><td><b>x</b>") == 1 + 2 + 1 + 1 + 2 + 1);
  CHECK(of(times(markdown::TagCost::most_open, "<b>")) > 0);
  CHECK_THROWS_AS(of(times(markdown::TagCost::most_open + 1, "<b>")), MarkdownTooMuchHtml);
  // What follows the tags in doubt counts them as open.
  for (const auto* doubtful :
       {"<b><!-- </b> -->", "<b></i>", "<b><i></b>", "<b><p></b>", "<b a=\"></b>\">", "<b a=x\"></b>", "<b a=x=\"y></b>",
        "<b></b x>", "<b></b", "<b><? </b> >", "<b></ ></b>", "<svg></svg>", "<x></x>", "<textarea></textarea>", "<b \"></b>"}) {
    CAPTURE(doubtful);
    CHECK(of(doubtful + std::string("<br>")) - of(doubtful) >= 2);
    CHECK(of("<b>x</b>") == 2 + 1);  // of the next fragment there is no doubt
  }
}

TEST_CASE("markdown limits: a render ends soon after max_time, and that alone is no refusal for good") {
  static_assert(!std::is_base_of_v<RenderRefused, MarkdownTooSlow> && std::is_base_of_v<RenderRefused, MarkdownLimitError>);
  MarkdownOptions options;
  options.max_time = std::chrono::milliseconds(1);
  options.max_work = 64;  // which is no reason
  markdown::Budget budget(options, 0);
  const auto late = std::chrono::steady_clock::now() + 2 * options.max_time;
  while (std::chrono::steady_clock::now() < late) {
  }
  for (int call = 1; call < 64; ++call) budget.work(1);  // the clock is not asked each time
  CHECK_THROWS_AS(budget.work(1), MarkdownTooSlow);
  CHECK_THROWS_WITH(budget.work(0), ContainsSubstring("1 ms") && ContainsSubstring("MarkdownOptions::max_time"));
  options.max_work = MarkdownOptions().max_work;
  // Each of these takes a hundred times as long: in md4c's calls, and in the parser of raw HTML.
  CHECK_THROWS_AS(render(times(100'000, "word *word* word\n\n"), options), MarkdownTooSlow);
  CHECK_THROWS_AS(render("<div>\n" + times(9000, "<br>"), options), MarkdownTooSlow);
  options.max_time = std::chrono::hours(1);
  CHECK(render("x", options) == "<p>x</p>\n");
}

}  // namespace markdown_limits_tests
