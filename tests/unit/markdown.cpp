#include <render_cache/renderer/markdown.hpp>

#include "support/catch.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace markdown_tests {

using render_cache::MarkdownOptions;
using render_cache::MarkdownRenderer;
using render_cache::RawHtmlPolicy;
using render_cache::WikiKey;

namespace {

const WikiKey page{"ALIAS", "b/c.md"};

std::string html(std::string_view source, const MarkdownOptions& options = {}) {
  return MarkdownRenderer(options).render(page, source).rendered_html;
}

nlohmann::json metadata(std::string_view source, const MarkdownOptions& options = {}) {
  return nlohmann::json::parse(MarkdownRenderer(options).render(page, source).metadata.text);
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("markdown: whole pages are rendered as the golden files say") {
  std::size_t pages = 0;
  for (const auto& entry : std::filesystem::directory_iterator(RENDER_CACHE_SOURCE_DIR "/tests/golden/markdown")) {
    if (entry.path().extension() != ".md") continue;
    ++pages;
    CAPTURE(entry.path());
    const auto rendered = MarkdownRenderer().render({"ALIAS", "docs/" + entry.path().filename().string()}, read(entry.path()));
    CHECK(rendered.rendered_html == read(std::filesystem::path(entry.path()).replace_extension(".html")));
    CHECK(rendered.metadata.text + "\n" == read(std::filesystem::path(entry.path()).replace_extension(".json")));
  }
  CHECK(pages > 0);
}

TEST_CASE("markdown: the version names md4c and covers every option, without the fingerprint's separators") {
  const std::string plain(MarkdownRenderer().version());
  CHECK_THAT(plain, ContainsSubstring("markdown/3+md4c-"));
  CHECK(plain.find_first_of("|=") == std::string::npos);
  CHECK(plain == MarkdownRenderer().version());
  CHECK(render_cache::markdown::digest({}) == "883b37d5c63c2163");  // what is stored of pages goes by it
  const auto differs = [&](auto change) {
    MarkdownOptions options;
    change(options);
    return MarkdownRenderer(options).version() != plain;
  };
  CHECK(differs([](auto& o) { o.link_prefix = "/wiki"; }));
  CHECK(differs([](auto& o) { o.id_prefix = "x-"; }));
  CHECK(differs([](auto& o) { o.raw_html = render_cache::RawHtmlPolicy::drop; }));
  CHECK(differs([](auto& o) { o.html_links_to_pages = false; }));
  CHECK(differs([](auto& o) { ++o.max_input_bytes; }));
  CHECK(differs([](auto& o) { ++o.max_output_bytes; }));
  CHECK(differs([](auto& o) { ++o.max_output_ratio; }));
  CHECK(differs([](auto& o) { ++o.max_nesting; }));
  CHECK(differs([](auto& o) { ++o.max_work; }));
  CHECK(differs([](auto& o) { ++o.max_raw_tags; }));
  CHECK(differs([](auto& o) { ++o.max_front_matter_bytes; }));
  CHECK(differs([](auto& o) { ++o.max_front_matter_nodes; }));
  CHECK(!differs([](auto& o) { o.max_time = std::chrono::seconds(1); }));  // what is rendered is the same
}

TEST_CASE("markdown: heading ids are GitHub's, numbered when they repeat") {
  const auto ids = [](std::string_view source) {
    const auto json = metadata(source);
    std::string all;
    for (const auto& entry : json["toc"]) all += entry["id"].get<std::string>().substr(13) + " ";
    return all;
  };
  CHECK(ids("# Hello, World!") == "hello-world ");
  CHECK(ids("# a\n# a\n# a-1\n# a") == "a a-1 a-1-1 a-2 ");
  CHECK(ids("# Using `Rc<T>` to *share* [data](x.md)") == "using-rct-to-share-data ");
  CHECK(ids("# ÜBER Größe — “Привет” 你好、世界") == "über-größe--привет-你好世界 ");
  CHECK(ids("# 🚀 Launch :rocket:") == "-launch-rocket ");
  CHECK(ids("# ⚙️ Settings") == "️-settings ");
  CHECK(ids("# a &amp; b &copy; &lt;i&gt;") == "a--b--i ");
  CHECK(ids("# snake_case 1.2.3 a--b") == "snake_case-123-a--b ");
  CHECK(ids("# <b>x</b> <!-- y --> z") == "x--z ");
  CHECK(ids("a\nb\n===") == "a-b ");
  CHECK(ids("# !!!\n# ???") == "section section-1 ");
  CHECK(ids("# ![logo](l.png)\n# ![logo](l.png) x") == "-x ");
  CHECK(ids("# azAZ09_{|}`@[/:") == "azaz09_ ");
  CHECK_THAT(html("# a\n\n[x](#a) [y](d.md#a) [z](d.html#a)"),
             ContainsSubstring(R"(<h1 id="user-content-a">)") && ContainsSubstring(R"(href="#user-content-a")") &&
                 ContainsSubstring(R"(href="/ALIAS/b/d.md#user-content-a">y)") &&
                 ContainsSubstring(R"(href="/ALIAS/b/d.md#user-content-a">z)"));
}

TEST_CASE("markdown: the title is the front matter's, else the first level 1 heading, else the first heading") {
  CHECK(metadata("---\ntitle: T\n---\n# H")["title"] == "T");
  CHECK(metadata("## A\n# B\n# C")["title"] == "B");
  CHECK(metadata("## A\n### B")["title"] == "A");
  CHECK(metadata("no heading")["title"] == "");
  CHECK(metadata("---\ntitle: [1]\n---\n# H")["title"] == "H");
  CHECK(metadata("# &#32;A title&#32;&#32;")["title"] == "A title");
}

TEST_CASE("markdown: relative links become absolute paths on the server, and cannot leave the repository") {
  const auto href = [](std::string_view url, const MarkdownOptions& options = {}) {
    const auto text = html("[x](<" + std::string(url) + ">)", options);
    const auto begin = text.find("href=\"");
    if (begin == std::string::npos) return std::string("none");
    return text.substr(begin + 6, text.find('"', begin + 6) - begin - 6);
  };
  CHECK(href("../docs/a.md#x") == "/ALIAS/docs/a.md#user-content-x");
  CHECK(href("a.md") == "/ALIAS/b/a.md");
  CHECK(href("./a.md") == "/ALIAS/b/a.md");
  CHECK(href("/docs/a.md") == "/ALIAS/docs/a.md");
  CHECK(href("docs/") == "/ALIAS/b/docs/");
  CHECK(href("..") == "/ALIAS/");
  CHECK(href(".") == "/ALIAS/b/");
  CHECK(href("a//b.md") == "/ALIAS/b/a/b.md");
  CHECK(href("") == "");
  CHECK(href("#x y") == "#user-content-x%20y");
  CHECK(href("#top") == "#top");
  CHECK(href("#") == "#");
  CHECK(href("?q=1#x") == "?q=1#user-content-x");

  CHECK(href("../../../etc/passwd") == "/ALIAS/etc/passwd");
  CHECK(href("%2e%2e/%2E./.%2e/x") == "/ALIAS/x");
  CHECK(href("a/../../../..") == "/ALIAS/");
  CHECK(href("...") == "/ALIAS/b/...");
  CHECK(href("x2e/a.md") == "/ALIAS/b/x2e/a.md");
  CHECK(href("!a.md!") == "/ALIAS/b/!a.md!");

  CHECK(href("ü b%20c%zz.md?a b&c#ö") == "/ALIAS/b/%C3%BC%20b%20c%25zz.md?a%20b&amp;c#user-content-%C3%B6");
  CHECK(href("%09/%0f/%aF/%Fa") == "/ALIAS/b/%09/%0f/%aF/%Fa");
  CHECK(href("./%4G%G4%`4%@4%:4%/4%g4%4") == "/ALIAS/b/%254G%25G4%25%604%25@4%25:4%25/4%25g4%254");
  CHECK(href("a\"b'c\\\\d`e{}|^.md") == "/ALIAS/b/a%22b'c%5Cd%60e%7B%7D%7C%5E.md");
  CHECK(href(" a\tb.md&#10;") == "/ALIAS/b/ab.md");  // as browsers read it
  CHECK(href("a&#10;b&#13;c.md&#32;") == "/ALIAS/b/abc.md");
  CHECK(href("ht&#1;t&#127;p://a.b") == "http://a.b");
  CHECK(href("a:b.md") == "none");
  CHECK(href("./a:b.md") == "/ALIAS/b/a:b.md");

  CHECK(href("a.md#x") == "/ALIAS/b/a.md#user-content-x");
  CHECK(href("a.html#x") == "/ALIAS/b/a.md#user-content-x");
  CHECK(href("a.markdown#x") == "/ALIAS/b/a.markdown#user-content-x");
  CHECK(href("docs#x") == "/ALIAS/b/docs#user-content-x");
  CHECK(href("docs/#x") == "/ALIAS/b/docs/#user-content-x");
  CHECK(href("main.rs#L10") == "/ALIAS/b/main.rs#L10");
  MarkdownOptions options;
  options.html_links_to_pages = false;
  options.link_prefix = "/wiki";
  options.id_prefix = "";
  CHECK(href("a.html#x", options) == "/wiki/ALIAS/b/a.html#x");
  CHECK(href("a.md#x", options) == "/wiki/ALIAS/b/a.md#x");
  CHECK_THAT(html("[x](a.md)"), ContainsSubstring(R"(<a href="/ALIAS/b/a.md">x</a>)"));
}

TEST_CASE("markdown: the key's names are encoded in links, and an empty one cannot make another host of a path") {
  const auto with = [](const WikiKey& key) { return MarkdownRenderer().render(key, "[x](a.md)").rendered_html; };
  CHECK_THAT(with({"A B%/?#", "c d%20/e#f.md"}), ContainsSubstring("\"/A%20B%25%2F%3F%23/c%20d%2520/a.md\""));
  CHECK_THAT(with({"", "c.md"}), ContainsSubstring("\"/a.md\""));
  CHECK_THAT(with({"", "//evil.example/c.md"}), ContainsSubstring("\"/evil.example/a.md\""));
  CHECK_THAT(with({"A", "../../x/c.md"}), ContainsSubstring("\"/A/x/a.md\""));
}

TEST_CASE("markdown: links that leave the server are marked, and only those") {
  constexpr std::string_view mark = R"(" rel="nofollow noopener" class="external">)";
  for (const auto* url :
       {"http://example.com/a", "HTTPS://example.com", "//example.com", "https://[::1]:80/?q#f", "http:\\\\example.com"}) {
    CAPTURE(url);
    CHECK_THAT(html("[x](<" + std::string(url) + ">)"), ContainsSubstring(std::string(mark)));
  }
  CHECK_THAT(html("https://example.com www.example.com <https://example.com>"), ContainsSubstring(std::string(mark)));
  for (const auto* url : {"a.md", "#x", "/a", "mailto:a@b.c", "javascript:x"}) {
    CAPTURE(url);
    CHECK_THAT(html("[x](" + std::string(url) + ")"), !ContainsSubstring("external"));
  }
  CHECK(html("<https://[::1]/x#y>") ==
        "<p><a href=\"https://[::1]/x#y\" rel=\"nofollow noopener\" class=\"external\">https://[::1]/x#y</a></p>\n");
  CHECK_THAT(html("<a class='c' target=x href='//e.x'>y</a>"),
             ContainsSubstring(R"(<a href="//e.x" rel="nofollow noopener" class="external c">y</a>)"));
}

TEST_CASE("markdown: URLs are allowed by their decoded scheme; the text of a refused link stays") {
  CHECK(html("[x](javascript:a)") == "<p><a>x</a></p>\n");
  CHECK(html("[x](java&#x73;cript&colon;a)") == "<p><a>x</a></p>\n");
  CHECK(html("[x](ftp://a)") == "<p><a>x</a></p>\n");
  CHECK(html("[x](MAILTO:a@b.c)") == "<p><a href=\"mailto:a@b.c\">x</a></p>\n");
  CHECK(html("![x](data:image/png;base64,AA)") == "<p><img alt=\"x\"></p>\n");
  CHECK(html("![x](mailto:a@b.c)") == "<p><img alt=\"x\"></p>\n");
  CHECK(html("![x](http://e.x/i.png)") == "<p><img src=\"http://e.x/i.png\" alt=\"x\"></p>\n");
  CHECK(html("![x *y* `z` &amp; \"](../i.svg#f 'T \"t\"')") ==
        "<p><img src=\"/ALIAS/i.svg#f\" alt=\"x y z &amp; &quot;\" title=\"T &quot;t&quot;\"></p>\n");
  CHECK(html("![x](a.md#f)") == "<p><img src=\"/ALIAS/b/a.md#f\" alt=\"x\"></p>\n");
  CHECK(html("![a ![b](c.png) d](e.html)") == "<p><img src=\"/ALIAS/b/e.html\" alt=\"a b d\"></p>\n");
}

TEST_CASE("markdown: raw HTML is sanitised, dropped or shown, as asked") {
  const std::string_view source = "a <kbd onclick=x>b</kbd><!-- c --> <script>d</script>";
  CHECK(html(source) == "<p>a <kbd>b</kbd> d</p>\n");
  MarkdownOptions options;
  options.raw_html = RawHtmlPolicy::drop;
  CHECK(html(source, options) == "<p>a b d</p>\n");
  options.raw_html = RawHtmlPolicy::escape;
  CHECK(html(source, options) == "<p>a &lt;kbd onclick=x&gt;b&lt;/kbd&gt;&lt;!-- c --&gt; &lt;script&gt;d&lt;/script&gt;</p>\n");
}

TEST_CASE("markdown: URLs and ids in raw HTML follow the same rules as those in Markdown") {
  CHECK(html("<img src=\"../i.png\" alt=x width=10 onerror=y>") == "<img src=\"/ALIAS/i.png\" alt=\"x\" width=\"10\">\n");
  CHECK_THAT(html("<a id=\"x\"></a> <a name=y></a> <a href=\"#x\">z</a>"),
             ContainsSubstring(R"(<a id="user-content-x"></a> <a name="user-content-y"></a> <a href="#user-content-x">z</a>)"));
}

TEST_CASE("markdown: a tag stays within the Markdown around it, and swallows none of it") {
  CHECK(html("- <b>x\n- y") == "<ul>\n<li><b>x</b></li>\n<li>y</li>\n</ul>\n");
  CHECK(html("*a <b>x* y</b>") == "<p><em>a <b>x</b></em> y</p>\n");
  CHECK(html("</div></article> x") == " x\n");
  CHECK(html("<!--><b>x</b>") == "<b>x</b>\n");
  CHECK(html("<details><summary>s</summary>\n\n*x*\n\n</details>\n\ny") ==
        "<details><summary>s</summary>\n<p><em>x</em></p>\n</details>\n<p>y</p>\n");
  CHECK_THAT(html("a <textarea> *b*\n\n**c**"), ContainsSubstring("<em>b</em>") && ContainsSubstring("<strong>c</strong>"));
  CHECK_THAT(html("<Listing number=\"1\" caption=\"`Box<T>`\">\n\n```rust\nx\n```\n\n</Listing>\n\ny"),
             ContainsSubstring("<pre><code class=\"language-rust\">x\n</code></pre>") && ContainsSubstring("<p>y</p>"));
  CHECK(html("<div>a<!---->b\n\n*x*\n\nc<!----></div>") == "<div>ab\n<p><em>x</em></p>\n<p>c</p>\n</div>");
  CHECK(html("<ul>\n\n<li>a</li>\n\n</ul>") == "<ul>\n<li>a</li>\n</ul>\n");
  CHECK(html("- <div><li>x</li></div>") == "<ul>\n<li><div>x</div>\n</li>\n</ul>\n");
  CHECK(html("<table>\n<tr>\n\n*x*\n\n<td>\n\n*y*\n\n</table>") ==
        "<p><em>x</em></p>\n<table>\n<tbody><tr>\n<td>\n<p><em>y</em></p>\n</td></tr></tbody></table>\n");
}

TEST_CASE("markdown: what is not UTF-8 becomes U+FFFD, NUL too, and a byte order mark goes") {
  using namespace std::string_view_literals;
  CHECK(html("a\0b"sv) ==
        "<p>a\xef\xbf\xbd"
        "b</p>\n");
  CHECK(html("a\xff\xfe"
             "b\xc3") ==
        "<p>a\xef\xbf\xbd\xef\xbf\xbd"
        "b\xef\xbf\xbd</p>\n");
  CHECK(html("\xed\xa0\x80") == "<p>\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd</p>\n");
  CHECK(html("&#0; &#xD800; &#x110000; &#99999999999999;") ==
        "<p>\xef\xbf\xbd \xef\xbf\xbd \xef\xbf\xbd &amp;#99999999999999;</p>\n");
  CHECK(html("&#x7f;&#x80;&#x7ff;&#x800;&#xffff;&#x10000;&#x10ffff;") ==
        "<p>\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf</p>\n");
  CHECK(html("\xef\xbb\xbf# a") == "<h1 id=\"user-content-a\">a</h1>\n");
  CHECK(render_cache::find_invalid_text(MarkdownRenderer().render(page, "# \xff\0# [x](\xfe)"sv).metadata.text) ==
        std::string::npos);
  CHECK(html("") == "");
}

TEST_CASE("markdown: character references are decoded where HTML knows them, and shown where it does not") {
  CHECK(html("&copy; &amp; &lt; &quot; &#228; &#xE4; &hearts;") == "<p>© &amp; &lt; &quot; ä ä ♥</p>\n");
  CHECK(html("&nosuch; &notit; &copy") == "<p>&amp;nosuch; &amp;notit; &amp;copy</p>\n");
  CHECK(html("&#XE4; &CounterClockwiseContourIntegral;") == "<p>ä ∳</p>\n");
  const std::string unknown(40, 'a');
  CHECK(html("&" + unknown + ";") == "<p>&amp;" + unknown + ";</p>\n");
  const MarkdownOptions options;
  render_cache::markdown::Budget budget(options, 0);
  std::string out;
  render_cache::markdown::CharacterReferences(budget).append_decoded(out, "&#4294967296;");
  CHECK(out == "\xef\xbf\xbd");
  CHECK_THAT(html("[x](a&copy;.md)"), ContainsSubstring("\"/ALIAS/b/a%C2%A9.md\""));
}

TEST_CASE("markdown: front matter goes into the metadata") {
  const auto json =
      metadata("---\ntitle: T\ndraft: true\nn: 010\nf: 1.5\nv: '010'\nd: 2024-02-29\ntags: [a, {b: null}]\n---\n# x");
  CHECK(json["front_matter"].dump() ==
        R"({"d":"2024-02-29","draft":true,"f":1.5,"n":10,"tags":["a",{"b":null}],"title":"T","v":"010"})");
  CHECK_FALSE(json.contains("front_matter_error"));
  CHECK(html("---\na: b\n---\nx") == "<p>x</p>\n");
  CHECK(html("---\r\na: b\r\n---\r\nx") == "<p>x</p>\n");
  CHECK(html("---\na: b\n...\nx") == "<p>x</p>\n");
  CHECK(html("---\na: b\n\n---\nx") == "<p>x</p>\n");
  CHECK(html("---\t\na: b\n--- \t\nx") == "<p>x</p>\n");
  CHECK(html("---\n---\nx") == "<p>x</p>\n");
  CHECK(metadata("x")["front_matter"].dump() == "{}");
  CHECK(metadata("---\na: \"x\\0y\"\n\"\\0\": 1\n---\n")["front_matter"].dump() ==
        "{\"a\":\"x\xef\xbf\xbdy\",\"\xef\xbf\xbd\":1}");
  CHECK(metadata("---\na: [.inf, .nan, 1e999, 99999999999999999999]\n---\n")["front_matter"].dump() ==
        R"({"a":[".inf",".nan","1e999",1e+20]})");
}

TEST_CASE("markdown: a plain scalar of front matter is what YAML's core schema makes of it, any other is text") {
  const auto value = [](std::string_view scalar) {
    return render_cache::markdown::read_front_matter("---\na: " + std::string(scalar) + "\n---\n", 4096, 100).values;
  };
  for (const auto& [scalar, json] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"true", "true"},    {"True", "true"},   {"TRUE", "true"},        {"tRUE", R"("tRUE")"}, {"false", "false"},
           {"False", "false"},  {"FALSE", "false"}, {"fALSE", R"("fALSE")"}, {"+5", "5"},           {"-5", "-5"},
           {"5", "5"},          {"5x", R"("5x")"},  {"+1.5", "1.5"},         {"1.5x", R"("1.5x")"}, {"x", R"("x")"},
           {"", "null"},        {"~", "null"},      {"''", R"("")"},         {"'5'", R"("5")"},     {"!!str 5", R"("5")"},
           {"!<?> ''", R"("")"}}) {
    CAPTURE(scalar);
    CHECK(value(scalar) == "{\"a\":" + std::string(json) + "}");
  }
}

TEST_CASE("markdown: front matter is text that is the same when it is read back, whatever bytes it was made of") {
  const auto read = [](std::string_view yaml) {
    return render_cache::markdown::read_front_matter("---\n" + std::string(yaml) + "\n---\n", 4096, 100);
  };
  // Two keys that were ordered by their bytes, and would change places once those are replaced.
  CHECK(read("\xcf\x95: 1\n\x9d: '\xff'").values == "{\"\xcf\x95\":1,\"\xef\xbf\xbd\":\"\xef\xbf\xbd\"}");
  CHECK(read("b: 1\na: 2\nb: [3, {}]\nc: -0.0").values == R"({"a":2,"b":[3,{}],"c":-0.0})");
  CHECK(read("title: a\ntitle: \"\xff\"").title == "\xef\xbf\xbd");
  CHECK(read("title: 5").title == "");
  CHECK(read("title: a\ntitle: [b]").title == "");
  CHECK(read("title: a\ntitle: 5").title == "");
  CHECK(read("title: [b]\ntitle: a\nb: c").title == "a");
  const auto broken = read("a: \"\\\xc3\xa9\"");
  CHECK_THAT(broken.error, ContainsSubstring("escape"));
  CHECK(render_cache::find_invalid_text(broken.error) == std::string::npos);
}

TEST_CASE("markdown: front matter may have as many bytes, nodes and levels as it is allowed, and no more") {
  const auto error = [](const std::string& source, std::size_t bytes, std::size_t nodes) {
    return render_cache::markdown::read_front_matter(source, bytes, nodes).error;
  };
  const std::string source = "---\na: [b, c]\n---\n";  // before its last line are 13 bytes; the mapping, its member and two items
  CHECK(error(source, 13, 4) == "");
  CHECK_THAT(error(source, 12, 4), ContainsSubstring("12 bytes"));
  CHECK_THAT(error(source, 13, 3), ContainsSubstring("max_front_matter_nodes"));
  const auto nested = [](std::size_t levels) {
    return "---\na: " + std::string(levels, '[') + std::string(levels, ']') + "\n---\n";
  };
  CHECK(error(nested(32), 4096, 100) == "");
  CHECK_THAT(error(nested(33), 4096, 100), ContainsSubstring("deeper than 32 levels"));
}

TEST_CASE("markdown: a line --- that begins no front matter is Markdown") {
  CHECK(html("---\n\nx") == "<hr>\n<p>x</p>\n");
  CHECK(html("---\nx\n---\n") == "<hr>\n<h2 id=\"user-content-x\">x</h2>\n");
  CHECK(html("--- \n- a\n---\n") == "<hr>\n<ul>\n<li>a</li>\n</ul>\n<hr>\n");
  CHECK(html("----\na: b\n---") == "<hr>\n<h2 id=\"user-content-a-b\">a: b</h2>\n");
  CHECK(html(" ---\na: b\n---") == "<hr>\n<h2 id=\"user-content-a-b\">a: b</h2>\n");
}

TEST_CASE("markdown: broken or oversized front matter is part of the page, and says why") {
  const auto broken = [](std::string_view yaml, std::string_view why) {
    const auto source = "---\n" + std::string(yaml) + "\n---\nend";
    const auto json = metadata(source);
    CAPTURE(source.substr(0, 60));
    CHECK(json["front_matter"].dump() == "{}");
    CHECK_THAT(json.value("front_matter_error", ""), ContainsSubstring(std::string(why)));
    CHECK_THAT(html(source), ContainsSubstring("<hr>") && ContainsSubstring("end"));
  };
  broken("a: [b", "end of sequence");
  broken("a: b: c", "illegal map value");
  broken("a: *b", "anchor");
  broken("? [a]\n: b", "key");
  broken("a: &x [*x]", "nested");
  broken("a: " + std::string(3000, '['), "");
  broken("a: " + std::string(3000, '{'), "");
  broken("x: " + std::string(70'000, 'y'), "max_front_matter_bytes");
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]";
  for (int i = 1; i < 9; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    laughs += "\na" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 8; ++k) laughs += ", " + before;
    laughs += "]";
  }
  broken(laughs, "max_front_matter_nodes");
}

}  // namespace markdown_tests
