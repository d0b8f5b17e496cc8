// A file that was made before and is only read.
#include <render_cache/store/sqlite.hpp>

#include <render_cache/cache.hpp>

#include "support/catch.hpp"
#include "support/read_only_store.hpp"
#include "support/sqlite_on_opening.hpp"
#include "support/sqlite_wiki.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace sqlite_read_only_tests {

using namespace render_cache;
using namespace render_cache::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const WikiKey key{"repo", "a.md"}, other{"repo", "b.md"};

/// A closed file with page 1, in a directory of its own.
struct Made : SqliteWiki {
  // What is no letter or digit is escaped on the way to SQLite.
  const fs::path folder = directory / "read #1?a=%41&immutable=0";
  Made() {
    fs::create_directory(folder);
    path = folder / "w\u00e4ki.db";
    publish(1);
  }
  void publish(int number) const { WikiStore(options()).publish(key, page(number)); }
  [[nodiscard]] SqliteOptions read_only() const {
    auto options = this->options();
    options.read_only = true;
    return options;
  }
  /// Names and times of all that is there, the lock file but for its name.
  [[nodiscard]] std::vector<std::pair<std::string, fs::file_time_type>> files() const {
    std::vector<std::pair<std::string, fs::file_time_type>> files;
    for (const auto& file : fs::directory_iterator(folder)) files.emplace_back(file.path().string(), file.last_write_time());
    std::ranges::sort(files);
    return files;
  }
};

struct Numbers {
  std::string version() const { return "1"; }
  WikiPage render(const WikiKey&, const int& number) const { return page(number)->value; }
  Fingerprint components(const int& number) const { return fingerprint(number); }
};

