#include <render_cache/store/sqlite.hpp>

#include "support/catch.hpp"
#include "support/sqlite_wiki.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <sys/file.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sqlite_files_tests {

using namespace render_cache;
using namespace render_cache::test;
namespace fs = std::filesystem;

namespace {

const WikiKey key{"repo", "page.md"};

void remove_with_side_files(const fs::path& path) {
  for (const auto suffix : {"", "-wal", "-shm"}) fs::remove(path.string() + suffix);
}

/// Overwrites all but the first `from` bytes, in place.
void scribble(const fs::path& path, std::uintmax_t from) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(from));
  for (auto left = fs::file_size(path) - from; left > 0; --left) file.put('\x5a');
}

/// Two megabytes, where the test may mount.
struct SmallDisk : TemporaryDirectory {
  const bool mounted = ::mount("none", path().c_str(), "tmpfs", 0, "size=2m") == 0;
  SmallDisk() = default;
  ~SmallDisk() {
    if (mounted) ::umount2(path().c_str(), MNT_DETACH);
  }
};

void fill(WikiStore& store, int pages) {
  for (int number = 0; number < pages; ++number) store.publish({"repo", std::to_string(number)}, page(number));
}

}  // namespace

TEST_CASE("sqlite: a new file has a cache's settings") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  auto connection = wiki.outside();
  CHECK(connection.query("PRAGMA page_size").at(0).at(0) == "8192");
  CHECK(connection.query("PRAGMA auto_vacuum").at(0).at(0) == "2");
  CHECK(connection.query("PRAGMA journal_mode").at(0).at(0) == "wal");
}

TEST_CASE("sqlite: entries outlive the store that was given them") {
  SqliteWiki wiki;
  { WikiStore(wiki.options()).publish(key, page(1)); }
  WikiStore store(wiki.options());
  CHECK(found(store, key, 1) == 1);
  CHECK_FALSE(fs::exists(wiki.path.string() + ".corrupt-1"));
}

TEST_CASE("sqlite: stores on one file see each other's entries at once") {
  SqliteWiki wiki;
  WikiStore server(wiki.options()), command(wiki.options());
  server.publish(key, page(1));
  CHECK(found(command, key, 1) == 1);
  command.publish(key, page(2));
  CHECK(found(server, key, 2) == 2);
  CHECK(command.prune([](const WikiKey&) { return false; }, {}).removed == 1);
  CHECK(found(server, key, 2) == -1);
}

TEST_CASE("sqlite: a place where no database can be is refused in words") {
  const TemporaryDirectory directory;
  const auto refusal = [](const fs::path& path) {
    try {
      WikiStore store({.path = path, .migrations = wiki_migrations<SqliteDialect>()});
    } catch (const StoreUnavailable& error) {
      return std::string(error.what());
    }
    return std::string("not refused");
  };
  directory.write("file", "text");
  CHECK_THAT(refusal(directory / "missing/wiki.db"), ContainsSubstring("the directory does not exist"));
  CHECK_THAT(refusal(directory.path()), ContainsSubstring("is a directory"));
  CHECK_THAT(refusal(directory / "file/wiki.db"), ContainsSubstring("'" + (directory / "file/wiki.db").string() + "'"));
  CHECK_THAT(refusal("/dev/null"), ContainsSubstring("no regular file"));
  CHECK_THAT(refusal("/proc/wiki.db"), ContainsSubstring("/proc/wiki.db"));  // cannot be written to, even by root
  CHECK_THAT(refusal(""), ContainsSubstring("a file name is needed"));
  CHECK_THAT(refusal(":memory:"), ContainsSubstring("MemoryStore"));
}

