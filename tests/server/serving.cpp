#include "support/catch.hpp"
#include "support/wiki_process.hpp"

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

namespace serving_tests {

namespace fs = std::filesystem;
using namespace render_cache::test;

namespace {

struct Book {
  TemporaryDirectory files;
  Book() {
    files.write("README.md", "# The book\n\nRead [the first chapter](guide/first.md#a-part).\n\n![drawing](img/drawing.svg)\n");
    files.write("guide/first.md", "# First chapter\n\n## A part\n\nText.\n\n## Another part\n\nMore.\n\n[Back](../README.md)\n");
    files.write("guide/second.md", "# Second chapter\n\n[Built](first.html) and [gone](gone.md).\n");
    files.write("img/drawing.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
  }
  [[nodiscard]] std::string root() const { return "book=" + files.path().string(); }
};

std::vector<std::string> matches(const std::string& html, const std::string& pattern) {
  std::vector<std::string> found;
  const std::regex expression(pattern);
  for (std::sregex_iterator at(html.begin(), html.end(), expression), end; at != end; ++at) found.push_back((*at)[1]);
  return found;
}

std::string unescaped(std::string text) {
  for (std::size_t at; (at = text.find("&#39;")) != text.npos;) text.replace(at, 5, "'");
  for (std::size_t at; (at = text.find("&amp;")) != text.npos;) text.replace(at, 5, "&");
  return text;
}

}  // namespace

TEST_CASE("a page is rendered once and then a hit; an edit renders it again", "[server]") {
  const Book book;
  const WikiServer wiki({"--root", book.root()});
  CHECK(wiki.cache_status("/book/guide/first.md") == "render_cache; fwd=uri-miss; stored");
  CHECK(wiki.cache_status("/book/guide/first.md") == "render_cache; hit");
  book.files.write("guide/first.md", "# First chapter\n\nEdited.\n");
  const auto edited = wiki.get("/book/guide/first.md");
  CHECK(edited.field("cache-status") ==
        "render_cache; fwd=miss; stored; detail=\"source\", responses; fwd=miss; stored; detail=\"source\"");
  CHECK_THAT(edited.body, ContainsSubstring("Edited."));
  CHECK(wiki.cache_status("/book/guide/first.md") == "render_cache; hit");
}

TEST_CASE("a settled page is answered by the I/O thread alone", "[server]") {
  const Book book;
  const WikiServer wiki({"--root", book.root()});
  for (const auto& file : fs::recursive_directory_iterator(book.files.path())) {
    if (file.is_regular_file()) fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(1));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));  // the change time, which cannot be set
  CHECK(eventually([&] { return wiki.cache_status("/book/guide/first.md") == "render_cache; hit"; }));
  CHECK(eventually([&] {
    const auto before = wiki.stats();
    const bool hit = wiki.cache_status("/book/guide/first.md") == "render_cache; hit";
    const auto after = wiki.stats();
    return hit && after["responses"]["near_hits"] == before["responses"]["near_hits"].get<int>() + 1 &&
           after["pages"]["hits"] == before["pages"]["hits"];
  }));
}

TEST_CASE("the layout has navigation, breadcrumbs, contents, and the pages before and after", "[server]") {
  const Book book;
  const WikiServer wiki({"--root", book.root()});
  const auto page = wiki.get("/book/guide/first.md").body;
  CHECK_THAT(page, ContainsSubstring("<title>First chapter \xC2\xB7 book</title>"));
  CHECK_THAT(page, ContainsSubstring("<a href=\"/book/guide/first.md\" aria-current=\"page\">First</a>"));
  CHECK_THAT(page, ContainsSubstring("<li><a href=\"/book/guide/\">Guide</a></li><li aria-current=\"page\">First chapter</li>"));
  CHECK_THAT(page, ContainsSubstring("<a href=\"#user-content-another-part\">Another part</a>"));
  CHECK_THAT(page, ContainsSubstring("rel=\"prev\" href=\"/book/README.md\""));
  CHECK_THAT(page, ContainsSubstring("rel=\"next\" href=\"/book/guide/second.md\""));
}

