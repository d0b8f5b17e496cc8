#include <render_cache/renderer/markdown/sanitiser.hpp>

#include "support/catch.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sanitiser_tests {

using namespace render_cache;
using markdown::Budget;
using markdown::Sanitiser;
using markdown::UrlRewriter;

namespace {

struct Fixture {
  MarkdownOptions options{};
  UrlRewriter urls{{options.link_prefix, options.id_prefix, true}, "repo", "page.md"};
  Budget budget;
  Sanitiser sanitiser{urls, options.id_prefix, budget};
  std::size_t deepest = 0;

  explicit Fixture(MarkdownOptions given = {}) : options(std::move(given)), budget(options, 1000) {}

  /// `[n]` in the fragment stands for a chunk, and is its HTML.
  std::string clean(std::string_view with_chunks, std::size_t depth = 0, std::size_t max_depth = 100) {
    std::string fragment, out;
    std::vector<Sanitiser::Chunk> chunks;
    while (!with_chunks.empty()) {
      const auto open = with_chunks.find('[');
      fragment.append(with_chunks.substr(0, open));
      if (open == with_chunks.npos) break;
      with_chunks.remove_prefix(open);
      const auto close = with_chunks.find(']') + 1;
      chunks.push_back({fragment.size(), with_chunks.substr(0, close)});
      fragment.append(Sanitiser::marker);
      with_chunks.remove_prefix(close);
    }
    deepest = sanitiser.append(out, fragment, chunks, depth, max_depth);
    return out;
  }
};

std::string clean(std::string_view fragment) { return Fixture().clean(fragment); }

}  // namespace

TEST_CASE("sanitiser: of elements that are not text nothing is left, whatever is in them") {
  for (const std::string name : {"applet", "embed", "iframe", "math", "noembed", "noframes", "noscript", "object", "script",
                                 "select", "style", "svg", "template", "textarea", "title", "xmp", "plaintext"}) {
    CAPTURE(name);
    CHECK(Sanitiser::unwraps(name) == false);
    const auto out = clean("<" + name + "><g>one</g>two<svg>three</svg>four</" + name + ">");
    if (name == "embed") {  // has no content
      CHECK(out == "onetwofour");
    } else {
      CHECK(out == "");
    }
  }
  CHECK(clean("a<object>b<table><tr><td>c</table>d</object>e") == "ae");
  CHECK(clean("a<svg>b<g>c</g>d</svg>e") == "ae");
}

TEST_CASE("sanitiser: elements of text are kept, and of all others what is in them") {
  for (const std::string name :
       {"a",    "abbr",   "b",      "bdi",  "bdo",        "big",    "blockquote", "center", "cite", "code", "del",  "details",
        "dfn",  "div",    "dl",     "em",   "figcaption", "figure", "h1",         "h2",     "h3",   "h4",   "h5",   "h6",
        "i",    "ins",    "kbd",    "mark", "ol",         "p",      "pre",        "q",      "ruby", "s",    "samp", "small",
        "span", "strike", "strong", "sub",  "summary",    "sup",    "time",       "tt",     "u",    "ul",   "var"}) {
    const auto html = "<" + name + ">x</" + name + ">";
    CHECK(clean(html) == html);
    CHECK(clean("<" + name + " onclick=\"x\" style=\"x\">x</" + name + ">") == html);
  }
  for (const std::string name : {"br", "hr", "img", "wbr"}) CHECK(clean("<" + name + ">x") == "<" + name + ">x");
  for (const std::string name : {"T", "body", "form", "button", "label", "marquee", "center2", "li", "dd", "dt"}) {
    CHECK(clean("<" + name + ">x</" + name + ">") == "x");
  }
  CHECK(Sanitiser::unwraps("T"));
  CHECK_FALSE(Sanitiser::unwraps("p"));
  const std::string table =
      "<table><caption>c</caption><colgroup><col></colgroup><thead><tr><th>h</th></tr></thead>"
      "<tbody><tr><td>d</td></tr></tbody><tfoot><tr><td>f</td></tr></tfoot></table>";
  CHECK(clean(table) == table);
}

TEST_CASE("sanitiser: items are kept in lists of their kind alone") {
  for (const std::string html : {"<ul><li>x</li></ul>", "<ol><li>x</li></ol>", "<dl><dt>x</dt><dd>y</dd></dl>"}) {
    CHECK(clean(html) == html);
  }
  CHECK(clean("<dl><li>x</li></dl>") == "<dl>x</dl>");
  CHECK(clean("<ul><dt>x</dt><dd>y</dd></ul>") == "<ul>xy</ul>");
  CHECK(clean("<ul><div><li>x</li></div></ul>") == "<ul><div>x</div></ul>");
}

