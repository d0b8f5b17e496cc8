#include <render_cache/store/sqlite.hpp>

#include "support/catch.hpp"
#include "support/sqlite_wiki.hpp"

#include <atomic>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace sqlite_concurrent_tests {

using namespace render_cache;
using namespace render_cache::test;

namespace {

/// Publishes, reads and cleans up for a while; the number of wrong answers.
int work(WikiStore& store, int worker, int rounds) {
  int wrong = 0;
  for (int round = 0; round < rounds; ++round) {
    const WikiKey mine{"worker-" + std::to_string(worker), std::to_string(round % 5)};
    store.publish(mine, page(round));
    wrong += found(store, mine, round) != round;
    const int other = std::rand() % rounds;
    const auto lookup = store.lookup({"worker-" + std::to_string(worker ^ 1), std::to_string(other % 5)}, fingerprint(other));
    wrong += lookup.entry && !(lookup.entry->value == page(other)->value);
    wrong += !lookup.unreadable.empty();
    if (round % 20 == 7) store.prune([](const WikiKey& key) { return key.page_path != "none"; }, {});
  }
  return wrong;
}

std::string integrity(const SqliteWiki& wiki) { return wiki.outside().query("PRAGMA integrity_check").at(0).at(0).value(); }

}  // namespace

TEST_CASE("sqlite: threads of two stores on one file never get a wrong answer", "[concurrent]") {
  SqliteWiki wiki;
  {
    WikiStore one(wiki.options()), two(wiki.options());
    std::atomic<int> wrong{0}, failed{0};
    std::vector<std::thread> threads;
    for (int worker = 0; worker < 4; ++worker) {
      threads.emplace_back([&, worker] {
        try {
          wrong += work(worker % 2 == 0 ? one : two, worker, 60);
        } catch (const std::exception&) {
          ++failed;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(failed == 0);
    CHECK(one.stats().corrupt + two.stats().corrupt == 0);
  }
  CHECK(integrity(wiki) == "ok");
}

TEST_CASE("sqlite: more threads than readers wait for their turn", "[concurrent]") {
  SqliteWiki wiki;
  auto options = wiki.options();
  options.readers = 1;
  WikiStore store(options);
  store.publish({"r", "p"}, page(1));
  std::atomic<int> hits{0};
  std::vector<std::thread> threads;
  for (int reader = 0; reader < 4; ++reader) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) hits += found(store, {"r", "p"}, 1) == 1;
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(hits == 200);
}

TEST_CASE("sqlite: threads that meet a damaged file move it aside once and go on", "[concurrent]") {
  SqliteWiki wiki;
  {
    WikiStore store(wiki.options());
    for (int number = 0; number < 100; ++number) store.publish({"r", std::to_string(number)}, page(number));
  }
  WikiStore store(wiki.options());
  std::filesystem::resize_file(wiki.path, 8192);
  std::filesystem::resize_file(wiki.path, 8192 * 40);
  std::mutex mutex;
  std::string errors;
  std::vector<std::thread> threads;
  for (int reader = 0; reader < 4; ++reader) {
    threads.emplace_back([&] {
      try {
        for (int number = 0; number < 100; ++number) store.lookup({"r", std::to_string(number)}, fingerprint(number));
        store.publish({"r", "new"}, page(1));
      } catch (const std::exception& error) {
        const std::lock_guard lock(mutex);
        errors.append(error.what()).append("; ");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(errors == "");
  CHECK(found(store, {"r", "new"}, 1) == 1);
  CHECK(store.stats().corrupt == 1);
}

TEST_CASE("sqlite: processes on one file never get a wrong answer, and leave it sound") {
  SqliteWiki wiki;
  std::vector<::pid_t> processes;
  for (int worker = 0; worker < 3; ++worker) {
    const auto pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      int wrong = 100;
      try {
        WikiStore store(wiki.options());
        wrong = work(store, worker, 100);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
      }
      ::_exit(wrong);
    }
    processes.push_back(pid);
  }
  for (const auto pid : processes) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
  CHECK(integrity(wiki) == "ok");
}

}  // namespace sqlite_concurrent_tests
