// The life of a database file, driven without a store: what happens between two steps is put there by a function that each new
// connection calls, or knows as SQL.
#include <render_cache/store/sqlite/file.hpp>

#include "support/catch.hpp"
#include "support/sqlite_on_opening.hpp"
#include "support/sqlite_wiki.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sqlite_file_tests {

using namespace render_cache;
using namespace render_cache::test;
using namespace std::chrono_literals;
using detail::SqliteFile;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

namespace {

/// A file with the wiki's tables, its pages in the database and not in the log.
struct Files : SqliteWiki {
  const fs::path folder = directory / "data";
  Files() {
    path = folder / "wiki.db";
    fs::create_directory(folder);
    publish(path, 1);
  }

  [[nodiscard]] SqliteOptions with_readers(std::size_t readers, std::chrono::milliseconds busy_timeout) const {
    auto all = options();
    all.readers = readers;
    all.busy_timeout = busy_timeout;
    return all;
  }
  static void publish(const fs::path& to, int number) {
    WikiStore({.path = to, .migrations = wiki_migrations<SqliteDialect>()}).publish({"repo", "page.md"}, page(number));
  }
  /// Another database takes its place, with that page.
  void replace(int number) const {
    const TemporaryDirectory elsewhere;
    publish(elsewhere / "other.db", number);
    fs::rename(elsewhere / "other.db", path);
  }
};

/// SQL: `SELECT step()`, for each connection that is opened while it lives.
class Step {
 public:
  explicit Step(std::function<void()> action)
      : action_(std::move(action)), given_([this](sqlite3* connection) {
          return sqlite3_create_function(connection, "step", 0, SQLITE_UTF8, &action_, &call, nullptr, nullptr) == SQLITE_OK;
        }) {}

 private:
  static void call(sqlite3_context* context, int, sqlite3_value**) {
    (*static_cast<std::function<void()>*>(sqlite3_user_data(context)))();
  }
  std::function<void()> action_;
  OnOpening given_;
};

/// Which page a reader sees.
const auto page_seen = [](SqliteFile::Reader& reader) {
  return reader.connection.query("SELECT source_hash FROM wiki_cache").at(0).at(0).value().substr(0, 8);
};
const auto nothing = [](auto&) { return 0; };

std::string message_of(auto&& call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing was thrown";
}

/// Until the thread waits for something. Where it is slow to, the test is easier to pass, and no less true.
void await_sleep(::pid_t thread) {
  const auto stat = "/proc/self/task/" + std::to_string(thread) + "/stat";
  for (auto end = Clock::now() + 10s; Clock::now() < end; std::this_thread::sleep_for(1ms)) {
    std::ifstream file(stat);
    std::string text(std::istreambuf_iterator<char>(file), {});
    const auto state = text.rfind(") ");
    if (state == text.npos || text.compare(state, 3, ") S") == 0) return;
  }
}

auto open_descriptors() { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); }

/// A call in a thread of its own, which waits for something by the time it is made.
class Waiting {
 public:
  explicit Waiting(std::function<std::string()> call) {
    std::promise<::pid_t> begun;
    auto thread = begun.get_future();
    result_ = std::async(std::launch::async, [call = std::move(call), begun = std::move(begun)]() mutable {
      begun.set_value(::gettid());
      try {
        return call();
      } catch (const std::exception& error) {
        return std::string(error.what());
      }
    });
    await_sleep(thread.get());
  }
  /// What it returned, or the message of what it threw.
  std::string result() { return result_.get(); }

 private:
  std::future<std::string> result_;
};

}  // namespace

TEST_CASE("sqlite: who finds all readers busy waits as long as the options say, and the reader is free again then") {
  const SqliteWiki wiki;
  auto options = wiki.options();
  options.readers = GENERATE(std::size_t{0}, std::size_t{1});  // one at least
  options.busy_timeout = 20ms;
  { const WikiStore makes_the_tables(options); }
  SqliteFile file(table_of<WikiSchema>(), options);
  const auto one = [](auto&) { return 1; };
  file.read([&](auto&) {
    CHECK_THROWS_WITH(file.read(one), ContainsSubstring("all 1 readers were busy for 20 ms"));
    return 0;
  });
  CHECK(file.read(one) == 1);
}

