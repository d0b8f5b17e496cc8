// What clean-up costs in a large table, and what it costs others; scripts/bench scale runs it.
//
//   clean_up fill STORE LIVE DEAD [together]   1,000 groups; 100 of them, with DEAD entries in all, are not in the table
//                                   global_repos. Entries come as in a wiki that is read, or those of a group together
//   clean_up query STORE            removes what the query of live groups does not name
//   clean_up predicate STORE        removes about half of the entries, as a predicate says
//   clean_up age STORE              looks for what is older than a day, of which there is nothing
//   clean_up size STORE             removes the oldest entries, until the rest takes nine tenths of what all took
//
// STORE is sqlite:PATH of a file that is not there, or postgres:CONNINFO, where it makes a schema of its own, render_cache_clean_up.
// While it removes, another process publishes all the time. Printed are, with tabs between them: entries removed, seconds, seconds until
// the last one was erased (then SQLite gives pages back), what the other process published, how often it failed, the longest it took in
// ms, how late a process was at most that only sleeps, in ms, and the largest that SQLite's log became, in MB.
#include <render_cache/store/postgres.hpp>
#include <render_cache/store/sqlite.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace render_cache;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t groups = 1000, dead_groups = 100;

std::string group(std::size_t number) { return "repository-" + std::to_string(number); }
bool is_dead(std::size_t number) { return number % (groups / dead_groups) == 0; }

EntryPtr<WikiPage> page(std::size_t number) {
  static const std::string text = [] {
    std::minstd_rand random(1);
    std::string made;
    while (made.size() < 8000) made += static_cast<char>('a' + random() % 26);
    return made;
  }();
  return std::make_shared<const Entry<WikiPage>>(
      Entry<WikiPage>{{text.substr(number % 6000, 1200), {"{}"}}, Fingerprint().add("source", number), {}, {}});
}

template <class Store, class Connection>
void fill(Store& store, Connection& connection, std::size_t live, std::size_t dead, bool together) {
  connection.run_script("CREATE TABLE global_repos (alias_name TEXT PRIMARY KEY)");
  for (std::size_t number = 0; number < groups; ++number) {
    if (!is_dead(number)) connection.query("INSERT INTO global_repos VALUES ('" + group(number) + "')", {});
  }
  std::vector<std::pair<WikiKey, EntryPtr<WikiPage>>> entries;
  const auto publish = [&](std::size_t number, std::size_t row) {
    if (row >= (is_dead(number) ? dead / dead_groups : live / (groups - dead_groups))) return;
    entries.emplace_back(WikiKey{group(number), "page-" + std::to_string(row) + ".md"}, page(row));
    if (entries.size() == 1000) store.publish_many(std::exchange(entries, {}));
  };
  const std::size_t most = std::max(live / (groups - dead_groups), dead / dead_groups) + 1;
  for (std::size_t outer = 0; outer < (together ? groups : most); ++outer) {
    for (std::size_t inner = 0; inner < (together ? most : groups); ++inner) {
      together ? publish(outer, inner) : publish(inner, outer);
    }
  }
  store.publish_many(entries);
}

/// What two processes beside the clean-up saw.
struct Beside {
  std::uint64_t publishes, failed;
  double longest_publish, latest;
  std::atomic<bool> end;
};

/// Nine tenths of what the entries take.
template <class Connection>
std::uint64_t most_of(Connection& connection) {
  using Dialect = typename Connection::Dialect;
  const auto table = table_of<WikiSchema>();
  const auto sum = detail::joined(table.columns(), " + ", [](const Column& column, std::size_t) {
    return "coalesce(" + Dialect::bytes(detail::of_table<Dialect>(column)) + ", 0)";
  });
  const auto rows = connection.query("SELECT sum(" + sum + ") FROM wiki_cache AS t", {});
  return std::strtoull(rows.at(0).at(0).value().c_str(), nullptr, 10) / 10 * 9;
}

double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

template <class Action>
pid_t start(Action action) {
  const auto pid = ::fork();
  if (pid != 0) return pid;
  action();
  ::_exit(0);
}

