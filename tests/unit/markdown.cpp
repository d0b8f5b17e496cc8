#include <render_cache/renderer/markdown.hpp>

#include "support/catch.hpp"

#include <string>
#include <string_view>

using render_cache::MarkdownOptions;
using render_cache::MarkdownRenderer;
using render_cache::WikiKey;

namespace {

const WikiKey page{"ALIAS", "b/c.md"};

std::string html(std::string_view source, const MarkdownOptions& options = {}) {
  return MarkdownRenderer(options).render(page, source).rendered_html;
}

nlohmann::json metadata(std::string_view source, const MarkdownOptions& options = {}) {
  return nlohmann::json::parse(MarkdownRenderer(options).render(page, source).metadata.text);
}

}  // namespace

TEST_CASE("markdown: the version names md4c and covers every option, without the fingerprint's separators") {
  const std::string plain(MarkdownRenderer().version());
  CHECK_THAT(plain, ContainsSubstring("markdown/1+md4c-"));
  CHECK(plain.find_first_of("|=") == std::string::npos);
  CHECK(plain == MarkdownRenderer().version());
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
  CHECK(differs([](auto& o) { ++o.max_nesting; }));
  CHECK(differs([](auto& o) { ++o.max_work; }));
  CHECK(differs([](auto& o) { ++o.max_raw_tags; }));
  CHECK(differs([](auto& o) { ++o.max_front_matter_bytes; }));
  CHECK(differs([](auto& o) { ++o.max_front_matter_nodes; }));
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
}