TEST_CASE("the root lists the repositories, a repository shows its first page, a folder its pages", "[server]") {
  const Book book, other;
  const WikiServer wiki({"--root", book.root(), "--root", "other=" + other.files.path().string()});
  const auto index = wiki.get("/").body;
  CHECK_THAT(index, ContainsSubstring("<a href=\"/book/\">book</a>"));
  CHECK_THAT(index, ContainsSubstring("<a href=\"/other/\">other</a>"));
  CHECK_THAT(wiki.get("/book/").body, ContainsSubstring("The book"));
  CHECK(wiki.get("/book").field("location") == "/book/");
  CHECK_THAT(wiki.get("/book/guide/").body, ContainsSubstring("<a href=\"/book/guide/second.md\">"));
  CHECK(wiki.get("/book/guide").field("location") == "/book/guide/");
  CHECK(wiki.get("/book/img/").status == 404);  // there is nothing to list
  // A folder with a first page has a list all the same.
  CHECK_THAT(wiki.get("/book/?page=1").body, ContainsSubstring("<a href=\"/book/guide/\">Guide</a>"));
  CHECK(wiki.get("/book/?page=1").field("cache-status") == "responses; hit");
  CHECK(wiki.get("/book/?page=2").status == 404);
  CHECK_THAT(wiki.get("/book/?other=1").body, ContainsSubstring("The book"));
}

TEST_CASE("the root of a server with one repository is that repository's first page, or its list", "[server]") {
  const Book book;
  const WikiServer wiki({"--root", book.root()});
  CHECK(wiki.get("/").status == 200);
  CHECK(wiki.get("/").body == wiki.get("/book/").body);
  CHECK(wiki.cache_status("/") == "render_cache; hit");
  CHECK_THAT(wiki.get("/").body, ContainsSubstring("<a href=\"/book/guide/first.md#"));
  const TemporaryDirectory files;
  files.write("root/a.md", "# A\n");
  const WikiServer listed({"--root", "pages=" + (files / "root").string()});
  CHECK(listed.get("/").body == listed.get("/pages/").body);
  CHECK_THAT(listed.get("/").body, ContainsSubstring("<a href=\"/pages/a.md\">"));
}

TEST_CASE("a new page is in the navigation a moment later", "[server]") {
  const Book book;
  const WikiServer wiki({"--root", book.root()});
  wiki.get("/book/guide/first.md");
  book.files.write("guide/third.md", "# Third\n");
  CHECK(wiki.get("/book/guide/third.md").status == 200);
  CHECK(eventually(
      [&] { return wiki.get("/book/guide/first.md").body.find("href=\"/book/guide/third.md\"") != std::string::npos; }));
}

TEST_CASE("addresses of what a book is built into lead to its pages", "[server]") {
  const Book book;
  const WikiServer wiki({"--root", book.root()});
  CHECK(wiki.get("/book/guide/first.html").field("location") == "/book/guide/first.md");
  CHECK(wiki.get("/book/guide/first").field("location") == "/book/guide/first.md");
  CHECK(wiki.get("/book/guide/index.html").field("location") == "/book/guide/");
}

TEST_CASE("a client that has the page already gets 304", "[server]") {
  const Book book;
  const WikiServer wiki({"--root", book.root()});
  const auto etag = wiki.get("/book/README.md").field("etag");
  REQUIRE(etag.size() > 10);
  const auto same = wiki.get("/book/README.md", {{"If-None-Match", "\"other\", W/" + etag}});
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  CHECK(same.field("etag") == etag);
  CHECK(wiki.get("/book/README.md", {{"If-None-Match", "\"other\""}}).status == 200);
  book.files.write("README.md", "# Changed\n");
  const auto changed = wiki.get("/book/README.md", {{"If-None-Match", etag}});
  CHECK(changed.status == 200);
  CHECK(changed.field("etag") != etag);

  const auto drawing = wiki.get("/book/img/drawing.svg").field("etag");
  CHECK(wiki.get("/book/img/drawing.svg", {{"If-None-Match", drawing}}).status == 304);
}

TEST_CASE("HEAD answers as GET does, without the body", "[server]") {
  const Book book;
  const WikiServer wiki({"--root", book.root()});
  for (const std::string target : {"/", "/book/README.md", "/book/img/drawing.svg", "/book/none.md"}) {
    wiki.get(target);
    const auto get = wiki.get(target), head = wiki.get(target, {}, "HEAD");
    CHECK(head.status == get.status);
    CHECK(head.body.empty());
    CHECK(head.field("content-length") == std::to_string(get.body.size()));
    CHECK(head.field("etag") == get.field("etag"));
  }
}

TEST_CASE("pages are compressed where that is asked for, under an entity tag of their own", "[server]") {
  const Book book;
  const WikiServer wiki({"--root", book.root()});
  const auto plain = wiki.get("/book/README.md");
  const auto packed = wiki.get("/book/README.md", {{"Accept-Encoding", "br;q=1, gzip;q=0.5"}});
  CHECK(packed.field("content-encoding") == "gzip");
  CHECK(gunzipped(packed.body) == plain.body);
  CHECK(packed.field("etag") != plain.field("etag"));
  CHECK(packed.field("vary") == "Accept-Encoding");
  CHECK(plain.field("vary") == "Accept-Encoding");
  CHECK(wiki.get("/book/README.md", {{"Accept-Encoding", "gzip;q=0"}}).field("content-encoding").empty());
  CHECK(wiki.get("/book/README.md", {{"Accept-Encoding", "identity"}}).field("content-encoding").empty());
}

