// How long calls wait for a file that others read and write. Another process that keeps the file is stood for by its lock.
#include <render_cache/store/sqlite.hpp>

#include "support/catch.hpp"
#include "support/sqlite_on_opening.hpp"
#include "support/sqlite_wiki.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sqlite_limits_tests {

using namespace render_cache;
using namespace render_cache::test;
using namespace std::chrono_literals;
using detail::SqliteFile;
using Clock = std::chrono::steady_clock;

namespace {

const WikiKey key{"repo", "page.md"};

/// What keeps all others from writing, as long as it is locked.
SqliteFileLock lock_of(const SqliteWiki& wiki) { return SqliteFileLock(wiki.path.string() + "-lock"); }

/// So many threads call at once.
void at_once(std::size_t threads, const auto& call) {
  std::latch begin(static_cast<std::ptrdiff_t>(threads));
  std::vector<std::jthread> all;
  for (std::size_t i = 0; i < threads; ++i) {
    all.emplace_back([&] {
      begin.arrive_and_wait();
      call();
    });
  }
}

SqliteOptions with_one_reader(const SqliteWiki& wiki, std::chrono::milliseconds busy, std::chrono::milliseconds lookup) {
  auto options = wiki.options();
  options.readers = 1;
  options.busy_timeout = busy;
  options.lookup_timeout = lookup;
  return options;
}

bool until(const auto& condition) {
  for (const auto end = Clock::now() + 30s; !condition() && Clock::now() < end;) std::this_thread::sleep_for(5ms);
  return condition();
}

EntryPtr<WikiPage> page_that_cost(std::chrono::nanoseconds cost) {
  auto entry = std::make_shared<Entry<WikiPage>>(*page(1));
  entry->render_cost = cost;
  return entry;
}

}  // namespace

TEST_CASE("sqlite: look-ups wait for no writer, however many there are and whatever is open", "[concurrent]") {
  const SqliteWiki wiki;
  auto options = wiki.options();
  options.lookup_timeout = 30s;  // for a machine that stands still
  options.busy_timeout = 300s;
  WikiStore store(options);  // with one reader
  store.publish(key, page(1));
  std::atomic<int> hits = 0, failures = 0;
  const auto begin = Clock::now();
  {
    auto held = lock_of(wiki);
    held.lock(0ms);
    at_once(16, [&] {
      for (int round = 0; round < 50; ++round) {
        try {
          hits += store.lookup(key, fingerprint(1)).entry != nullptr ? 1 : 0;
        } catch (const StoreError&) {
          ++failures;
        }
      }
    });
  }
  CHECK(hits == 16 * 50);
  CHECK(failures == 0);
  CHECK(Clock::now() - begin < 100s);
}

TEST_CASE("sqlite: a reader that could not be opened while another process wrote is opened later") {
  const SqliteWiki wiki;
  auto options = wiki.options();
  options.busy_timeout = 20ms;
  { const WikiStore makes_the_tables(options); }
  SqliteFile file(table_of<WikiSchema>(), options);
  const auto two_at_once = [&] { return file.read([&](auto&) { return file.read([](auto&) { return 2; }); }); };
  {
    auto held = lock_of(wiki);
    held.lock(0ms);
    CHECK_THROWS_WITH(two_at_once(), ContainsSubstring("all 1 readers were busy for 20 ms, and none can be opened while another "
                                                       "process writes"));
    CHECK(file.read([](auto&) { return 1; }) == 1);
  }
  CHECK(two_at_once() == 2);
}

TEST_CASE("sqlite: a look-up has its own limit, and as long as what it looks for has cost to render") {
  const SqliteWiki wiki;
  const auto options = with_one_reader(wiki, 700ms, 30ms);
  { const WikiStore makes_the_tables(options); }
  SqliteFile file(table_of<WikiSchema>(), options);
  const auto limit_within = [&] {
    return file.look_up(
        [](auto& reader) { return std::stoi(reader.connection.query("PRAGMA busy_timeout").at(0).at(0).value()); });
  };
  const auto late = [&] {
    return file.read([&](auto&) {
      try {
        file.look_up([](auto&) { return 0; });
      } catch (const StoreUnavailable& error) {
        return std::string(error.what());
      }
      return std::string();
    });
  };
  CHECK(limit_within() > 0);
  CHECK(limit_within() <= 30);
  CHECK_THAT(late(), ContainsSubstring("busy for 30 ms"));
  file.note_render_cost(std::nullopt);
  CHECK_THAT(late(), ContainsSubstring("busy for 30 ms"));
  file.note_render_cost(800ms);  // an eighth of it is the mean
  CHECK_THAT(late(), ContainsSubstring("busy for 100 ms"));
  CHECK(limit_within() > 30);
  CHECK(limit_within() <= 100);
  for (int i = 0; i < 100; ++i) file.note_render_cost(1h);
  CHECK_THAT(late(), ContainsSubstring("busy for 700 ms"));  // no longer than a publish
  for (int i = 0; i < 200; ++i) file.note_render_cost(1us);
  CHECK_THAT(late(), ContainsSubstring("busy for 30 ms"));
}