/// What `step` returns, in a process that is not root's: nothing is forbidden to that.
bool as_nobody(const std::function<bool()>& step) {
  constexpr uid_t nobody = 65534;
  const pid_t child = fork();
  if (child == 0) {
    bool done = false;
    try {
      done = (geteuid() != 0 || setuid(nobody) == 0) && step();
    } catch (...) {
    }
    _exit(done ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("sqlite: a file that is only read answers look-ups, refuses what would change it, and is not touched") {
  Made made;
  fs::remove(made.path.string() + "-lock");
  const auto before = made.files();
  CHECK(before.size() == 1);
  {
    WikiStore store(made.read_only());
    check_changes_are_refused(store, key, page(1), other, page(2));
    CHECK_THROWS_WITH(store.erase(key), ContainsSubstring("only read"));
    CHECK(store.stats().writes == 0);
    CHECK(made.files() == before);
  }
  CHECK(made.files() == before);
}

TEST_CASE("sqlite: who may write neither the file nor its directory reads it, if he says so") {
  Made made;
  fs::permissions(made.directory.path(), fs::perms(0755));
  fs::permissions(made.path, fs::perms(0444));
  fs::remove(made.path.string() + "-lock");
  fs::permissions(made.folder, fs::perms(0555));
  CHECK(as_nobody([&] {
    WikiStore store(made.read_only());
    return found(store, key, 1) == 1;
  }));
  CHECK(as_nobody([&] {
    try {
      WikiStore store(made.options());
    } catch (const StoreUnavailable&) {
      return true;
    }
    return false;
  }));
  fs::permissions(made.folder, fs::perms(0755));
}

TEST_CASE("a cache on a file that is only read hits what is there, renders what is not, and pauses nothing") {
  Made made;
  {
    WikiStore store(made.options());
    CHECK(RenderCache(Numbers{}, Numbers{}, store).get(key, 1).stored);
  }
  WikiStore store(made.read_only());
  RenderCache cache(Numbers{}, Numbers{}, store);
  for (int round = 0; round < 3; ++round) {
    CHECK(cache.get(key, 1).origin == Origin::store);
    const auto rendered = cache.get(other, 2);
    CHECK(rendered.origin == Origin::render);
    CHECK(*rendered == page(2)->value);
    CHECK_FALSE(rendered.stored);
    CHECK_THAT(rendered.detail, ContainsSubstring("only read"));
  }
  const auto stats = cache.stats();
  CHECK(stats.hits == 3);
  CHECK(stats.renders == 3);
  CHECK(stats.published == 0);
  CHECK(stats.store_unavailable == 0);
  CHECK(stats.store_skipped == 0);
  CHECK(stats.store_forbidden == 3);
  CHECK(stats.store_other == 0);
  CHECK(stats.owed == 0);
}

TEST_CASE("sqlite: a file that is only read is made, migrated and mended by nobody, and refused in words") {
  Made made;
  const auto refusal = [&]() -> std::string {
    try {
      WikiStore store(made.read_only());
    } catch (const MigrationError& error) {
      return std::string("MigrationError ") + error.what();
    } catch (const SchemaMismatch& error) {
      return std::string("SchemaMismatch ") + error.what();
    } catch (const StoreUnavailable& error) {
      return std::string("StoreUnavailable ") + error.what();
    }
    return "none";
  };
  CHECK(refusal() == "none");
  made.outside().run_script("UPDATE render_cache_migrations SET version = 0");
  CHECK_THAT(refusal(), ContainsSubstring("MigrationError"));
  made.outside().run_script("DROP TABLE render_cache_migrations");
  CHECK_THAT(refusal(), ContainsSubstring("MigrationError") && ContainsSubstring("migration 1 'wiki_cache' is pending"));
  made.outside().run_script("ALTER TABLE wiki_cache DROP COLUMN rendered_at");
  CHECK_THROWS_AS(WikiStore({.path = made.path, .read_only = true}), SchemaMismatch);
  std::ofstream(made.path) << std::string(20000, 'x');
  CHECK_THAT(refusal(), ContainsSubstring("StoreUnavailable") && ContainsSubstring("is damaged"));
  CHECK(fs::file_size(made.path) == 20000);
  fs::remove(made.path);
  CHECK_THAT(refusal(), ContainsSubstring("StoreUnavailable") && ContainsSubstring("there is no file"));
  fs::remove(made.path.string() + "-lock");
  CHECK(made.files().empty());
}

TEST_CASE("sqlite: a file that somebody writes is not one that is only read, at opening and later") {
  Made made;
  {
    WikiStore writer(made.options());
    writer.publish(key, page(2));
    CHECK_THROWS_WITH(WikiStore(made.read_only()), ContainsSubstring("somebody writes to it"));
  }
  WikiStore store(made.read_only());
  CHECK(found(store, key, 2) == 2);
  {
    WikiStore writer(made.options());
    writer.publish(key, page(3));
    const auto end = std::chrono::steady_clock::now() + 20s;
    bool noticed = false;
    while (!noticed && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(50ms);
      try {
        static_cast<void>(found(store, key, 2));
      } catch (const StoreUnavailable& error) {
        noticed = std::string_view(error.what()).find("somebody writes to it") != std::string_view::npos;
      }
    }
    CHECK(noticed);
  }
  std::this_thread::sleep_for(1100ms);  // it is tried once a second
  CHECK(found(store, key, 3) == 3);
}

TEST_CASE("sqlite: a file that was written and closed while it was only read is read anew") {
  Made made;
  WikiStore store(made.read_only());
  CHECK(found(store, key, 1) == 1);
  made.publish(2);
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (found(store, key, 2) != 2 && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(50ms);
  CHECK(found(store, key, 2) == 2);
  CHECK(store.stats().reopened == 1);
}

TEST_CASE("sqlite: a file that is renamed into the place of one that is only read is read soon") {
  Made made;
  WikiStore store(made.read_only());
  CHECK(found(store, key, 1) == 1);
  {
    Made next;
    next.publish(2);
    fs::rename(next.path, made.path);
  }
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (found(store, key, 2) != 2 && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(50ms);
  CHECK(found(store, key, 2) == 2);
  CHECK(found(store, key, 1) == -1);
  CHECK(store.stats().reopened == 1);
}

TEST_CASE("sqlite: a reader of a file that is only read is of the file that was checked") {
  Made made;
  Made next;
  next.publish(2);
  detail::SqliteFile file(table_of<WikiSchema>(), made.read_only());
  const auto page_seen = [](detail::SqliteFile::Reader& reader) {
    return reader.connection.query("SELECT source_hash FROM wiki_cache").at(0).at(0).value().substr(0, 8);
  };
  std::string seen;
  file.read([&](auto& first) {
    bool replaced = false;
    const OnOpening replaces([&](sqlite3*) {  // no lock keeps anybody from it
      if (!std::exchange(replaced, true)) fs::rename(next.path, made.path);
      return true;
    });
    seen = page_seen(first) + ", " + file.read(page_seen);
    return 0;
  });
  CHECK(seen == "source=1, source=2");
}

}  // namespace sqlite_read_only_tests
