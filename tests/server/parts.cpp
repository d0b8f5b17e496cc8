#include "outline.hpp"

#include "http/negotiation.hpp"
#include "http/shares.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include "target.hpp"

#include <render_cache/entry/text.hpp>

namespace parts_tests {

using namespace wiki;
using render_cache::test::TemporaryDirectory;

namespace {

std::string text_of(const Outline& outline) {
  std::string text;
  for_each_item(outline, [&](const OutlineItem& item) {
    text += std::string(2 * item.depth, ' ') + std::string(item.title) + " -> " + std::string(item.path) + "\n";
  });
  return text;
}

Outline outline_of(const TemporaryDirectory& files) {
  const auto root = std::make_shared<const render_cache::DocumentRoot>(files.path());
  return OutlineRenderer().render({"x"}, OutlineHasher().freeze(root).content);
}

}  // namespace

TEST_CASE("gzip is used only where it is wanted", "[server]") {
  CHECK(http::accepts_gzip("gzip"));
  CHECK(http::accepts_gzip("deflate, GZIP ; q=0.2"));
  CHECK(http::accepts_gzip("br, *"));
  CHECK_FALSE(http::accepts_gzip(""));
  CHECK_FALSE(http::accepts_gzip("gzip;q=0"));
  CHECK_FALSE(http::accepts_gzip("gzip; q=0.000, *"));
  CHECK_FALSE(http::accepts_gzip("*;q=0"));
  CHECK_FALSE(http::accepts_gzip("gzip;q=x"));
  CHECK_FALSE(http::accepts_gzip("gzipped, identity"));
}

TEST_CASE("entity tags are found in a list, whole", "[server]") {
  CHECK(http::names_etag("\"a\", \"b\"", "\"b\""));
  CHECK(http::names_etag("W/\"b\"", "\"b\""));
  CHECK(http::names_etag("*", "\"b\""));
  CHECK_FALSE(http::names_etag("\"bb\"", "\"b\""));
  CHECK_FALSE(http::names_etag("", "\"b\""));
}

TEST_CASE("a target is decoded once", "[server]") {
  const auto target = parse_target("/book/a%20b/%2525.md?query#fragment");
  CHECK(target.alias == "book");
  CHECK(target.path == "a b/%25.md");
  CHECK(parse_target("/book").has_path == false);
  CHECK(parse_target("/book/").has_path);
  CHECK(parse_target("/book/%2e%2E/x").problem == Target::Problem::malformed);
  CHECK(parse_target("/book/.git/x").problem == Target::Problem::hidden);
  CHECK(parse_target("/book//x").problem == Target::Problem::hidden);
  CHECK(parse_target("*").problem == Target::Problem::malformed);
}

TEST_CASE("an outline follows the book's own table of contents", "[server]") {
  const TemporaryDirectory files;
  files.write("SUMMARY.md",
              "# My Book\n\n[Preface](./preface.md)\n\n# Part one\n\n- [`if` \\[and\\] *else*](a%20b.md)\n"
              "    - [Deep](deep/x.md)\n        * [Deeper](deep/y.md#part)\n- [Later]()\n\n---\n\n[Out](https://example.org)\n"
              "[Up](../secret.md)\r\n[End](end.md)\r\n");
  const auto outline = outline_of(files);
  CHECK(outline.title == "My Book");
  CHECK(text_of(outline) ==
        "Preface -> preface.md\nPart one -> #\nif [and] else -> a b.md\n  Deep -> deep/x.md\n    Deeper -> deep/y.md\n"
        "Later -> \nEnd -> end.md\n");
}

TEST_CASE("an outline is a text that every store can hold, whatever is in the book's table of contents", "[server]") {
  const TemporaryDirectory files;
  files.write("SUMMARY.md", std::string("# \xff\n- [a\0\xfe](a.md)\n", 17));
  const auto outline = outline_of(files);
  CHECK_NOTHROW(render_cache::check_value(outline));
  CHECK(outline.title == "\xef\xbf\xbd");
  CHECK(text_of(outline) == "a\xef\xbf\xbd\xef\xbf\xbd -> a.md\n");
}

TEST_CASE("without one an outline is made of the files' names", "[server]") {
  const TemporaryDirectory files;
  for (const std::string name :
       {"README.md", "page10.md", "page9.md", "guide/start-here.md", "guide/README.md", "guide/deep/x.md", "notes/a_b.md",
        "Zebra.markdown", "apple.md", ".hidden.md", ".git/x.md", "image.png"}) {
    files.write(name, "x");
  }
  CHECK(text_of(outline_of(files)) ==
        "Overview -> README.md\nApple -> apple.md\nGuide -> guide/README.md\n  Deep -> guide/deep/\n    X -> guide/deep/x.md\n"
        "  Start here -> guide/start-here.md\nNotes -> notes/\n  A b -> notes/a_b.md\nPage9 -> page9.md\nPage10 -> page10.md\n"
        "Zebra -> Zebra.markdown\n");
}

TEST_CASE("a client's share is a quarter, of all its addresses together, and all for who asks from this machine", "[server]") {
  const auto at = [](const char* text) { return boost::asio::ip::make_address(text); };
  http::Shares shares(0, 8);
  for (const char* here : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) CHECK(shares.share_of(at(here)) == 8);
  for (const char* there : {"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "0.0.0.0"}) CHECK(shares.share_of(at(there)) == 2);
  CHECK(http::Shares(0, 1).share_of(at("192.0.2.1")) == 1);
  CHECK(http::Shares(3, 8).share_of(at("127.0.0.1")) == 3);

  CHECK(shares.take(at("192.0.2.1")));
  CHECK(shares.take(at("::ffff:192.0.2.1")));  // the same one
  CHECK_FALSE(shares.take(at("192.0.2.1")));
  CHECK(shares.take(at("192.0.2.2")));
  CHECK(shares.take(at("2001:db8::1")));
  CHECK(shares.take(at("2001:db8::ffff:1")));  // who has one address has all with the same 64 bits
  CHECK_FALSE(shares.take(at("2001:db8::2")));
  CHECK(shares.take(at("2001:db8:0:1::2")));
  shares.give_back(at("192.0.2.1"));
  CHECK(shares.take(at("192.0.2.1")));
  CHECK_FALSE(shares.take(at("192.0.2.1")));
}

}  // namespace parts_tests
