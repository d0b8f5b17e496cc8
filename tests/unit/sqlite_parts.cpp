// What a SqliteStore is made of, each part alone: connections and transactions, the lock between processes, the files. What keeps
// them together is in sqlite_file.cpp.
#include <render_cache/store/sqlite.hpp>

#include "support/answered_calls.hpp"
#include "support/catch.hpp"
#include "support/sqlite_wiki.hpp"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sqlite3.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace sqlite_parts_tests {

using namespace render_cache;
using namespace render_cache::test;
using namespace std::chrono_literals;
using Access = SqliteConnection::Access;
namespace fs = std::filesystem;

namespace {

auto open_files() { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); }

std::string message_of(auto&& call) {
  try {
    call();
  } catch (const StoreError& error) {
    return error.what();
  }
  throw std::logic_error("it did not fail");
}

/// While it lives, the next file that is opened is number 0.
class NoStandardInput {
 public:
  NoStandardInput() : input_(::dup(0)) { ::close(0); }
  NoStandardInput(const NoStandardInput&) = delete;
  NoStandardInput& operator=(const NoStandardInput&) = delete;
  ~NoStandardInput() {
    ::dup2(input_, 0);
    ::close(input_);
  }

 private:
  int input_;
};

struct Database : TemporaryDirectory {
  fs::path file = *this / "a.db";
  [[nodiscard]] SqliteConnection connect(Access access = Access::write) const { return {file, access, 1ms}; }
};

}  // namespace

TEST_CASE("sqlite: an error says which file, which statement and what was wrong") {
  const Database database;
  CHECK_THROWS_AS(database.connect(Access::read), StoreError);
  CHECK_THAT(message_of([&] { static_cast<void>(database.connect(Access::read)); }),
             ContainsSubstring("unable to open database file"));
  auto connection = database.connect();
  const auto message = message_of([&] { connection.run_script("SELECT 1 FROM absent"); });
  CHECK_THAT(message, ContainsSubstring("'" + database.file.string() + "', SELECT 1 FROM absent"));
  CHECK_THAT(message, ContainsSubstring("no such table: absent"));
  CHECK_THAT(message, !ContainsSubstring("..."));
  std::string statement = "SELECT 1 FROM absent --";
  statement.resize(120, 'x');
  CHECK_THAT(message_of([&] { connection.query(statement); }), ContainsSubstring(statement) && !ContainsSubstring("..."));
  CHECK_THAT(message_of([&] { connection.query(statement + "y"); }), ContainsSubstring(statement + "..."));
  const auto longer = message_of([&] { connection.query(statement + "yz"); });
  CHECK_THAT(longer, ContainsSubstring(statement + "...") && !ContainsSubstring("y..."));
}

TEST_CASE("sqlite: a parameter that a statement has not is an error") {
  const Database database;
  auto connection = database.connect();
  SqliteStatement statement(connection, "SELECT 1");
  auto run = statement.run();
  CHECK_THROWS_AS(run.bind("text"), StoreError);
}

TEST_CASE("sqlite: a transaction that writes has the file to itself at once, one that reads has not") {
  const Database database;
  auto one = database.connect(), other = database.connect();
  one.run_script("PRAGMA journal_mode = wal; CREATE TABLE t (x)");
  {
    SqliteTransaction writes(one, Access::write);
    CHECK_THROWS_AS(SqliteTransaction(other, Access::write), StoreUnavailable);
    SqliteTransaction reads(other, Access::read);
    CHECK(other.query("SELECT count(*) FROM t").at(0).at(0) == "0");
    one.run_script("INSERT INTO t VALUES (1)");
  }
  CHECK(one.query("SELECT count(*) FROM t").at(0).at(0) == "0");  // it was not committed
  SqliteTransaction writes(other, Access::write);
  other.run_script("INSERT INTO t VALUES (1)");
  writes.commit();
  CHECK(one.query("SELECT count(*) FROM t").at(0).at(0) == "1");
}