TEST_CASE("sqlite: what is stored and what is found tells the store what renders cost") {
  const SqliteWiki wiki;
  const auto options = with_one_reader(wiki, 10min, 0ms);
  // A look-up that finds the only reader busy waits for it if it knows that a render takes long.
  std::latch* held = nullptr;
  std::latch* let_go = nullptr;
  std::function<void()> hold = [&] {
    held->count_down();
    let_go->wait();
  };
  const OnOpening with_hold([&](sqlite3* connection) {
    constexpr auto call = [](sqlite3_context* context, int, sqlite3_value**) {
      (*static_cast<std::function<void()>*>(sqlite3_user_data(context)))();
    };
    return sqlite3_create_function(connection, "hold", 0, SQLITE_UTF8, &hold, call, nullptr, nullptr) == SQLITE_OK;
  });
  const auto waits = [&](WikiStore& store) {
    std::latch is_held(1), may_go(1);
    held = &is_held;
    let_go = &may_go;
    const std::jthread other([&] { static_cast<void>(store.live_groups("SELECT coalesce(hold(), 'repo')", 10min)); });
    is_held.wait();
    auto looks = std::async(std::launch::async, [&] { return store.lookup(key, fingerprint(1)).entry != nullptr; });
    const bool waited = looks.wait_for(500ms) == std::future_status::timeout;
    may_go.count_down();
    if (waited) {
      CHECK(looks.get());
    } else {
      CHECK_THROWS_AS(looks.get(), StoreUnavailable);
    }
    return waited;
  };
  {
    WikiStore publishes(options);
    CHECK_FALSE(waits(publishes));
    publishes.publish(key, page_that_cost(8h));
    CHECK(waits(publishes));
  }
  {
    WikiStore finds(options);
    CHECK_FALSE(waits(finds));
    CHECK(finds.lookup(key, fingerprint(1)).entry);
    CHECK(waits(finds));
  }
  WikiStore misses(options);
  CHECK_FALSE(misses.lookup(key, fingerprint(2)).entry);
  CHECK(waits(misses));
}

TEST_CASE("sqlite: who finds all readers busy knows whether others were answered", "[concurrent]") {
  const SqliteWiki wiki;
  auto options = with_one_reader(wiki, 2s, 1500ms);
  { const WikiStore makes_the_tables(options); }
  SqliteFile file(table_of<WikiSchema>(), options);
  std::atomic<int> late = 0, away = 0;
  at_once(16, [&] {
    try {
      file.look_up([](auto&) {
        std::this_thread::sleep_for(200ms);
        return 0;
      });
    } catch (const StoreTimeout&) {
      ++late;
    } catch (const StoreUnavailable&) {
      ++away;
    }
  });
  CHECK(late > 0);
  CHECK(away == 0);

  late = 0;
  std::atomic<int> failed = 0;
  at_once(16, [&] {
    try {
      file.look_up([](auto&) -> int {
        std::this_thread::sleep_for(200ms);
        throw StoreFull("no answer");
      });
    } catch (const StoreTimeout&) {
      ++late;
    } catch (const StoreUnavailable&) {
      ++away;
    } catch (const StoreFull&) {
      ++failed;
    }
  });
  CHECK(failed > 0);
  CHECK(away > 0);  // a failure is no answer
  CHECK(late == 0);

  away = 0;
  options.lookup_timeout = 10ms;
  SqliteFile held(table_of<WikiSchema>(), options);
  held.read([&](auto&) {
    try {
      held.look_up([](auto&) { return 0; });
    } catch (const StoreTimeout&) {
      ++late;
    } catch (const StoreUnavailable&) {
      ++away;
    }
    return 0;
  });
  CHECK(away == 1);
}

TEST_CASE("sqlite: publishes wait for another process side by side, not one after the other", "[concurrent]") {
  const SqliteWiki wiki;
  auto options = wiki.options();
  options.busy_timeout = 2s;
  WikiStore store(options);
  store.publish(key, page(1));
  std::atomic<int> refused = 0;
  const auto begin = Clock::now();
  {
    auto held = lock_of(wiki);
    held.lock(0ms);
    at_once(16, [&] {
      try {
        store.publish(key, page(2));
      } catch (const StoreUnavailable&) {
        ++refused;
      }
    });
  }
  const auto took = Clock::now() - begin;
  CHECK(refused == 16);
  CHECK(took >= 1900ms);
  CHECK(took < 16s);  // 32 s one after the other
  store.publish(key, page(3));
  CHECK(found(store, key, 3) == 3);
}

