#include <render_cache/hasher/stat_memo.hpp>

#include "support/catch.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace stat_memo_tests {

using namespace render_cache;

namespace {

FileStamp stamp(long modified, unsigned long inode = 7) {
  struct ::stat state {};
  state.st_ino = inode;
  state.st_size = 100;
  state.st_mtim.tv_sec = modified;
  return FileStamp(state);
}

const detail::FileIdentity root{1, 2};

}  // namespace

TEST_CASE("a digest is remembered for the stamp it was read under, and for no other") {
  StatMemo memo(1000);
  memo.remember(root, "a.md", stamp(10), "one");
  CHECK(memo.recall(root, "a.md", stamp(10)) == "one");
  CHECK_FALSE(memo.recall(root, "a.md", stamp(11)));
  CHECK_FALSE(memo.recall(root, "a.md", stamp(10, 8)));

  memo.remember(root, "a.md", stamp(11), "two");
  CHECK(memo.recall(root, "a.md", stamp(11)) == "two");
  CHECK_FALSE(memo.recall(root, "a.md", stamp(10)));
}

TEST_CASE("each way to a file has a digest of its own, for it has to be opened, and so checked, itself") {
  StatMemo memo(1000);
  memo.remember(root, "a.md", stamp(10), "one");
  CHECK_FALSE(memo.recall(root, "link.md", stamp(10)));
  CHECK_FALSE(memo.recall({1, 3}, "a.md", stamp(10)));
  CHECK_FALSE(memo.recall({3, 2}, "a.md", stamp(10)));
  memo.remember(root, "link.md", stamp(10), "one");
  CHECK(memo.recall(root, "a.md", stamp(10)));
  CHECK(memo.recall(root, "link.md", stamp(10)));
}

TEST_CASE("the same path below many roots is as many files") {
  StatMemo memo(100'000);
  for (unsigned i = 1; i <= 5'000; ++i) memo.remember({1, i}, "a.md", stamp(10), std::to_string(i));
  unsigned own = 0;
  for (unsigned i = 1; i <= 5'000; ++i) own += memo.recall({1, i}, "a.md", stamp(10)) == std::to_string(i);
  CHECK(own == 5'000);
}

TEST_CASE("a full memo starts anew, and keeps what it then learns") {
  constexpr std::size_t capacity = 160;
  StatMemo memo(capacity);
  const auto path = [](std::size_t i) { return "page-" + std::to_string(i); };
  for (std::size_t i = 0; i < 10 * capacity; ++i) memo.remember(root, path(i), stamp(10), "digest");
  std::size_t known = 0;
  for (std::size_t i = 0; i < 10 * capacity; ++i) known += memo.recall(root, path(i), stamp(10)).has_value() ? 1 : 0;
  CHECK(known >= 1);
  CHECK(known <= capacity);
  CHECK(memo.recall(root, path(10 * capacity - 1), stamp(10)));

  memo.remember(root, path(10 * capacity - 1), stamp(11), "newer");  // one that is known needs no room
  CHECK(memo.recall(root, path(10 * capacity - 1), stamp(11)) == "newer");
}

TEST_CASE("a memo remembers as many files as it is told, and one in each of its parts at least") {
  const auto path = [](std::size_t i) { return "page-" + std::to_string(i); };
  for (const std::size_t capacity : {0u, 16u, 32u}) {
    StatMemo memo(capacity);
    for (std::size_t i = 0; i < 1000; ++i) memo.remember(root, path(i), stamp(10), "digest");
    std::vector<std::string> known;
    for (std::size_t i = 0; i < 1000; ++i) {
      if (memo.recall(root, path(i), stamp(10))) known.push_back(path(i));
    }
    if (capacity < 32) CHECK(known.size() == 16);
    CHECK(known.size() <= 32);
    // What is known already takes no room from others.
    for (const auto& each : known) {
      memo.remember(root, each, stamp(11), "newer");
      const auto forgotten = [&](const std::string& of) {
        return !memo.recall(root, of, stamp(10)) && !memo.recall(root, of, stamp(11));
      };
      CHECK(std::none_of(known.begin(), known.end(), forgotten));
    }
  }
}

TEST_CASE("now is the system's time") {
  const auto now = [] { return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count(); };
  const auto before = now(), asked = StatMemo::now(), after = now();
  CHECK(before <= asked);
  CHECK(asked <= after);
}

TEST_CASE("a stamp settles two seconds after its newest time, and one from the future does not") {
  constexpr std::int64_t second = 1'000'000'000;
  CHECK_FALSE(stamp(10).settled_at(12 * second - 1));
  CHECK(stamp(10).settled_at(12 * second));
  CHECK_FALSE(stamp(100).settled_at(50 * second));
  struct ::stat moved {};
  moved.st_mtim.tv_sec = 10;  // mv and cp -p keep this one
  moved.st_ctim.tv_sec = 20;
  CHECK_FALSE(FileStamp(moved).settled_at(21 * second));
}

}  // namespace stat_memo_tests