TEST_CASE("sqlite: an action that meets damage is tried once more, on a new file, and no more often") {
  const SqliteWiki wiki;
  SqliteFile file(table_of<WikiSchema>(), wiki.options());
  int tries = 0;
  const auto damaged = [&](auto&) -> int {
    ++tries;
    throw SqliteCorrupt("damaged");
  };
  CHECK_THROWS_AS(file.read(damaged), SqliteCorrupt);
  CHECK(tries == 2);
  CHECK(file.stats().corrupt == 1);
  CHECK_THROWS_AS(file.write(damaged), SqliteCorrupt);
  CHECK(tries == 4);
  CHECK(file.stats().corrupt == 2);
  CHECK(file.read([](auto&) { return 1; }) == 1);
  CHECK(file.write([](auto&) { return 1; }) == 1);
}

TEST_CASE("sqlite: as many readers are there at once as the options say, also after a file was lost or could not be opened") {
  const Files wiki;
  SqliteFile file(table_of<WikiSchema>(), wiki.with_readers(2, 20ms));
  const auto two_at_once = [&] {
    return file.read([&](auto&) {
      return file.read([&](auto&) {
        CHECK_THROWS_WITH(file.read(nothing), ContainsSubstring("all 2 readers were busy for 20 ms"));
        return true;
      });
    });
  };
  SECTION("from the beginning") {}
  SECTION("after it was replaced") {
    wiki.replace(2);
    file.write(nothing);
    CHECK(file.stats().reopened == 1);
  }
  SECTION("after a reader could not be opened") {
    const OnOpening fails([](sqlite3*) { return false; });
    file.read([&](auto&) {
      CHECK_THROWS_WITH(file.read(nothing), ContainsSubstring("automatic extension loading failed"));
      return 0;
    });
  }
  CHECK(two_at_once());
}

TEST_CASE("sqlite: a reader that is opened when the file was replaced is one of the new file") {
  const Files wiki;
  SqliteFile file(table_of<WikiSchema>(), wiki.options());
  CHECK(file.read(page_seen) == "source=1");  // just looked
  file.read([&](auto& reader) {
    wiki.replace(2);
    CHECK(file.read(page_seen) == "source=2");
    CHECK(page_seen(reader) == "source=1");
    return 0;
  });
  CHECK(file.stats().reopened == 1);
  CHECK(file.stats().corrupt == 0);
}

TEST_CASE("sqlite: a file that is replaced each time it is opened is given up after three times, until the next call") {
  const SqliteWiki wiki;
  auto options = wiki.options();
  options.migrations.push_back({options.migrations.back().version + 1, "step", "SELECT step()", ""});
  int left = 0;  // when a file is opened its migrations run: then another one takes its place
  const Step replaces([&] {
    if (left-- <= 0) return;
    wiki.directory.write("empty.db", "");
    fs::rename(wiki.directory / "empty.db", wiki.path);
  });
  SECTION("three times") {
    left = 1 + 2;  // once in the constructor
    SqliteFile file(table_of<WikiSchema>(), options);
    CHECK(file.read(nothing) == 0);
  }
  SECTION("and once more") {
    left = 1 + 3;
    SqliteFile file(table_of<WikiSchema>(), options);
    CHECK_THROWS_WITH(file.read(nothing), ContainsSubstring("replaced again and again"));
    CHECK(file.read(nothing) == 0);
    CHECK(file.stats().reads == 2);
  }
}

TEST_CASE("sqlite: damage that is met where a reader is opened is healed as any other") {
  const Files wiki;
  SqliteFile file(table_of<WikiSchema>(), wiki.options());
  file.write([](auto& writing) { return writing.connection.query("PRAGMA wal_checkpoint(TRUNCATE)").size(); });
  file.read([&](auto&) {
    std::ofstream(wiki.path, std::ios::in | std::ios::binary) << std::string(fs::file_size(wiki.path), 'x');
    CHECK(file.read([](auto& reader) { return reader.connection.query("SELECT count(*) FROM wiki_cache").at(0).at(0); }) == "0");
    return 0;
  });
  CHECK(file.stats().corrupt == 1);
  CHECK(fs::exists(wiki.path.string() + ".corrupt-1"));
}