TEST_CASE("sqlite: the lock between processes is held by one, and passes over to a new file when its own was deleted") {
  const TemporaryDirectory directory;
  const auto path = (directory / "lock").string();
  const auto before = open_files();
  {
    SqliteFileLock one(path), other(path);
    one.lock(0ms);
    CHECK_THROWS_AS(other.lock(1ms), StoreUnavailable);
    CHECK_THROWS_WITH(other.lock(0ms), ContainsSubstring("has been locked for 0 ms"));
    one.unlock();
    other.lock(0ms);
    fs::remove(path);
    other.unlock();
    one.lock(0ms);  // gets that of the deleted file, which is nobody's any more
    CHECK(fs::exists(path));
    SqliteFileLock third(path);
    CHECK_THROWS_AS(third.lock(0ms), StoreUnavailable);
    CHECK(open_files() == before + 3);
  }
  CHECK(open_files() == before);
  SqliteFileLock nowhere((directory / "absent/lock").string());
  CHECK_THROWS_WITH(nowhere.lock(0ms), ContainsSubstring("cannot be opened: No such file or directory"));
}

TEST_CASE("sqlite: the lock is a file that others may read, and who waits for it sleeps") {
  const TemporaryDirectory directory;
  const auto path = (directory / "lock").string();
  SqliteFileLock one(path), other(path);
  one.lock(0ms);
  CHECK((fs::status(path).permissions() & (fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec)) ==
        fs::perms::none);
  const auto busy = [] {
    ::timespec time;
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  const auto before = busy();
  CHECK_THROWS_AS(other.lock(300ms), StoreUnavailable);
  CHECK(busy() - before < 100ms);
}

TEST_CASE("sqlite: a program without standard input may get its number for a lock or a mark") {
  const TemporaryDirectory directory;
  const auto path = (directory / "lock").string();
  const auto before = open_files();
  bool deleted = true;
  {
    const NoStandardInput none;
    {
      SqliteFileLock lock(path);
      for (int turn = 0; turn < 2; ++turn) {
        lock.lock(0ms);
        lock.unlock();
      }
    }
    deleted = detail::FileMark(path).deleted();
    CHECK(open_files() == before);  // one less and a copy
  }
  CHECK_FALSE(deleted);
  CHECK(open_files() == before);
}

TEST_CASE("sqlite: a lock that cannot be had is said at once, and not taken for another's") {
  const TemporaryDirectory directory;
  SqliteFileLock lock((directory / "lock").string());
  const int its_file = ::dup(0);  // the number of the next one
  ::close(its_file);
  lock.lock(0ms);
  lock.unlock();
  ::close(its_file);
  CHECK_THROWS_WITH(lock.lock(2s), ContainsSubstring("cannot be locked: Bad file descriptor"));
}

TEST_CASE("sqlite: a writer that cannot have the lock when it ends leaves its log as it is") {
  const TemporaryDirectory directory;
  const auto path = directory / "a.db";
  SqliteFileLock other(path.string() + "-lock");
  {
    SqliteWriter writer({.path = path, .busy_timeout = 1ms});
    {
      const SqliteWriter::Turn turn(writer);
      writer.connection().run_script("CREATE TABLE t (x)");
    }
    other.lock(0ms);
  }
  CHECK(fs::file_size(path.string() + "-wal") > 0);
  other.unlock();
  { const SqliteWriter writer({.path = path, .busy_timeout = 1ms}); }
  CHECK_FALSE(fs::exists(path.string() + "-wal"));
  CHECK(SqliteConnection(path, Access::read, 1ms).query("SELECT count(*) FROM t").at(0).at(0) == "0");
}

TEST_CASE("sqlite: a file system without shared memory is refused in words") {
  struct NoSharedMemory {
    sqlite3_vfs* const usual = sqlite3_vfs_find(nullptr);
    NoSharedMemory() { sqlite3_vfs_register(sqlite3_vfs_find("unix-none"), 1); }
    NoSharedMemory(const NoSharedMemory&) = delete;
    NoSharedMemory& operator=(const NoSharedMemory&) = delete;
    ~NoSharedMemory() { sqlite3_vfs_register(usual, 1); }
  };
  const NoSharedMemory none;
  const TemporaryDirectory directory;
  CHECK_THROWS_WITH(SqliteWriter({.path = directory / "a.db"}),
                    ContainsSubstring("the write-ahead log is refused (journal mode 'delete'); is it on a network file system?"));
}

TEST_CASE("sqlite: a text that there is no memory for is not an empty one") {
  const Database database;
  auto connection = database.connect();
  SqliteStatement statement(connection, "SELECT zeroblob(100000000)");
  auto run = statement.run();
  REQUIRE(run.step());
  struct LittleMemory {
    const sqlite3_int64 before = sqlite3_hard_heap_limit64(50'000'000);
    LittleMemory() = default;
    LittleMemory(const LittleMemory&) = delete;
    LittleMemory& operator=(const LittleMemory&) = delete;
    ~LittleMemory() { sqlite3_hard_heap_limit64(before); }
  };
  const LittleMemory little;
  CHECK_THROWS_AS(run.column_text(0), std::bad_alloc);
}

TEST_CASE("sqlite: a query of live groups that the file fails is no wrong query") {
  const Database database;
  auto connection = database.connect();
  sqlite3_create_function(
      connection.handle(), "fails", 1, SQLITE_UTF8, nullptr,
      [](sqlite3_context* context, int, sqlite3_value** code) { sqlite3_result_error_code(context, sqlite3_value_int(*code)); },
      nullptr, nullptr);
  const auto fails_with = [](int code) { return "SELECT fails(" + std::to_string(code) + ")"; };
  const auto each = [](auto&) {};
  CHECK_THROWS_AS(detail::run_live_query(connection, fails_with(SQLITE_CORRUPT), 0ms, each), SqliteCorrupt);
  CHECK_THROWS_AS(detail::run_live_query(connection, fails_with(SQLITE_IOERR), 0ms, each), StoreUnavailable);
  CHECK_THROWS_WITH(detail::run_live_query(connection, fails_with(SQLITE_ERROR), 0ms, each),
                    ContainsSubstring("must be one SELECT"));
}

TEST_CASE("sqlite: a database that cannot be moved aside is an error") {
  const TemporaryDirectory directory;
  CHECK_THROWS_WITH(detail::set_aside((directory / "absent.db").string()),
                    ContainsSubstring("is damaged and cannot be moved to") && ContainsSubstring("absent.db.corrupt-1'"));
}

TEST_CASE("sqlite: a time-out ends with the query that it is for") {
  const Database database;
  auto connection = database.connect();
  const std::string slow =
      "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 100000) SELECT count(*) FROM c";
  std::optional<detail::SqliteTimeout> limit;
  limit.emplace(connection, 1ms);
  std::this_thread::sleep_for(2ms);
  CHECK_THROWS_AS(connection.query(slow), StoreError);
  CHECK(limit->interrupted());
  limit.reset();
  CHECK(connection.query(slow).at(0).at(0) == "100000");
  limit.emplace(connection, 0ms);
  CHECK(connection.query(slow).at(0).at(0) == "100000");
  CHECK_FALSE(limit->interrupted());
}

TEST_CASE("sqlite: a file that was deleted is known by its mark, and the mark is no open file for long") {
  const TemporaryDirectory directory;
  const auto path = directory.write("a", "text").string();
  const auto before = open_files();
  {
    const detail::FileMark mark(path), of_nothing((directory / "absent").string());
    CHECK_FALSE(mark.deleted());
    CHECK(of_nothing.deleted());
    directory.write("b", "other");
    fs::rename(directory / "b", path);
    CHECK(mark.deleted());
    CHECK_FALSE(detail::FileMark(path).deleted());
  }
  CHECK(open_files() == before);
}

TEST_CASE("sqlite: of a lost database its own side files are removed, and no others") {
  const TemporaryDirectory directory;
  const auto path = directory.write("a.db", "").string();
  directory.write("a.db-wal", "");
  directory.write("a.db-shm", "");
  const auto lost = detail::identify_sqlite_files(path);
  const auto side_files = [&] { return int{fs::exists(path + "-wal")} + int{fs::exists(path + "-shm")}; };
  detail::remove_orphans(path, lost);
  CHECK(side_files() == 2);  // it is not lost
  directory.write("new", "");
  fs::rename(directory / "new", path);
  detail::remove_orphans(path, {});
  CHECK(side_files() == 2);  // nor theirs
  directory.write("new", "");
  fs::rename(directory / "new", path + "-shm");
  detail::remove_orphans(path, lost);
  CHECK_FALSE(fs::exists(path + "-wal"));
  CHECK(fs::exists(path + "-shm"));
}

TEST_CASE("sqlite: a database is known by the place that all ways to it lead to") {
  const TemporaryDirectory directory;
  const auto place = fs::canonical(directory.path()) / "folder/a.db";
  directory.write("folder/b.db", "");
  fs::create_directory_symlink("folder", directory / "link");
  CHECK(detail::canonical_place(directory / "folder/a.db") == place);
  CHECK(detail::canonical_place(directory / "link/a.db") == place);
  CHECK(detail::canonical_place(directory / "link/../folder/a.db") == place);
  CHECK(detail::canonical_place(fs::relative(directory / "folder/a.db")) == place);
  CHECK(detail::canonical_place("").empty());
  const std::string too_long(5'000, 'a');
  CHECK(detail::canonical_place(too_long) == too_long);
}

TEST_CASE("sqlite: a store counts its turns, and has one reader at least") {
  SqliteWiki wiki;
  auto options = wiki.options();
  options.readers = 0;
  WikiStore store(options);
  const WikiKey key{"repo", "page.md"};
  store.publish(key, page(1));
  store.erase(key);
  store.publish(key, page(1));
  CHECK(found(store, key, 1) == 1);
  CHECK(found(store, key, 2) == -1);
  const auto stats = store.stats();
  CHECK(stats.writes == 3);
  CHECK(stats.reads == 2);
  CHECK(stats.unreadable + stats.damaged + stats.reopened + stats.corrupt == 0);
}

TEST_CASE("sqlite: a child of fork() is known as one, also where the kernel is too old to say so, and no memory is kept") {
  const auto pages = [] {
    long all = 0;
    std::ifstream("/proc/self/statm") >> all;
    return all;
  };
  const auto tell = [&] {
    const detail::ForkGuard guard;
    const bool in_parent = guard.in_child();
    const auto child = ::fork();
    if (child == 0) ::_exit(guard.in_child() ? 0 : 1);
    int status = -1;
    ::waitpid(child, &status, 0);
    const auto before = pages();
    for (int i = 0; i < 1'000; ++i) detail::ForkGuard();
    return std::string(in_parent     ? "the parent is taken for one"
                       : status != 0 ? "the child is not"
                                     : "told") +
           (pages() - before > 900 ? ", and memory is kept" : "");
  };
  CHECK(tell() == "told");
  const auto old = with_answers(
      {SYS_madvise}, [](auto&) { return -EINVAL; }, tell);
  if (old) {
    CHECK(old == "told");
  } else {
    WARN("not tried: nobody may answer for the kernel here");
  }
}

TEST_CASE("sqlite: what is not given is as documented") {
  const SqliteOptions options;
  CHECK(options.readers == 8);
  CHECK(options.busy_timeout == 2s);
  CHECK(options.lookup_timeout == 250ms);
  CHECK(options.disposable);
  const SqliteStats stats;
  CHECK(stats.reads + stats.writes + stats.unreadable + stats.damaged + stats.reopened + stats.corrupt == 0);
}

TEST_CASE("sqlite: a key that no store takes is refused by each call, before the file is asked") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  const WikiKey bad{"repo", std::string(max_key_bytes, 'a')};
  CHECK_THROWS_AS(store.lookup(bad, fingerprint(1)), InvalidKey);
  CHECK_THROWS_AS(store.lookup_many(std::vector<Query<WikiKey>>{{bad, fingerprint(1)}}), InvalidKey);
  CHECK_THROWS_AS(store.lookup_stale(bad), InvalidKey);
  CHECK_THROWS_AS(store.publish(bad, page(1)), InvalidKey);
  CHECK_THROWS_AS(store.publish_many(std::vector<std::pair<WikiKey, EntryPtr<WikiPage>>>{{bad, page(1)}}), InvalidKey);
  CHECK_THROWS_AS(store.replace(bad, page(1), Seen{}), InvalidKey);
  CHECK_THROWS_AS(store.acquire_lease(bad, fingerprint(1), "a", 1s), InvalidKey);
  CHECK_THROWS_AS(store.erase(bad), InvalidKey);
  CHECK(store.stats().reads + store.stats().writes == 0);
  store.publish_many({});
  CHECK(store.stats().writes == 0);
}

}  // namespace sqlite_parts_tests