TEST_CASE("sanitiser: an attribute is kept where it is text, and is a link where its element has links") {
  CHECK(clean("<a href=\"x.md\" name=n id=i>x</a>") ==
        "<a href=\"/repo/x.md\" name=\"user-content-n\" id=\"user-content-i\">x</a>");
  CHECK(clean("<p href=\"x.md\" src=\"x.png\" name=n id=i>x</p>") == "<p id=\"user-content-i\">x</p>");
  CHECK(clean("<img src=\"x.png\" href=\"x.md\" name=n alt=\"a &amp; b\">") == "<img src=\"/repo/x.png\" alt=\"a &amp; b\">");
  CHECK(clean("<a src=\"x.png\" href=\"javascript:x\">x</a>") == "<a>x</a>");
  CHECK(clean("<img src=\"javascript:x\">") == "<img>");
  for (const std::string name :
       {"abbr", "align",    "alt",  "aria-hidden", "aria-label", "border", "colspan", "datetime", "dir",    "height", "lang",
        "open", "reversed", "role", "rowspan",     "scope",      "span",   "start",   "title",    "valign", "value",  "width"}) {
    const auto html = "<p " + name + "=\"x\">y</p>";
    CHECK(clean(html) == html);
  }
  for (const std::string name :
       {"onclick", "style", "srcset", "action", "formaction", "target", "data-x", "xlink:href", "ping"}) {
    CHECK(clean("<p " + name + "=\"x\">y</p>") == "<p>y</p>");
  }
}

TEST_CASE("sanitiser: a link that leaves the server says so, beside the author's classes") {
  const std::string out = R"( rel="nofollow noopener")";
  CHECK(clean("<a href=\"https://x.example\">x</a>") == "<a href=\"https://x.example\"" + out + " class=\"external\">x</a>");
  CHECK(clean("<a class=\"mine\" href=\"https://x.example\">x</a>") ==
        "<a href=\"https://x.example\"" + out + " class=\"external mine\">x</a>");
  CHECK(clean("<a class=\"mine\" href=\"x.md\">x</a>") == "<a href=\"/repo/x.md\" class=\"mine\">x</a>");
  CHECK(clean("<img src=\"https://x.example/a.png\">") == "<img src=\"https://x.example/a.png\">");
}

TEST_CASE("sanitiser: each chunk appears once, whatever the tags around it do") {
  CHECK(clean("[0]") == "[0]");
  CHECK(clean("<p>[0]</p>[1]") == "<p>[0]</p>[1]");
  CHECK(clean("a<textarea>b[0]c[1]") == "a[0][1]");
  CHECK(clean("a<object>b[0]c</object>[1]") == "a[0][1]");
  CHECK(clean("<!-- [0]") == "[0]");
  CHECK(clean("<!---->[0]<!--x-->") == "[0]");  // an author's comments are none
}

TEST_CASE("sanitiser: a chunk between the cells of a table goes before it, and before the inner one where tables are nested") {
  CHECK(clean("<table>[0]<tr>[1]<td>[2]</td></tr></table>") == "[0][1]<table><tbody><tr><td>[2]</td></tr></tbody></table>");
  CHECK(clean("<table><caption>[0]</caption><colgroup>[1]</colgroup><thead>[2]</thead><tfoot>[3]</tfoot></table>") ==
        "[1][2][3]<table><caption>[0]</caption><colgroup></colgroup><thead></thead><tfoot></tfoot></table>");
  CHECK(clean("<table><tr><td>a<table>[0]<tr><td>b</td></tr></table></td>[1]</tr></table>") ==
        "[1]<table><tbody><tr><td>a[0]<table><tbody><tr><td>b</td></tr></tbody></table></td></tr></tbody></table>");
}

TEST_CASE("sanitiser: it says how deep a fragment goes, each by itself, and refuses what goes deeper than allowed") {
  Fixture f;
  f.clean("<p><b><i>x</i></b></p>", 5);
  CHECK(f.deepest == 8);
  f.clean("x", 2);
  CHECK(f.deepest == 2);
  f.clean("<table><tr><td>x</td></tr></table>", 0);  // and its <tbody>
  CHECK(f.deepest == 4);
  CHECK(f.clean("<p><b>x</b></p>", 0, 2) == "<p><b>x</b></p>");
  CHECK_THROWS_AS(f.clean("<p><b><i>x</i></b></p>", 0, 2), MarkdownTooDeep);
}

TEST_CASE("sanitiser: what tables within tables copy is work, and counts as output before it is all there") {
  std::string nested;
  for (int i = 0; i < 30; ++i) nested += "<table><tr><td>";
  const auto work_for = [&](std::size_t text) {
    Fixture f;
    const auto before = f.budget.used();
    f.clean(nested + std::string(text, 'x'), 0, 200);
    return f.budget.used() - before;
  };
  // 30 copies of a byte, 8 bytes a step, beside what parsing costs.
  CHECK(work_for(20'000) - work_for(10'000) > 10'000 * (30 / Budget::bytes_moved + 32));
  MarkdownOptions small;
  small.max_output_bytes = 1000;
  small.max_output_ratio = 0;
  CHECK_THROWS_AS(Fixture(small).clean("<table><tr><td>" + std::string(1000, 'x')), MarkdownOutputTooLarge);
}

}  // namespace sanitiser_tests