TEST_CASE("sqlite: a file that was damaged before is begun anew at once, not when it is first used") {
  const SqliteWiki wiki;
  std::ofstream(wiki.path) << std::string(20'000, 'x');
  const SqliteFile file(table_of<WikiSchema>(), wiki.options());
  CHECK(wiki.outside().query("SELECT count(*) FROM wiki_cache").at(0).at(0) == "0");
}

TEST_CASE("sqlite: who waits for a reader gets the room of one that could not be opened") {
  const Files wiki;
  SqliteFile file(table_of<WikiSchema>(), wiki.with_readers(2, 20s));
  std::atomic<bool> failed = false;
  file.read([&](auto&) {
    std::optional<Waiting> waiting;
    const OnOpening fails_once([&](sqlite3*) {
      if (failed.exchange(true)) return true;
      waiting.emplace([&] { return file.read(page_seen); });
      return false;
    });
    CHECK_THROWS_AS(file.read(nothing), StoreError);
    const auto before = Clock::now();
    CHECK(waiting.value().result() == "source=1");
    CHECK(Clock::now() - before < 10s);
    return 0;
  });
}

TEST_CASE("sqlite: who waits for a reader while the file is lost is told so") {
  const Files wiki;
  SqliteFile file(table_of<WikiSchema>(), wiki.with_readers(1, 20s));
  std::optional<Waiting> waiting;
  file.read([&](auto&) {
    waiting.emplace([&] { return file.read(page_seen); });
    fs::remove_all(wiki.folder);
    CHECK_THROWS_WITH(file.write(nothing), ContainsSubstring("the directory does not exist"));
    CHECK_THROWS_WITH(file.write(nothing), ContainsSubstring("the directory does not exist"));
    return 0;
  });
  CHECK_THAT(waiting->result(), ContainsSubstring("the directory does not exist"));
}

TEST_CASE("sqlite: whether the file is still there, and can be opened, is looked at once in a while and not each time") {
  const Files wiki;
  SqliteFile file(table_of<WikiSchema>(), wiki.options());
  const auto interval = detail::sqlite_recheck_interval;
  SECTION("by who reads") {
    const auto before = Clock::now();
    CHECK(file.read(page_seen) == "source=1");
    wiki.replace(2);
    const auto seen = file.read(page_seen);
    if (Clock::now() - before < interval) CHECK(seen == "source=1");
    std::this_thread::sleep_for(interval + 50ms);
    CHECK(file.read(page_seen) == "source=2");
  }
  SECTION("by who writes, where the file was moved; deleted ones are seen at once") {
    file.write(nothing);
    fs::rename(wiki.path, wiki.folder / "moved.db");
    std::this_thread::sleep_for(interval + 50ms);
    file.write(nothing);
    CHECK(fs::exists(wiki.path));
  }
  SECTION("where it could not be opened") {
    const auto before = Clock::now();
    fs::remove_all(wiki.folder);
    CHECK_THROWS_WITH(file.write(nothing), !ContainsSubstring("a moment ago"));
    fs::create_directory(wiki.folder);
    const auto message = message_of([&] { file.write(nothing); });
    if (Clock::now() - before < interval)
      CHECK_THAT(message, ContainsSubstring("the directory does not exist") && ContainsSubstring("(tried a moment ago)"));
    std::this_thread::sleep_for(interval + 50ms);
    CHECK(file.write(nothing) == 0);
  }
}

TEST_CASE("sqlite: a file stays where it is when the program goes to another folder") {
  struct Visit {
    const fs::path before = fs::current_path();
    explicit Visit(const fs::path& folder) { fs::current_path(folder); }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    ~Visit() { fs::current_path(before); }
  };
  const Files wiki;
  auto options = wiki.options();
  options.path = wiki.path.filename();
  const Visit its_folder(wiki.folder);
  SqliteFile file(table_of<WikiSchema>(), options);
  const TemporaryDirectory elsewhere;
  const Visit another_folder(elsewhere.path());
  file.read([&](auto&) {
    CHECK(file.read(page_seen) == "source=1");
    return 0;
  });
  CHECK(file.stats().reopened == 0);
}

TEST_CASE("sqlite: a child of fork() is refused whatever it asks, and closes nothing of its parent's") {
  const Files wiki;
  auto file = std::make_unique<SqliteFile>(table_of<WikiSchema>(), wiki.options());
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto is_refused = [](auto&& call) { return message_of(call).find("after fork()") != std::string::npos; };
    const bool refused = is_refused([&] { file->read(nothing); }) && is_refused([&] { file->write(nothing); });
    const auto before = open_descriptors();
    file.reset();
    ::_exit(refused && open_descriptors() == before ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  CHECK(file->read(page_seen) == "source=1");
}

}  // namespace sqlite_file_tests
