// What clean-up costs in a large table, and what it costs others; scripts/bench scale runs it on a table of large_table's.
//
//   clean_up query PLACE            removes what the query of live groups does not name
//   clean_up predicate PLACE        removes about half of the entries, as a predicate says
//   clean_up age PLACE              looks for what is older than a day, of which there is nothing
//   clean_up size PLACE             removes the oldest entries, until the rest takes nine tenths of what all took
//
// For PLACE see large_table.hpp. While it removes, another process publishes all the time. Printed are, with tabs between them: entries
// removed, seconds, seconds until the last one was erased (then SQLite gives pages back), what the other process published, how often it
// failed, the longest it took in ms, how late a process was at most that only sleeps, in ms, MB written, the largest that SQLite's log
// became, in MB, and the most memory of the process that removes, in MB.
#include "large_table.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace render_cache;
using namespace render_cache::large_table;

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

template <class Action>
pid_t start(Action action) {
  const auto pid = ::fork();
  if (pid != 0) return pid;
  action();
  ::_exit(0);
}

template <class Table>
void measure(const Table& table, std::string_view what) {
  const auto most = what == "size" ? most_of(*table.connect()) : 0;
  const auto written = table.written();
  auto* beside = static_cast<Beside*>(::mmap(nullptr, sizeof(Beside), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  auto& end = beside->end;
  const auto writer = start([&] {
    typename Table::Store store(table.options);
    for (std::size_t number = 0; !end; ++number) {
      const auto before = Clock::now();
      try {
        store.publish(key(number % groups / 10 * 10 + 1, number % 100), page(number));
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
  std::exception_ptr failed;
  try {
    typename Table::Store store(table.options);
    PruneOptions how;
    how.progress = [&](const PruneReport&) {
      std::error_code error;
      const auto size = std::filesystem::file_size(table.log(), error);
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
  } catch (...) {
    failed = std::current_exception();
  }
  const auto took = Clock::now() - before;
  end = true;
  ::waitpid(writer, nullptr, 0);
  ::waitpid(canary, nullptr, 0);
  if (failed) std::rethrow_exception(failed);
  std::printf("%zu\t%.2f\t%.2f\t%llu\t%llu\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\n", report.removed, milliseconds(took) / 1000,
              milliseconds(last - before) / 1000, static_cast<unsigned long long>(beside->publishes),
              static_cast<unsigned long long>(beside->failed), beside->longest_publish, beside->latest, table.written() - written,
              static_cast<double>(largest_wal) / 1e6, peak_memory());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  return at_place(argv[2], [&](const auto& table) { measure(table, argv[1]); });
}