TEST_CASE("sqlite: where the file is lost and another process keeps the new one, a look-up loses its limit and no more") {
  const SqliteWiki wiki;
  auto options = wiki.options();
  options.busy_timeout = 100s;
  options.lookup_timeout = 50ms;
  WikiStore store(options);
  store.publish(key, page(1));
  const auto answered = [&] {
    try {
      static_cast<void>(store.lookup(key, fingerprint(1)));
      return true;
    } catch (const StoreUnavailable&) {
      return false;
    }
  };
  const auto begin = Clock::now();
  {
    auto held = lock_of(wiki);
    held.lock(0ms);
    std::filesystem::remove(wiki.path);
    CHECK(until([&] { return !answered(); }));  // it is looked for once a second
  }
  CHECK(Clock::now() - begin < 50s);
  CHECK(until(answered));
  CHECK(found(store, key, 1) == -1);
  store.publish(key, page(1));
  CHECK(found(store, key, 1) == 1);
}

TEST_CASE("sqlite: nothing of a lost file's log gets into the file in its place, also where that was not had at first") {
  const SqliteWiki wiki;
  auto options = wiki.options();
  options.lookup_timeout = 50ms;
  WikiStore store(options);
  for (int number = 1; number < 300; ++number) store.publish({"repo", std::to_string(number)}, page(number));
  store.publish(key, page(1));
  options.path += ".new";
  WikiStore(options).publish(key, page(2));
  const auto answered = [&] {
    try {
      static_cast<void>(store.lookup(key, fingerprint(2)));
      return true;
    } catch (const StoreUnavailable&) {
      return false;
    }
  };
  {
    auto held = lock_of(wiki);
    held.lock(0ms);
    std::filesystem::rename(options.path, wiki.path);
    CHECK(until([&] { return !answered(); }));
  }
  CHECK(until(answered));
  CHECK(found(store, key, 2) == 2);
  CHECK(found(store, {"repo", "7"}, 7) == -1);
  store.publish(key, page(3));
  CHECK(found(store, key, 3) == 3);
  CHECK(store.stats().corrupt == 0);
  CHECK(store.stats().reopened == 1);
}

TEST_CASE("sqlite: a program that locks the database itself costs a publish its limit, also after another's turn",
          "[concurrent]") {
  const SqliteWiki wiki;
  auto options = wiki.options();
  options.busy_timeout = 4s;
  WikiStore store(options);
  auto outside = wiki.outside();
  outside.run_script("BEGIN IMMEDIATE");
  const auto refused_after = [&] {
    const auto begin = Clock::now();
    CHECK_THROWS_AS(store.publish(key, page(1)), StoreUnavailable);
    return Clock::now() - begin;
  };
  auto first = std::async(std::launch::async, [&] {
    try {
      store.publish(key, page(1));
    } catch (const StoreUnavailable&) {
    }
  });
  std::this_thread::sleep_for(2s);
  CHECK(refused_after() < 5500ms);  // not the two seconds that the first has still to wait, and then four of its own
  first.get();
  outside.run_script("COMMIT");
  store.publish(key, page(1));
  CHECK(found(store, key, 1) == 1);
}

TEST_CASE("sqlite: in a child of fork() a store ends, though a thread of the parent was waiting in it") {
  const SqliteWiki wiki;
  auto options = with_one_reader(wiki, 30s, 30s);
  { const WikiStore makes_the_tables(options); }
  auto file = std::make_unique<SqliteFile>(table_of<WikiSchema>(), options);
  std::jthread waits;
  int status = -1;
  file->read([&](auto&) {
    waits = std::jthread([&] { static_cast<void>(file->look_up([](auto&) { return 0; })); });
    std::this_thread::sleep_for(300ms);
    const auto child = ::fork();
    if (child == 0) {
      ::alarm(60);
      try {
        static_cast<void>(file->stats());
      } catch (const StoreError&) {
        file.reset();
        ::_exit(0);
      }
      ::_exit(1);
    }
    return ::waitpid(child, &status, 0);
  });
  waits.join();
  CHECK(status == 0);
}

TEST_CASE("sqlite: a turn that is only tried for is had at once or not at all") {
  const SqliteWiki wiki;
  SqliteWriter writer(wiki.options());
  const auto tried = [&] { return static_cast<bool>(SqliteWriter::Turn(writer, std::try_to_lock)); };
  CHECK(tried());
  CHECK(tried());  // it was given back
  {
    const SqliteWriter::Turn turn(writer);
    CHECK_FALSE(tried());
    CHECK_FALSE(tried());
    const auto waits = [&] { const SqliteWriter::Turn second(writer, 20ms); };
    CHECK_THROWS_WITH(waits(), ContainsSubstring("other threads have written to it for 20 ms"));
    CHECK_FALSE(tried());
  }
  {
    auto held = lock_of(wiki);
    held.lock(0ms);
    CHECK_FALSE(tried());
    CHECK_FALSE(tried());
  }
  CHECK(tried());
  {
    const SqliteWriter::Turn turn(writer, std::try_to_lock);
    CHECK(turn);
    CHECK_FALSE(tried());
  }
  const SqliteWriter::Turn turn(writer);
}

}  // namespace sqlite_limits_tests