TEST_CASE("sqlite: a file that is reached through a link, or by a relative path, is one file with one lock") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  const auto link = wiki.directory / "link.db";
  fs::create_symlink("wiki.db", link);
  auto options = wiki.options();
  options.path = link;
  WikiStore linked(options);
  linked.publish(key, page(1));
  options.path = fs::relative(wiki.path);
  WikiStore relative(options);
  CHECK(found(store, key, 1) == 1);
  CHECK(found(relative, key, 1) == 1);
  { SqliteWriter writer(options); }
  CHECK_FALSE(fs::exists(link.string() + "-lock"));
  CHECK_FALSE(fs::exists(link.string() + "-wal"));
}

TEST_CASE("sqlite: a table that is not the schema's is refused at opening, and left alone") {
  SqliteWiki wiki;
  wiki.outside().run_script("CREATE TABLE wiki_cache (repo_alias TEXT)");
  CHECK_THROWS_AS(WikiStore({.path = wiki.path}), SchemaMismatch);
  CHECK_THROWS_AS(WikiStore(wiki.options()), MigrationError);  // the migration finds the table made by somebody else
  CHECK(wiki.outside().query("SELECT name FROM pragma_table_info('wiki_cache')").size() == 1);
}

TEST_CASE("sqlite: a file whose texts are in UTF-16 is refused, for not each of them stays what it is") {
  SqliteWiki wiki;
  {
    auto outside = wiki.outside();
    outside.run_script("PRAGMA encoding = 'UTF-16be'; CREATE TABLE mine (text TEXT)");
    outside.query("INSERT INTO mine VALUES (?1)", {"\uffff"});
    CHECK(outside.query("SELECT text FROM mine").at(0).at(0) == "\ufffd");
  }
  CHECK_THROWS_AS(WikiStore(wiki.options()), SchemaMismatch);
  CHECK_THROWS_WITH(WikiStore(wiki.options()), ContainsSubstring("UTF-16be"));
  CHECK_THROWS_WITH(WikiStore({.path = wiki.path, .read_only = true}), ContainsSubstring("UTF-16be"));
  CHECK(wiki.outside().query("SELECT name FROM sqlite_schema").size() == 1);  // and left alone
}

TEST_CASE("sqlite: a file that is no database is moved aside and begun anew") {
  SqliteWiki wiki;
  std::ofstream(wiki.path) << std::string(20000, 'x');
  WikiStore store(wiki.options());
  store.publish(key, page(1));
  CHECK(found(store, key, 1) == 1);
  CHECK(store.stats().corrupt == 1);
  CHECK(fs::file_size(wiki.path.string() + ".corrupt-1") == 20000);
}

TEST_CASE("sqlite: a damaged file that holds more than a cache is left alone, and said so") {
  SqliteWiki wiki;
  auto options = wiki.options();
  options.disposable = false;
  {
    WikiStore store(options);
    fill(store, 200);
  }
  {
    WikiStore store(options);
    scribble(wiki.path, 8192);
    bool unavailable = false;
    for (int number = 0; number < 200; ++number) {
      try {
        store.lookup({"repo", std::to_string(number)}, fingerprint(number));
      } catch (const StoreUnavailable&) {
        unavailable = true;
      }
    }
    CHECK(unavailable);
    CHECK(store.stats().corrupt == 0);
  }
  std::ofstream(wiki.path) << std::string(20000, 'x');
  CHECK_THROWS_WITH(WikiStore(options), ContainsSubstring("holds more than a cache"));
  CHECK(fs::file_size(wiki.path) == 20000);
  CHECK_FALSE(fs::exists(wiki.path.string() + ".corrupt-1"));
}

