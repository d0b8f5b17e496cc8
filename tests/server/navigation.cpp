#include "navigation.hpp"

#include "layout.hpp"
#include "options.hpp"
#include "support/catch.hpp"
#include "support/large_wiki.hpp"
#include "support/sanitized.hpp"
#include "support/wiki_process.hpp"
#include "wiki.hpp"

#include <regex>
#include <set>
#include <sstream>

namespace navigation_tests {

using namespace wiki;
using render_cache::test::eventually;
using render_cache::test::LargeWiki;
using render_cache::test::TemporaryDirectory;
using render_cache::test::WikiServer;

namespace {

TreePtr tree_of(const Listing& listing) {
  render_cache::Fingerprint fingerprint;
  fingerprint.add("source", std::to_string(listing.pages.size()));
  return std::make_shared<const OutlineTree>(std::make_shared<const render_cache::Entry<Outline>>(
      render_cache::Entry<Outline>{OutlineRenderer().render({"w"}, listing), std::move(fingerprint), {}, {}}));
}
TreePtr tree_of_files(std::vector<std::string> pages) { return tree_of({std::nullopt, std::move(pages)}); }
TreePtr tree_of_summary(std::string summary) { return tree_of({std::move(summary), {}}); }

std::vector<std::string> large_listing(int folders, int pages) {
  std::vector<std::string> listing;
  for (int folder = 0; folder < folders; ++folder) {
    for (int page = 0; page < pages; ++page) listing.push_back(LargeWiki::page(folder, page));
  }
  return listing;
}

std::string all_navigation(const OutlineTree& tree, std::string_view path) {
  Navigation navigation("w", tree, tree.standing(path));
  auto html = navigation.crumbs("Title");  // one after the other: each takes of the room that is left
  html += navigation.turn();
  return html += navigation.pages();
}

std::string pages_around(const OutlineTree& tree, std::string_view path) {
  return Navigation("w", tree, tree.standing(path)).pages();
}

http::Request request_for(std::string target) {
  http::Request request;
  request.method = http::Method::get;
  request.target = std::move(target);
  return request;
}

std::vector<std::string> links(const std::string& html) {
  static const std::regex link("<a href=\"([^\"]*)\"");
  std::vector<std::string> found;
  for (std::sregex_iterator at(html.begin(), html.end(), link), end; at != end; ++at) found.push_back((*at)[1]);
  return found;
}

}  // namespace

TEST_CASE("a page carries its ancestors, its siblings and its children, and nothing else", "[server]") {
  const auto tree = tree_of_files({"README.md", "a/README.md", "a/b/README.md", "a/b/c/README.md", "a/b/c/deep.md", "a/b/d.md",
                                   "a/b/e/f.md", "a/g.md", "h.md"});
  CHECK(links(pages_around(*tree, "a/b/c/README.md")) == std::vector<std::string>{"/w/", "/w/a/README.md", "/w/a/b/README.md",
                                                                                  "/w/a/b/c/README.md", "/w/a/b/c/deep.md",
                                                                                  "/w/a/b/d.md", "/w/a/b/e/"});
  CHECK_THAT(pages_around(*tree, "a/b/d.md"), ContainsSubstring("<a href=\"/w/a/b/d.md\" aria-current=\"page\">D</a>"));
  CHECK(links(pages_around(*tree, "README.md")) == std::vector<std::string>{"/w/", "/w/README.md", "/w/a/README.md", "/w/h.md"});
  // What the outline does not know stands in the innermost folder that it knows.
  CHECK(links(pages_around(*tree, "a/b/x/new.md")) ==
        std::vector<std::string>{"/w/", "/w/a/README.md", "/w/a/b/README.md", "/w/a/b/c/README.md", "/w/a/b/d.md", "/w/a/b/e/"});
}

TEST_CASE("a book's own outline has branches too", "[server]") {
  const auto tree = tree_of_summary(
      "# The book\n\n[Preface](preface.md)\n\n# Part one\n\n- [One](one.md)\n  - [Two](deep/two.md)\n  - [Three](deep/three.md)\n"
      "- [Draft]()\n  - [Four](four.md)\n");
  CHECK(links(pages_around(*tree, "deep/two.md")) ==
        std::vector<std::string>{"/w/", "/w/one.md", "/w/deep/two.md", "/w/deep/three.md"});
  const auto top = pages_around(*tree, "one.md");
  CHECK(links(top) == std::vector<std::string>{"/w/", "/w/preface.md", "/w/one.md", "/w/deep/two.md", "/w/deep/three.md"});
  CHECK_THAT(top, ContainsSubstring("<li class=\"part\">Part one</li>") &&
                      ContainsSubstring("<span class=\"draft\">Draft</span>") &&
                      ContainsSubstring("<a href=\"/w/\">The book</a>"));
  CHECK_THAT(all_navigation(*tree, "four.md"), ContainsSubstring("rel=\"prev\" href=\"/w/deep/three.md\"") &&
                                                   ContainsSubstring("<span class=\"draft\">Draft</span>"));
  // A folder that the book does not speak of lists what the book has in it.
  const auto list = list_at("deep/", *tree);
  REQUIRE(list);
  CHECK(links(Navigation("w", *tree, list->standing).list(list->items, 1, list->part_size, "/w/deep/")) ==
        std::vector<std::string>{"/w/deep/three.md", "/w/deep/two.md"});
  CHECK_FALSE(list_at("none/", *tree));
}

TEST_CASE("what there is no room for lies behind parts of a list, and no page is lost", "[server]") {
  const auto tree = tree_of_files(large_listing(1, 5000));
  const auto list = list_at("folder-0/", *tree);
  REQUIRE(list);
  CHECK(list->parts() > 10);
  std::set<std::string> listed;
  for (std::size_t part = 1; part <= list->parts(); ++part) {
    const auto html = Navigation("w", *tree, list->standing).list(list->items, part, list->part_size, "/w/folder-0/");
    for (auto& link : links(html)) {
      if (link.ends_with(".md")) listed.insert(std::move(link));
    }
  }
  CHECK(listed.size() == 5000);

  for (const int page : {0, 1, 2500, 4998, 4999}) {
    CAPTURE(page);
    const auto html = pages_around(*tree, LargeWiki::page(0, page));
    CHECK_THAT(html, ContainsSubstring("aria-current=\"page\""));
    for (const int near : {page - 1, page + 1}) {
      if (near >= 0 && near < 5000) CHECK_THAT(html, ContainsSubstring("\"/w/" + LargeWiki::page(0, near) + "\""));
    }
    // Of what comes next on each side, "more" leads to the part that has it.
    std::vector<int> shown;
    static const std::regex page_link("page-([0-9]+)\\.md\""), more_link("\\?page=([0-9]+)\">([0-9]+) more");
    for (std::sregex_iterator at(html.begin(), html.end(), page_link), end; at != end; ++at) shown.push_back(std::stoi((*at)[1]));
    std::size_t hidden = 0;
    for (std::sregex_iterator at(html.begin(), html.end(), more_link), end; at != end; ++at) {
      const bool is_first = at->position() < static_cast<std::ptrdiff_t>(html.find("aria-current"));
      const int next = is_first ? shown.front() - 1 : shown.back() + 1;
      const auto part = static_cast<std::size_t>(std::stoul((*at)[1]));
      CHECK_THAT(Navigation("w", *tree, list->standing).list(list->items, part, list->part_size, "/w/folder-0/"),
                 ContainsSubstring("\"/w/" + LargeWiki::page(0, next) + "\""));
      hidden += std::stoul((*at)[2]);
    }
    CHECK(hidden + shown.size() == 5000);
  }
}

TEST_CASE("no page carries more than 30 KB of navigation, whatever the others are called", "[server]") {
  const auto repeated = [](std::string_view text, int times) {
    std::string all;
    while (times-- > 0) all += text;
    return all;
  };
  std::vector<std::vector<std::string>> listings{large_listing(200, 200), large_listing(1, 40'000), large_listing(3000, 1)};
  auto& long_names = listings.emplace_back();
  for (int page = 0; page < 500; ++page)
    long_names.push_back("f/" + repeated("&'\xE6\xBC\xA2", 48) + std::to_string(1000 + page) + ".md");
  auto& deep = listings.emplace_back();
  for (int level = 1; level < 900; ++level) deep.push_back(repeated("a/", level) + "b.md");
  std::ranges::sort(deep);
  auto& deep_long = listings.emplace_back();
  for (int level = 1; level < 8; ++level) deep_long.push_back(repeated(repeated("'", 250) + "/", level) + "b.md");
  std::ranges::sort(deep_long);
  for (const auto& listing : listings) {
    const auto tree = tree_of_files(listing);
    CAPTURE(listing.front().substr(0, 40), listing.size(), tree->pages());
    CHECK(tree->pages() == listing.size());
    for (const auto at : {std::size_t{0}, listing.size() / 2, listing.size() - 1}) {
      const auto html = all_navigation(*tree, listing[at]);
      CHECK(html.size() <= max_navigation_bytes);
      CHECK_THAT(html, ContainsSubstring("aria-current=\"page\">"));
    }
    for (const auto* path : {"", "folder-0/", "f/", "a/"}) {
      const auto list = list_at(path, *tree);
      if (!list) continue;
      Navigation navigation("w", *tree, list->standing);
      const auto crumbs = navigation.crumbs("Title"), items = navigation.list(list->items, 1, list->part_size, "/w/x/");
      CHECK(crumbs.size() + items.size() + navigation.pages(true).size() <= max_navigation_bytes);
    }
  }
  const auto titles = tree_of_summary("# Book\n\n- [" + std::string(100'000, 'x') + "](a.md)\n- [B](b.md)\n");
  CHECK(all_navigation(*titles, "b.md").size() < 2000);
}

TEST_CASE("a new page changes its own branch and leaves the others as they are", "[server]") {
  auto listing = large_listing(20, 20);
  const auto before = tree_of_files(listing);
  const std::string added = "folder-7/page-9b.md";
  listing.insert(std::ranges::find(listing, LargeWiki::page(7, 10)), added);
  const auto after = tree_of_files(listing);
  for (int folder = 0; folder < 20; ++folder) {
    for (int page = 0; page < 20; ++page) {
      const auto path = LargeWiki::page(folder, page);
      CAPTURE(path);
      const bool is_same = before->branch(before->find(path)) == after->branch(after->find(path));
      CHECK(is_same == (folder != 7));
      CHECK((all_navigation(*before, path) == all_navigation(*after, path)) == (folder != 7));
    }
    const auto path = LargeWiki::folder_name(folder) + "/";
    CHECK((list_at(path, *before)->digest == list_at(path, *after)->digest) == (folder != 7));
  }
  CHECK(list_at("", *before)->digest == list_at("", *after)->digest);
}

TEST_CASE("a branch is another one whenever something in it has changed", "[server]") {
  const auto base = tree_of_summary(
      "- [A](a.md)\n  - [B](b.md)\n    - [C](c.md)\n      - [D](d.md)\n      - [G](g.md)\n    - [E](e.md)\n- [F](f.md)\n");
  const auto place = base->find("c.md");
  for (const std::string changed :
       {"- [X](a.md)\n  - [B](b.md)\n    - [C](c.md)\n      - [D](d.md)\n      - [G](g.md)\n    - [E](e.md)\n- [F](f.md)\n",
        "- [A](a.md)\n  - [B](x.md)\n    - [C](c.md)\n      - [D](d.md)\n      - [G](g.md)\n    - [E](e.md)\n- [F](f.md)\n",
        "- [A](a.md)\n  - [B](b.md)\n    - [X](c.md)\n      - [D](d.md)\n      - [G](g.md)\n    - [E](e.md)\n- [F](f.md)\n",
        "- [A](a.md)\n  - [B](b.md)\n    - [C](c.md)\n      - [D](d.md)\n      - [X](g.md)\n    - [E](e.md)\n- [F](f.md)\n",
        "- [A](a.md)\n  - [B](b.md)\n    - [C](c.md)\n      - [D](d.md)\n      - [G](g.md)\n    - [E](x.md)\n- [F](f.md)\n",
        "- [A](a.md)\n  - [B](b.md)\n    - [C](c.md)\n      - [D](d.md)\n      - [G](g.md)\n      - [E](e.md)\n- [F](f.md)\n",
        "- [A](a.md)\n  - [B](b.md)\n    - [C](c.md)\n      - [D](d.md)\n      - [G](g.md)\n    - [E](e.md)\n      - "
        "[F](f.md)\n"}) {
    CAPTURE(changed);
    const auto tree = tree_of_summary(changed);
    CHECK(tree->branch(tree->find("c.md")) != base->branch(place));
  }
  const auto elsewhere = tree_of_summary(
      "- [A](a.md)\n  - [B](b.md)\n    - [C](c.md)\n      - [D](d.md)\n      - [G](g.md)\n    - [E](e.md)\n- [X](f.md)\n");
  CHECK(elsewhere->branch(elsewhere->find("c.md")) == base->branch(place));
}

TEST_CASE("no class that an author can write dresses as the site's own parts", "[server]") {
  static const std::regex comment("/\\*[^*]*\\*/"), rule("([^{};]+)\\{[^{}]*\\}");
  const auto sheet = std::regex_replace(std::string(style_sheet()), comment, "");
  std::size_t classes = 0;
  for (std::sregex_iterator at(sheet.begin(), sheet.end(), rule), end; at != end; ++at) {
    std::istringstream selectors((*at)[1]);
    for (std::string selector; std::getline(selectors, selector, ',');) {
      selector.erase(0, selector.find_first_not_of(" \n"));
      if (selector.find('.') == selector.npos) continue;
      CAPTURE(selector);
      ++classes;
      // What a text is dressed in, or what no text can be: beside it, or named by an id without the prefix of authors' ids.
      CHECK((selector.starts_with(".text") || selector.starts_with("body > ") || selector.starts_with("#content > .") ||
             selector.starts_with("#pages")));
      CHECK_THAT(selector, !Catch::Matchers::StartsWith(".text ."));
    }
  }
  CHECK(classes > 50);
}

TEST_CASE("a request looks at no more of a large wiki than of a small one", "[server]") {
  const LargeWiki large(200, 200), small(2, 56);
  const auto pages = open_pages({.store = StoreChoice::parse("memory"), .memory = std::size_t{16} << 20});
  Wiki wiki({{"large", large.folder()}, {"small", small.folder()}}, *pages, std::size_t{64} << 20);
  const auto renders = [&](const char* cache) { return wiki.stats()[cache]["renders"].get<int>(); };
  const auto cost = [](const auto& work) {
    const auto before = OutlineTree::looked_at();
    work();
    return OutlineTree::looked_at() - before;
  };
  for (const std::string alias : {"large", "small"}) {
    for (const std::string path : {"folder-1/page-7.md", "folder-1/page-55.md", "folder-1/", ""}) {
      const auto request = request_for("/" + alias + "/" + path);
      CAPTURE(request.target);
      CHECK_FALSE(wiki.answer_now(request));  // it has to be rendered, laid out, or at least hashed
      CHECK(cost([&] { CHECK(wiki.answer(request).status == 200); }) < 1500);
      const int laid_out = renders("responses"), outlines = renders("outlines");
      std::optional<http::Reply> reply;
      CHECK(cost([&] { reply = wiki.answer_now(request); }) < 100);
      REQUIRE(reply);
      CHECK(reply->status == 200);
      CHECK(renders("responses") == laid_out);
      CHECK(renders("outlines") == outlines);
    }
    for (const std::string path : {"folder-1/page-5x.md", "folder-99999/", "nothing/here/at/all.md", "folder-1/?page=99"}) {
      const auto request = request_for("/" + alias + "/" + path);
      CAPTURE(request.target);
      // What is missing is told of by a worker, and costs the same there.
      CHECK(cost([&] { CHECK_FALSE(wiki.answer_now(request)); }) < 200);
      http::Reply reply;
      CHECK(cost([&] { reply = wiki.answer(request); }) < 1500);
      CHECK(reply.status == 404);
      CHECK(reply.body.size() < 40'000);
    }
    CHECK_THAT(std::string(wiki.answer(request_for("/" + alias + "/folder-1/pagge-5.md")).body),
               ContainsSubstring("<li><a href=\"/" + alias + "/folder-1/page-5.md\">"));
  }
  CHECK(cost([&] { CHECK(wiki.answer_now(request_for("/"))->status == 200); }) < 10);
}

TEST_CASE("a new page elsewhere leaves a response fresh, one beside it has it laid out again", "[server]") {
  const LargeWiki large(3, 5);
  const WikiServer wiki({"--root", large.root()});
  for (const std::string path : {"/large/folder-0/page-1.md", "/large/folder-2/page-1.md"}) {
    CHECK(wiki.response_status(path) == "responses; fwd=uri-miss; stored");
    CHECK(wiki.response_status(path) == "responses; hit");
  }
  const auto etag = wiki.get("/large/folder-2/page-1.md").field("etag");
  large.write("folder-0/page-9.md", "# New\n");
  CHECK(eventually([&] { return wiki.get("/large/folder-0/page-1.md").body.find("page-9.md") != std::string::npos; }));
  CHECK(wiki.cache_status("/large/folder-2/page-1.md") == "render_cache; hit");
  CHECK(wiki.response_status("/large/folder-2/page-1.md") == "responses; hit");
  CHECK(wiki.get("/large/folder-2/page-1.md").field("etag") == etag);
  const auto stats = wiki.stats();
  CHECK(stats["pages"]["renders"] == 2);
  CHECK(stats["responses"]["renders"] == 3);
}

TEST_CASE("the pages of a large wiki stay in the response memory", "[server]") {
  const LargeWiki large(200, 200);
  const WikiServer wiki({"--root", large.root()});
  render_cache::test::HttpClient client(wiki.port());
  const auto round = [&] {
    for (int page = 0; page < 400; ++page) {
      const auto reply = client.ask("/large/" + LargeWiki::page(page % 200, page / 200 * 7));
      REQUIRE(reply.status == 200);
      REQUIRE(reply.body.size() < 4000 + max_navigation_bytes);
    }
  };
  round();
  const auto before = wiki.stats();
  round();
  const auto after = wiki.stats();
  CHECK(after["responses"]["near_hits"].get<int>() == before["responses"]["near_hits"].get<int>() + 400);
  CHECK(after["responses"]["renders"] == before["responses"]["renders"]);
  CHECK(after["outlines"]["renders"] == 1);
  CHECK(after["response_memory"]["too_large"] == 0);
}

#ifndef RENDER_CACHE_TEST_SANITIZED  // whose shadow is memory too

TEST_CASE("with a large wiki the process stays within its budget and 40 MB", "[server]") {
  const LargeWiki large(200, 200);
  const WikiServer wiki({"--root", large.root(), "--memory", "64MiB"});
  render_cache::test::HttpClient client(wiki.port());
  for (int page = 0; page < 40'000; page += 5) {
    REQUIRE(client.ask("/large/" + LargeWiki::page(page / 200, page % 200)).status == 200);
  }
  CHECK(wiki.resident_bytes() < (std::size_t{64} << 20) + 40'000'000);
}

#endif

}  // namespace navigation_tests
