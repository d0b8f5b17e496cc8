// What nodes render while their server is away reaches the others when it is back.
#include <render_cache/hasher/file.hpp>
#include <render_cache/hasher/sha256.hpp>
#include <render_cache/render_cache.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/store/postgres.hpp>
#include <render_cache/store/tiered.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "cluster/node.hpp"
#include "support/catch.hpp"
#include "support/postgres_server.hpp"
#include "support/temporary_directory.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace away_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Wiki = PostgresStore<WikiSchema>;

namespace {

constexpr int pages = 50;

/// What the nodes of the test see of each other.
struct Counted {
  std::atomic<int> renders{0}, reads{0}, wrong{0}, errors{0}, owed_before{0}, owed_stored{0};
  std::atomic<std::int64_t> slowest{0};  // of the reads, in ms
  std::atomic<bool> edited{false}, back{false}, end{false};
};

struct Pages {
  Counted* seen;
  [[nodiscard]] std::string version() const { return "1"; }
  [[nodiscard]] WikiPage render(const WikiKey&, const std::string& source) const {
    ++seen->renders;
    std::this_thread::sleep_for(5ms);
    return {source, {"{}"}};
  }
};

std::string name(int page) { return std::to_string(page) + ".md"; }

template <class Cache>
void read_all(Cache& cache, const std::shared_ptr<const DocumentRoot>& root, Counted* seen) {
  for (int i = 0; i < pages; ++i) {
    const bool edited = seen->edited;
    const auto begin = Clock::now();
    try {
      const auto page = cache.get({"docs", name(i)}, FileSource{root, name(i)}).value();
      if (edited && page->rendered_html != "newer") ++seen->wrong;
    } catch (const std::exception&) {
      ++seen->errors;
    }
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count();
    for (auto slowest = seen->slowest.load(); took > slowest && !seen->slowest.compare_exchange_weak(slowest, took);) {
    }
    ++seen->reads;
  }
}

}  // namespace

TEST_CASE("away: what is rendered while PostgreSQL is stopped for ten seconds is in it within five of its return") {
  test::PostgresServer server;
  const test::TemporaryDirectory files;
  for (int i = 0; i < pages; ++i) files.write(name(i), "older");
  const PostgresOptions options{.conninfo = server.conninfo(), .migrations = wiki_migrations<PostgresDialect>()};
  { Wiki(test::patient(options)).check(); }
  test::Shared<Counted> seen;

  test::Node node([&, s = seen.get()] {
    Wiki far(options);
    MemoryStore<WikiSchema> near;
    TieredStore tiers(near, far);
    RenderCache cache(Pages{s}, FileHasher<Sha256Hasher>(), tiers);
    const auto root = std::make_shared<const DocumentRoot>(files.path());
    std::vector<std::jthread> readers;
    for (int i = 0; i < 4; ++i) {
      readers.emplace_back([&] {
        while (!s->end) {
          if (!s->edited) s->owed_before = static_cast<int>(cache.stats().owed_stored);  // where the server was slow
          read_all(cache, root, s);
          std::this_thread::sleep_for(10ms);
        }
      });
    }
    readers.clear();
    s->owed_stored = static_cast<int>(cache.stats().owed_stored);
  });
  test::Node other([&, s = seen.get()] {
    test::wait_until([&] { return s->back.load(); });
    Wiki store(server.options());
    RenderCache cache(Pages{s}, FileHasher<Sha256Hasher>(), store);
    read_all(cache, std::make_shared<const DocumentRoot>(files.path()), s);
  });

  const auto stored = [&](const std::string& html) {
    pqxx::connection connection(server.conninfo());
    pqxx::work transaction(connection);
    return transaction.exec("SELECT count(*) FROM wiki_cache WHERE rendered_html = '" + html + "'").at(0).at(0).as<int>();
  };
  test::wait_until([&] { return stored("older") == pages; });
  server.stop();
  const auto away = Clock::now();
  for (int i = 0; i < pages; ++i) files.write(name(i), "newer");
  seen->edited = true;
  test::wait_until([&] { return seen->renders >= 2 * pages; });
  const int reads = seen->reads;
  std::this_thread::sleep_until(away + 10s);
  CHECK(seen->reads > reads + 4 * pages);
  server.start();
  const auto back = Clock::now();
  test::wait_until([&] { return stored("newer") == pages || Clock::now() - back > 20s; });
  CHECK(stored("newer") == pages);
  CHECK(Clock::now() - back < 5s);

  const int renders = seen->renders;
  seen->back = true;
  CHECK(other.ended_well());
  CHECK(seen->renders == renders);
  seen->end = true;
  CHECK(node.ended_well());
  CHECK(seen->owed_stored - seen->owed_before == pages);
  CHECK(seen->wrong == 0);
  CHECK(seen->errors == 0);
  CHECK(seen->slowest < 3000);  // a look-up waits 250 ms at most, a publish for a connection 1 s; a render, and a slow machine
}

}  // namespace away_tests
