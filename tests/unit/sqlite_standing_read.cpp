// What makes look-ups that come in quick succession cheaper, and what it must not cost: the log's end, a file's end, a child's.
#include <render_cache/store/sqlite.hpp>

#include "support/catch.hpp"
#include "support/sqlite_wiki.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sqlite_standing_read_tests {

using namespace render_cache;
using namespace render_cache::test;
using namespace std::chrono_literals;
using detail::SqliteStandingRead;
using Clock = std::chrono::steady_clock;

namespace {

const WikiKey key{"repo", "page.md"};

std::atomic<int> locked = 0;

int counted_fcntl(int file, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  if (command == F_SETLK) ++locked;
  return ::fcntl(file, command, argument);
}

/// While it lives, what SQLite locks and unlocks by system calls is counted in `locked`.
class CountsLocks {
 public:
  CountsLocks() { set(reinterpret_cast<sqlite3_syscall_ptr>(&counted_fcntl)); }
  CountsLocks(const CountsLocks&) = delete;
  CountsLocks& operator=(const CountsLocks&) = delete;
  ~CountsLocks() { set(nullptr); }

 private:
  static void set(sqlite3_syscall_ptr call) {
    auto* vfs = sqlite3_vfs_find(nullptr);
    vfs->xSetSystemCall(vfs, "fcntl", call);
  }
};

template <class Condition>
bool comes_true(const Condition& condition) {
  for (const auto end = Clock::now() + 60s; Clock::now() < end;) {
    if (condition()) return true;
  }
  return false;
}

void look_up(WikiStore& store, int times) {
  for (int i = 0; i < times; ++i) static_cast<void>(store.lookup(key, fingerprint(1)));
}

/// Whether a hundred look-ups in a row take hardly a lock. One that is alone takes two.
bool is_cheap(WikiStore& store) {
  const int before = locked;
  look_up(store, 100);
  return locked - before < 10;
}

bool gets_cheap(WikiStore& store) {
  return comes_true([&] { return is_cheap(store); });
}

auto count_in(const char* directory) {
  const std::filesystem::directory_iterator all(directory);
  return std::distance(begin(all), end(all));
}

bool is_open_though_deleted(const std::filesystem::path& path) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (target.starts_with(path.string()) && target.ends_with(" (deleted)")) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("sqlite: look-ups in quick succession lock nothing by system calls, and see what is newest") {
  const SqliteWiki wiki;
  WikiStore store(wiki.options());
  WikiStore other(wiki.options());
  store.publish(key, page(1));
  const CountsLocks counts;
  static_cast<void>(store.lookup(key, fingerprint(1)));
  const int before = locked;
  static_cast<void>(store.lookup(key, fingerprint(1)));
  CHECK(locked > before);  // one alone does
  for (int number = 2; number < 20; ++number) {
    CAPTURE(number);
    REQUIRE(gets_cheap(store));
    other.publish(key, page(number));
    CHECK(found(store, key, number) == number);
  }
}

TEST_CASE("sqlite: a few look-ups start no thread, and a file that is only read has none") {
  const SqliteWiki wiki;
  std::optional<WikiStore> store(wiki.options());
  store->publish(key, page(1));
  const auto threads = count_in("/proc/self/task");
  for (std::uint64_t i = 1; i < 2 * SqliteStandingRead::worth; ++i) CHECK(found(*store, key, 1) == 1);
  CHECK(count_in("/proc/self/task") == threads);
  CHECK(found(*store, key, 1) == 1);
  CHECK(count_in("/proc/self/task") == threads + 1);
  store.reset();
  CHECK(count_in("/proc/self/task") == threads);

  auto options = wiki.options();
  options.read_only = true;
  WikiStore only_reads(options);
  for (int i = 0; i < 1000; ++i) CHECK(found(only_reads, key, 1) == 1);
  CHECK(count_in("/proc/self/task") == threads);
}

TEST_CASE("sqlite: when look-ups no longer come, the log is let go, and can end") {
  const SqliteWiki wiki;
  WikiStore store(wiki.options());
  store.publish(key, page(1));
  const auto files = count_in("/proc/self/fd");
  const CountsLocks counts;
  for (int round = 0; round < 3; ++round) {
    REQUIRE(gets_cheap(store));
    CHECK(count_in("/proc/self/fd") == files + 2);  // the file and its log
    CHECK(comes_true([&] {
      std::this_thread::sleep_for(1ms);
      return count_in("/proc/self/fd") == files + 1;  // SQLite keeps the file's for the next one, as long as the process locks it
    }));
  }
  auto outside = wiki.outside();
  outside.query("SELECT count(*) FROM wiki_cache");  // opens the log
  CHECK(sqlite3_wal_checkpoint_v2(outside.handle(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr) == SQLITE_OK);
  CHECK(std::filesystem::file_size(wiki.path.string() + "-wal") == 0);
}

TEST_CASE("sqlite: a store that ends amid look-ups leaves no log") {
  const SqliteWiki wiki;
  {
    WikiStore store(wiki.options());
    store.publish(key, page(1));
    const CountsLocks counts;
    REQUIRE(gets_cheap(store));
  }
  CHECK_FALSE(std::filesystem::exists(wiki.path.string() + "-wal"));
}

TEST_CASE("sqlite: the log does not grow beyond its checkpoints, however many look-ups come between the writes", "[concurrent]") {
  const SqliteWiki wiki;
  WikiStore store(wiki.options());
  store.publish(key, page(1));
  const std::jthread looks([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) static_cast<void>(store.lookup(key, fingerprint(1)));
  });
  // Writes that are so far apart that look-ups are cheap at each of them.
  constexpr std::size_t bytes = 1 << 20, frame = 8192 + 24;
  std::uintmax_t longest = 0;
  for (std::size_t written = 0; written < 5 * SqliteWriter::checkpoint_frames; written += bytes / 8192) {
    std::this_thread::sleep_for(3 * SqliteStandingRead::pause);
    store.publish({"repo", "large.md"}, page(2, std::string(bytes, static_cast<char>('a' + written % 23))));
    longest = std::max(longest, std::filesystem::file_size(wiki.path.string() + "-wal"));
  }
  CHECK(longest / frame < 2 * SqliteWriter::checkpoint_frames);
}

TEST_CASE("sqlite: look-ups are cheap beside a long log when it is copied, and not before") {
  const SqliteWiki wiki;
  WikiStore store(wiki.options());
  store.publish(key, page(1));
  auto outside = wiki.outside();
  outside.run_script(
      "PRAGMA wal_autocheckpoint = 0; CREATE TABLE other (bytes BLOB);"
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) INSERT INTO other SELECT randomblob(8000) "
      "FROM n");
  const CountsLocks counts;
  for (const auto end = Clock::now() + 10 * SqliteStandingRead::pause; Clock::now() < end;) CHECK_FALSE(is_cheap(store));
  REQUIRE(sqlite3_wal_checkpoint_v2(outside.handle(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr) == SQLITE_OK);
  CHECK(gets_cheap(store));
  outside.run_script("INSERT INTO other SELECT randomblob(8000)");  // begins the log anew
  CHECK(gets_cheap(store));
}

TEST_CASE("sqlite: a file that was deleted amid look-ups is let go", "[concurrent]") {
  const SqliteWiki wiki;
  WikiStore store(wiki.options());
  store.publish(key, page(1));
  const CountsLocks counts;
  REQUIRE(gets_cheap(store));
  std::filesystem::remove(wiki.path);
  CHECK(is_open_though_deleted(wiki.path));
  CHECK(comes_true([&] { return store.lookup(key, fingerprint(1)).entry == nullptr; }));
  store.publish(key, page(1));
  CHECK(comes_true([&] {
    look_up(store, 200);
    return !is_open_though_deleted(wiki.path);
  }));
  CHECK(found(store, key, 1) == 1);
  CHECK(gets_cheap(store));
}

TEST_CASE("sqlite: in a child of fork() a store ends amid its parent's look-ups, and takes nothing from them") {
  const SqliteWiki wiki;
  auto store = std::make_unique<WikiStore>(wiki.options());
  store->publish(key, page(1));
  const CountsLocks counts;
  REQUIRE(gets_cheap(*store));
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::alarm(60);
    store.reset();
    ::_exit(0);
  }
  int status = -1;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(gets_cheap(*store));
  CHECK(found(*store, key, 1) == 1);
}

}  // namespace sqlite_standing_read_tests