TEST_CASE("sqlite: a file that is damaged while open is moved aside, and service goes on") {
  SqliteWiki wiki;
  {
    WikiStore store(wiki.options());
    fill(store, 200);
  }
  WikiStore store(wiki.options());
  const auto start = GENERATE(std::uintmax_t{0}, std::uintmax_t{8192});
  scribble(wiki.path, start);
  for (int number = 0; number < 200; ++number)
    CHECK(store.lookup({"repo", std::to_string(number)}, fingerprint(number)).entry == nullptr);
  fill(store, 5);
  CHECK(found(store, {"repo", "4"}, 4) == 4);
  CHECK(store.stats().corrupt == 1);
  CHECK(fs::exists(wiki.path.string() + ".corrupt-1"));

  scribble(wiki.path, 0);  // once more: the first one is kept
  fs::remove(wiki.path.string() + "-wal");
  {
    WikiStore again(wiki.options());
    CHECK(again.stats().corrupt == 1);
  }
  CHECK(fs::exists(wiki.path.string() + ".corrupt-2"));
}

TEST_CASE("sqlite: of two stores that meet a damaged file the second takes what the first has begun") {
  SqliteWiki wiki;
  {
    WikiStore store(wiki.options());
    fill(store, 200);
  }
  WikiStore first(wiki.options()), second(wiki.options());
  CHECK(found(second, {"repo", "0"}, 0) == 0);  // it has the damaged file open
  scribble(wiki.path, 8192);
  for (int number = 0; number < 200; ++number) first.lookup({"repo", std::to_string(number)}, fingerprint(number));
  REQUIRE(first.stats().corrupt == 1);
  first.publish(key, page(1));
  for (int number = 0; number < 200; ++number) second.lookup({"repo", std::to_string(number)}, fingerprint(number));
  CHECK(found(second, key, 1) == 1);
  CHECK(second.stats().corrupt == 0);
  CHECK_FALSE(fs::exists(wiki.path.string() + ".corrupt-2"));
}

TEST_CASE("sqlite: a file that is cut to nothing while open does not stop service") {
  SqliteWiki wiki;
  {
    WikiStore store(wiki.options());
    fill(store, 200);
  }
  WikiStore store(wiki.options());
  fs::resize_file(wiki.path, 0);
  for (int round = 0; round < 3; ++round) {
    try {
      fill(store, 3);
      for (int number = 0; number < 3; ++number) store.lookup({"repo", std::to_string(number)}, fingerprint(number));
    } catch (const StoreUnavailable&) {  // at first
    }
  }
  fill(store, 3);
  CHECK(found(store, {"repo", "2"}, 2) == 2);
}

TEST_CASE("sqlite: a deleted file is noticed before the next publish, and nothing of it comes back") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  store.publish(key, page(1));
  SECTION("alone: its log would be applied to the new one") { fs::remove(wiki.path); }
  SECTION("with its log") { remove_with_side_files(wiki.path); }
  store.publish({"repo", "other"}, page(2));
  CHECK(found(store, {"repo", "other"}, 2) == 2);
  CHECK(found(store, key, 1) == -1);
  CHECK(store.stats().reopened == 1);
  CHECK(fs::exists(wiki.path));
  WikiStore again(wiki.options());
  CHECK(found(again, {"repo", "other"}, 2) == 2);
}

TEST_CASE("sqlite: a file that was replaced by another is opened, without the old one's log") {
  SqliteWiki wiki, other;
  { WikiStore(other.options()).publish(key, page(9)); }
  WikiStore store(wiki.options());
  store.publish(key, page(1));
  fs::rename(other.path, wiki.path);
  CHECK_FALSE(store.erase({"repo", "other"}));  // looks
  CHECK(found(store, key, 9) == 9);
  CHECK(wiki.outside().query("PRAGMA integrity_check").at(0).at(0) == "ok");
}

TEST_CASE("sqlite: a deleted file is noticed by reading alone within some seconds") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  store.publish(key, page(1));
  remove_with_side_files(wiki.path);
  std::this_thread::sleep_for(detail::sqlite_recheck_interval + std::chrono::milliseconds(50));
  CHECK(found(store, key, 1) == -1);
  CHECK(fs::exists(wiki.path));
}