template <class Store, class Options>
int measure(const Options& options, const std::string& what, const std::string& wal, std::uint64_t most) {
  auto* beside = static_cast<Beside*>(::mmap(nullptr, sizeof(Beside), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  auto& end = beside->end;
  const auto writer = start([&] {
    Store store(options);
    for (std::size_t number = 0; !end; ++number) {
      const auto before = Clock::now();
      try {
        store.publish({group(number % groups / 10 * 10 + 1), "page-" + std::to_string(number % 100) + ".md"}, page(number));
      } catch (const std::exception& error) {
        if (beside->failed++ == 0) std::fprintf(stderr, "%s\n", error.what());
      }
      beside->longest_publish = std::max(beside->longest_publish, milliseconds(Clock::now() - before));
      ++beside->publishes;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  const auto canary = start([&] {
    while (!end) {
      const auto before = Clock::now();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      beside->latest = std::max(beside->latest, milliseconds(Clock::now() - before) - 1);
    }
  });

  PruneReport report;
  std::uintmax_t largest_wal = 0;
  auto last = Clock::now();
  const auto before = Clock::now();
  int failed = 0;
  try {
    Store store(options);
    PruneOptions how;
    how.progress = [&](const PruneReport&) {
      std::error_code error;
      const auto size = std::filesystem::file_size(wal, error);
      last = Clock::now();
      if (!error) largest_wal = std::max(largest_wal, size);
    };
    if (what == "query") {
      report = store.prune_groups("SELECT alias_name FROM global_repos", how);
    } else if (what == "predicate") {
      report = store.prune([](const WikiKey& key) { return (key.page_path[5] - '0') % 2 == 0; }, how);
    } else {
      report = store.prune_to(what == "age" ? Bounds{.max_age = std::chrono::hours(24)} : Bounds{.max_bytes = most}, how);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    failed = 1;
  }
  const auto took = Clock::now() - before;
  end = true;
  ::waitpid(writer, nullptr, 0);
  ::waitpid(canary, nullptr, 0);
  std::printf("%zu\t%.2f\t%.2f\t%llu\t%llu\t%.0f\t%.0f\t%.0f\n", report.removed, milliseconds(took) / 1000,
              milliseconds(last - before) / 1000, static_cast<unsigned long long>(beside->publishes),
              static_cast<unsigned long long>(beside->failed), beside->longest_publish, beside->latest,
              static_cast<double>(largest_wal) / 1e6);
  return failed;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string what = argv[1], where = argv[2];
  const auto number = [&](int at) { return static_cast<std::size_t>(std::strtoull(argv[at], nullptr, 10)); };
  if (where.starts_with("sqlite:")) {
    const SqliteOptions options{.path = where.substr(7), .migrations = wiki_migrations<SqliteDialect>()};
    // The connection is closed before the processes beside it begin: SQLite is not to be carried into them.
    const auto connect = [&] {
      return std::make_unique<SqliteConnection>(options.path, SqliteConnection::Access::write, std::chrono::seconds(10));
    };
    if (what != "fill") {
      const auto most = what == "size" ? most_of(*connect()) : 0;
      return measure<SqliteStore<WikiSchema>>(options, what, options.path.string() + "-wal", most);
    }
    SqliteStore<WikiSchema> store(options);
    const auto connection = connect();
    fill(store, *connection, number(3), number(4), argc > 5);
  } else {
    const PostgresOptions options{.conninfo = where.substr(9) + " options='-c search_path=render_cache_clean_up'",
                                  .migrations = wiki_migrations<PostgresDialect>()};
    if (what != "fill") {
      const auto most = what == "size" ? most_of(*std::make_unique<PostgresConnection>(options)) : 0;
      return measure<PostgresStore<WikiSchema>>(options, what, {}, most);
    }
    PostgresConnection connection(options);
    connection.run_script("DROP SCHEMA IF EXISTS render_cache_clean_up CASCADE; CREATE SCHEMA render_cache_clean_up");
    PostgresStore<WikiSchema> store(options);
    fill(store, connection, number(3), number(4), argc > 5);
    connection.run_script("ANALYZE");
  }
}
