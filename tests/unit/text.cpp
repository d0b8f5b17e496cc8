#include <render_cache/entry/text.hpp>

#include "support/catch.hpp"

#include <render_cache/wiki.hpp>

#include <cstdint>
#include <cstring>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

namespace text_tests {

using namespace render_cache;

TEST_CASE("well-formed UTF-8 is accepted and anything else is found where it stands") {
  CHECK(find_invalid_text("") == std::string::npos);
  CHECK(find_invalid_text("plain ASCII that is longer than eight bytes\t\n") == std::string::npos);
  CHECK(find_invalid_text("\xc3\xa9 \xe2\x82\xac \xf0\x9f\xa6\x80 \xef\xbf\xbd \xf4\x8f\xbf\xbf") == std::string::npos);
  const auto at = [](const std::string& bad) { return find_invalid_text("0123456789" + bad + "tail to read over"); };
  CHECK(at(std::string("\0", 1)) == 10);
  CHECK(at("\x80") == 10);                  // a continuation alone
  CHECK(at("\xc0\xaf") == 10);              // overlong
  CHECK(at("\xe0\x9f\xbf") == 10);          // overlong
  CHECK(at("\xed\xa0\x80") == 10);          // a surrogate
  CHECK(at("\xf0\x8f\xbf\xbf") == 10);      // overlong
  CHECK(at("\xf4\x90\x80\x80") == 10);      // beyond U+10FFFF
  CHECK(at("\xf5\x80\x80\x80") == 10);
  CHECK(find_invalid_text("abc\xe2\x82") == 3);  // cut short by the end
  for (std::size_t place = 0; place < 20; ++place) {
    std::string text(20, 'a');
    text[place] = '\0';
    CHECK(find_invalid_text(text) == place);
    text[place] = '\xff';
    CHECK(find_invalid_text(text) == place);
  }
}

TEST_CASE("of a text nothing is read that is behind its end") {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const memory = ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  char* const end = static_cast<char*>(memory) + page;
  REQUIRE(::mprotect(end, page, PROT_NONE) == 0);
  std::memset(memory, 'a', page);
  for (std::size_t size = 0; size < 100; ++size) CHECK(find_invalid_text({end - size, size}) == std::string::npos);
  end[-1] = '\xf0';
  for (std::size_t size = 1; size < 100; ++size) CHECK(find_invalid_text({end - size, size}) == size - 1);
  ::munmap(memory, 2 * page);
}

TEST_CASE("each byte of a character is within the bounds of Unicode's table of well-formed sequences") {
  const auto within = [](int byte, int low, int high) { return byte >= low && byte <= high; };
  for (int lead = 1; lead < 256; ++lead) {
    const int size = lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 1;
    const int low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80, high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    for (const int second : {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff}) {
      for (const int third : {0x7f, 0x80, 0xbf, 0xc0}) {
        for (const int fourth : {0x7f, 0x80, 0xbf, 0xc0}) {
          std::string text;
          for (const int byte : {lead, second, third, fourth}) text += static_cast<char>(byte);
          text.resize(static_cast<std::size_t>(size));
          const bool good = size == 1 ? lead < 0x80
                                      : within(second, low, high) && (size < 3 || within(third, 0x80, 0xbf)) &&
                                            (size < 4 || within(fourth, 0x80, 0xbf));
          if ((find_invalid_text(text) == text.npos) != good) FAIL(lead << ' ' << second << ' ' << third << ' ' << fourth);
        }
      }
    }
  }
}

TEST_CASE("what no store holds becomes U+FFFD, byte by byte, and the rest stays") {
  CHECK(valid_text("") == "");
  CHECK(valid_text("caf\xc3\xa9") == "caf\xc3\xa9");
  CHECK(valid_text(std::string("\0a\xff\xe2\x82", 5)) ==
        "\xef\xbf\xbd"
        "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("a value with a NUL byte or broken UTF-8 is refused by column and offset") {
  CHECK_NOTHROW(check_value(WikiPage{"<p>\xf0\x9f\xa6\x80</p>", {"{}"}}));
  CHECK_THROWS_AS(check_value(WikiPage{std::string("a\0", 2), {"{}"}}), InvalidValue);
  CHECK_THROWS_WITH(check_value(WikiPage{std::string("a\0", 2), {"{}"}}),
                    ContainsSubstring("'rendered_html' holds a NUL byte at offset 1"));
  CHECK_THROWS_WITH(check_value(WikiPage{"", {"\xff"}}), ContainsSubstring("'metadata' holds invalid UTF-8 at offset 0"));
}

TEST_CASE("a member of a value is bounded, and as much as the bound is taken") {
  WikiPage page{std::string(max_member_bytes, 'x'), {"{}"}};
  CHECK_NOTHROW(check_value(page));
  page.rendered_html += 'x';
  CHECK_THROWS_AS(check_value(page), InvalidValue);
}

TEST_CASE("a key is bounded by the sum of its texts") {
  CHECK_NOTHROW(check_key(WikiKey{std::string(1000, 'a'), std::string(max_key_bytes - 1000, 'b')}));
  CHECK_THROWS_AS(check_key(WikiKey{std::string(1000, 'a'), std::string(max_key_bytes - 999, 'b')}), InvalidKey);
}

namespace {

struct ViewKey {
  std::string_view repo_alias, page_path;
};

}  // namespace

}  // namespace text_tests

BOOST_HANA_ADAPT_STRUCT(text_tests::ViewKey, repo_alias, page_path);

namespace text_tests {

TEST_CASE("the hash of a key depends on its seed, on where a field ends, and not on owning its bytes") {
  const WikiKey key{"docs", "a/long/path/to/a/page.md"};
  CHECK(hash_key(key, 1) == hash_key(ViewKey{key.repo_alias, key.page_path}, 1));
  CHECK(hash_key(key, 1) != hash_key(key, 2));
  CHECK(hash_key(WikiKey{"ab", "c"}, 1) != hash_key(WikiKey{"a", "bc"}, 1));
  CHECK(hash_key(WikiKey{"a", ""}, 1) != hash_key(WikiKey{"", "a"}, 1));
  CHECK(hash_key(WikiKey{"", std::string("\0", 1)}, 1) != hash_key(WikiKey{"", std::string("\0\0", 2)}, 1));
  CHECK(describe_key(key) == "repo_alias='docs', page_path='a/long/path/to/a/page.md'");
}

namespace {

struct IdKey {
  Uuid id;
  std::int64_t number;
};

}  // namespace

}  // namespace text_tests

BOOST_HANA_ADAPT_STRUCT(text_tests::IdKey, id, number);

namespace text_tests {

TEST_CASE("no field of a key can cancel the seed") {
  // The constants that the hash is made of, as a key's author could choose them.
  for (const std::uint64_t constant : {0xa0761d6478bd642fu, 0xe7037ed1a0b428dbu, 0x8ebc6af09c88c6e3u}) {
    IdKey chosen{{}, static_cast<std::int64_t>(constant)};
    std::memcpy(chosen.id.begin(), &constant, 8);
    IdKey other = chosen;
    *(other.id.begin() + 12) = 1;
    CHECK(hash_key(chosen, 1) != hash_key(chosen, 2));
    CHECK(hash_key(chosen, 1) != hash_key(other, 1));
    CHECK(hash_key(IdKey{chosen.id, 1}, 1) != hash_key(IdKey{other.id, 1}, 1));
  }
}

TEST_CASE("hashes of similar keys spread over all bits") {
  int low[16] = {}, high[16] = {};
  for (int i = 0; i < 16000; ++i) {
    const auto hash = hash_key(WikiKey{"docs", "chapter-" + std::to_string(i) + ".md"}, 42);
    ++low[hash & 15];
    ++high[hash >> 60];
  }
  for (int i = 0; i < 16; ++i) {
    CHECK(std::abs(low[i] - 1000) < 200);  // 6 standard deviations
    CHECK(std::abs(high[i] - 1000) < 200);
  }
}

}  // namespace text_tests