TEST_CASE("sqlite: a directory that goes away makes the store unavailable until it is back") {
  SqliteWiki wiki;
  wiki.path = wiki.directory / "data/wiki.db";
  fs::create_directory(wiki.directory / "data");
  WikiStore store(wiki.options());
  store.publish(key, page(1));
  fs::remove_all(wiki.directory / "data");
  CHECK_THROWS_WITH(store.publish(key, page(2)), ContainsSubstring("the directory does not exist"));
  CHECK_THROWS_WITH(store.lookup(key, fingerprint(2)), ContainsSubstring("the directory does not exist"));
  fs::create_directory(wiki.directory / "data");
  std::this_thread::sleep_for(detail::sqlite_recheck_interval + std::chrono::milliseconds(50));
  store.publish(key, page(3));
  CHECK(found(store, key, 3) == 3);
}

TEST_CASE("sqlite: a full disk is told as such, and service comes back with the space") {
  const SmallDisk directory;
  if (!directory.mounted) {
    WARN("not tried: a small tmpfs can only be mounted by root");
    return;
  }
  WikiStore store({.path = directory / "wiki.db", .migrations = wiki_migrations<SqliteDialect>()});
  store.publish(key, page(1));
  directory.write("ballast", std::string(1'000'000, 'x'));
  CHECK_THROWS_AS(store.publish({"repo", "big"}, page(2, std::string(1'500'000, 'x'))), StoreFull);
  CHECK(found(store, key, 1) == 1);
  CHECK(store.lookup({"repo", "big"}, fingerprint(2)).entry == nullptr);
  fs::remove(directory / "ballast");
  store.publish(key, page(3));
  CHECK(found(store, key, 3) == 3);

  std::ofstream ballast(directory / "ballast");
  for (int left = 3000; left > 0 && ballast << std::string(1000, 'x') << std::flush; --left) {
  }
  CHECK_THROWS_AS(WikiStore({.path = directory / "second.db", .migrations = wiki_migrations<SqliteDialect>()}), StoreError);
}

TEST_CASE("sqlite: a store that was carried through fork() refuses to work in the child") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  store.publish(key, page(1));
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int refused = 0;
    try {
      store.lookup(key, fingerprint(1));
    } catch (const StoreUnavailable&) {
    } catch (const StoreError& error) {
      refused = std::string(error.what()).find("fork") != std::string::npos;
    }
    store.~SqliteStore();  // does not touch the parent's file
    ::_exit(refused);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 1);
  store.publish(key, page(2));
  CHECK(found(store, key, 2) == 2);
}

TEST_CASE("sqlite: who writes keeps other processes from writing, for as long as they care to wait") {
  SqliteWiki wiki;
  auto options = wiki.options();
  options.busy_timeout = std::chrono::milliseconds(50);
  WikiStore store(options);
  store.publish(key, page(1));
  const int lock = ::open((wiki.path.string() + "-lock").c_str(), O_RDONLY);
  REQUIRE(::flock(lock, LOCK_EX) == 0);
  CHECK_THROWS_WITH(store.publish(key, page(2)), ContainsSubstring("another process"));
  CHECK(found(store, key, 1) == 1);  // reads need no lock
  ::close(lock);
  store.publish(key, page(3));
  fs::remove(wiki.path.string() + "-lock");
  store.publish(key, page(4));
  CHECK(found(store, key, 4) == 4);
  CHECK(fs::exists(wiki.path.string() + "-lock"));
}

TEST_CASE("sqlite: a connection by hand can migrate down while no store is open") {
  SqliteWiki wiki;
  { WikiStore store(wiki.options()); }
  {
    SqliteWriter writer(wiki.options());
    const SqliteWriter::Turn turn(writer);
    CHECK(Migrator(writer.connection(), wiki_migrations<SqliteDialect>()).down(0) == 1);
  }
  CHECK_THROWS_WITH(WikiStore({.path = wiki.path}), ContainsSubstring("there is no table 'wiki_cache'"));
}

}  // namespace sqlite_files_tests