TEST_CASE("files have their types, and no script in them runs", "[server]") {
  const Book book;
  book.files.write("evil.html", "<script>alert(1)</script>");
  book.files.write("data.bin", std::string(100'000, 'x'));
  const WikiServer wiki({"--root", book.root()});
  const auto drawing = wiki.get("/book/img/drawing.svg");
  CHECK(drawing.field("content-type") == "image/svg+xml");
  CHECK_THAT(drawing.field("content-security-policy"), ContainsSubstring("sandbox") && ContainsSubstring("default-src 'none'"));
  CHECK(drawing.field("x-content-type-options") == "nosniff");
  CHECK_THAT(wiki.get("/book/evil.html").field("content-security-policy"), ContainsSubstring("sandbox"));
  const auto data = wiki.get("/book/data.bin");
  CHECK(data.field("content-type") == "application/octet-stream");
  CHECK(data.body == std::string(100'000, 'x'));
}

TEST_CASE("a missing page has a page of its own, with what is like it", "[server]") {
  const Book book;
  const WikiServer wiki({"--root", book.root()});
  const auto reply = wiki.get("/book/guide/secnd.md");
  CHECK(reply.status == 404);
  CHECK_THAT(reply.body,
             ContainsSubstring("There is no such page") && ContainsSubstring("<li><a href=\"/book/guide/second.md\">"));
  CHECK(wiki.get("/nobody/README.md").status == 404);
}

TEST_CASE("health and statistics are JSON", "[server]") {
  const Book book;
  const WikiServer wiki({"--root", book.root()});
  CHECK(nlohmann::json::parse(wiki.get("/-/health").body)["status"] == "ok");
  wiki.get("/book/README.md");
  wiki.get("/book/README.md");
  wiki.get("/book/none.md");
  const auto stats = wiki.stats();
  CHECK(stats["pages"]["renders"] == 1);
  CHECK(stats["pages"]["misses"]["absent"] == 1);
  CHECK(stats["errors"]["not_found"] == 1);
  CHECK(stats["store"]["kind"] == "memory");
  CHECK(stats["server"]["requests"].get<int>() >= 4);
}

TEST_CASE("all that is inserted into a page is escaped", "[server]") {
  const TemporaryDirectory files;
  files.write("a&b <i>.md", "Text.\n");
  files.write("quote\"'.md", "---\ntitle: \"<b>bold</b>\"\n---\nText.\n");
  const WikiServer wiki({"--root", "odd=" + files.path().string()});
  const auto page = wiki.get("/odd/a%26b%20%3Ci%3E.md");
  CHECK(page.status == 200);
  CHECK(page.body.find("<i>") == std::string::npos);
  CHECK_THAT(page.body, ContainsSubstring("A&amp;b &lt;i&gt;"));
  const auto other = wiki.get("/odd/quote%22'.md");
  CHECK(other.status == 200);
  CHECK(other.body.find("<b>") == std::string::npos);
  for (const auto& href : matches(page.body, "href=\"(/odd/[^\"]*)\"")) CHECK(wiki.get(unescaped(href)).status == 200);
}

TEST_CASE("keep-alive and pipelined requests are answered in order", "[server]") {
  const Book book;
  const WikiServer wiki({"--root", book.root()});
  HttpClient client(wiki.port());
  client.send(
      "GET /book/README.md HTTP/1.1\r\nHost: localhost\r\n\r\nGET /-/health HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /book/guide/first.md HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  CHECK_THAT(client.receive().body, ContainsSubstring("The book"));
  CHECK(client.receive().field("content-type") == "application/json");
  const auto last = client.receive();
  CHECK_THAT(last.body, ContainsSubstring("First chapter"));
  CHECK(last.field("connection") == "close");
}

TEST_CASE("one crawl from the root finds every page, and no dead link that is not dead in the source", "[server]") {
  const char* data = std::getenv("RENDER_CACHE_DATA");
  const bool has_data = data != nullptr && fs::exists(fs::path(data) / "wiki/rust-book");
  const fs::path folder = has_data ? fs::path(data) / "wiki/rust-book" : fs::path(RENDER_CACHE_SOURCE_DIR) / "docs";
  const WikiServer wiki({"--root", "book=" + folder.string()});
  HttpClient client(wiki.port());

  std::set<std::string> seen{"/"};
  std::set<std::string> pages, images, dead;
  for (std::deque<std::string> open{"/"}; !open.empty(); open.pop_front()) {
    const auto target = open.front();
    auto reply = client.ask(target);
    for (int hops = 0; reply.status == 302 && hops < 3; ++hops) reply = client.ask(reply.field("location"));
    if (reply.status != 200) {
      dead.insert(target);
      continue;
    }
    if (target.ends_with(".md")) pages.insert(target);
    if (!reply.field("content-type").starts_with("text/html")) continue;
    for (auto link : matches(reply.body, "<(?:a|link)[^>]* href=\"(/[^\"#]*)")) {
      if (seen.insert(link = unescaped(link)).second) open.push_back(link);
    }
    for (auto image : matches(reply.body, "<img[^>]* src=\"(/[^\"]*)\"")) {
      images.insert(image = unescaped(image));
      if (seen.insert(image).second) open.push_back(image);
    }
  }

  // What leads out of the folder, or to a file that is not there, is dead in the source already.
  for (const auto& target : dead) {
    CAPTURE(target);
    CHECK_FALSE(images.contains(target));
    CHECK_FALSE(fs::exists(folder / target.substr(std::string("/book/").size())));
    CHECK_FALSE(fs::exists(folder / (fs::path(target.substr(6)).replace_extension(".md"))));
  }
  std::size_t expected = 0;
  for (const auto& file : fs::recursive_directory_iterator(folder)) expected += file.path().extension() == ".md" ? 1 : 0;
  // Nothing leads to SUMMARY.md but the root, and that only where there is no other first page.
  CHECK(pages.size() >= expected - (fs::exists(folder / "SUMMARY.md") ? 1 : 0));
  if (has_data) {
    CHECK(expected == 112);
    CHECK(images.size() > 10);
  }
  CHECK(wiki.stats()["pages"]["render_failures"] == 0);
}

TEST_CASE("Prometheus scrapes what the caches and the server count", "[server]") {
  TemporaryDirectory files;
  files.write("a.md", "# A\n");
  const WikiServer wiki({"--root", "docs=" + files.path().string(), "--store", "memory"});
  CHECK(wiki.get("/docs/a.md").status == 200);
  CHECK(wiki.get("/docs/a.md").status == 200);
  CHECK(wiki.get("/docs/b.md").status == 404);
  for (const auto* const address : {"/metrics", "/-/metrics"}) {
    const auto scraped = wiki.get(address);
    CHECK(scraped.status == 200);
    CHECK(scraped.field("content-type") == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(scraped.field("cache-control") == "no-store");
    for (const auto* const line : {
             "# TYPE render_cache_lookup_seconds histogram\n",
             "render_cache_render_seconds_count{cache=\"pages\",result=\"done\"} 1\n",
             "render_cache_lookup_seconds_count{cache=\"pages\",result=\"absent\"} 1\n",
             "# TYPE wiki_replies_total counter\n",
             "wiki_replies_total{status=\"4xx\"} 1\n",
             "# TYPE wiki_response_memory_entries gauge\nwiki_response_memory_entries 1\n",
         }) {
      CHECK_THAT(scraped.body, ContainsSubstring(line));
    }
    CHECK_THAT(scraped.body, !ContainsSubstring("render_cache_near_hits_total{cache=\"responses\"} 0\n"));
  }
}

TEST_CASE("a repository may be called metrics", "[server]") {
  TemporaryDirectory files;
  files.write("README.md", "# Mine\n");
  const WikiServer wiki({"--root", "metrics=" + files.path().string(), "--store", "memory"});
  CHECK(wiki.get("/metrics").status == 302);
  CHECK_THAT(wiki.get("/-/metrics").body, ContainsSubstring("wiki_requests_total"));
}

TEST_CASE("every metric on the dashboard is served", "[server]") {
  TemporaryDirectory files;
  const WikiServer wiki({"--root", "docs=" + files.path().string(), "--store", "memory"});
  const auto served = wiki.get("/metrics").body;
  std::ifstream file(RENDER_CACHE_SOURCE_DIR "/examples/wiki/grafana.json");
  const auto board = nlohmann::json::parse(file).at("panels").dump();
  const std::regex name("(render_cache|wiki)_[a-z_]+");
  std::size_t names = 0;
  for (std::sregex_iterator at(board.begin(), board.end(), name), end; at != end; ++at, ++names) {
    INFO(at->str());
    CHECK((served.find('\n' + at->str() + '{') != served.npos || served.find('\n' + at->str() + ' ') != served.npos));
  }
  CHECK(names > 10);
}

}  // namespace serving_tests
