// What a table costs by its size; scripts/bench scale runs it.
//
//   large_table fill PLACE LIVE DEAD together|scattered   entries of living and of dead groups: those of a group together, or all as in a wiki
//                        that is read. Prints: entries a second, MB written, the most memory in MB
//   large_table calls PLACE LIVE   by one caller, on random living entries of a table that was filled so. Prints, p50 and p99 as two:
//                        ms that the first look-up of a new store takes, ms that a new connection and its first look-up take (p50);
//                        us of a look-up, of a bare one, of lookup_many of 100 keys, of a publish; KB written a publish; MB of memory
//   large_table hits PLACE LIVE PLACE LIVE   on two tables in turn, of one kind. Prints p50 of a look-up in us in the one and in the
//                        other, the ratio of these, and that of bare look-ups
//
// Figures are separated by tabs. For PLACE see large_table.hpp.
#include "large_table.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace render_cache;
using namespace render_cache::large_table;

constexpr std::size_t rows_of_live_group(std::size_t live) { return live / (groups - dead_groups); }

template <class Table>
void fill(const Table& table, std::size_t live, std::size_t dead, bool together) {
  table.make();
  {
    const auto connection = table.connect();
    connection->run_script("CREATE TABLE global_repos (alias_name TEXT PRIMARY KEY)");
    for (std::size_t number = 0; number < groups; ++number) {
      if (!is_dead(number)) connection->query("INSERT INTO global_repos VALUES ('" + group(number) + "')", {});
    }
  }
  typename Table::Store store(table.options);
  const auto start = Clock::now();
  const auto written = table.written();
  std::size_t count = 0;
  std::vector<std::pair<WikiKey, EntryPtr<WikiPage>>> entries;
  const auto publish = [&](std::size_t number, std::size_t row) {
    if (row >= (is_dead(number) ? dead / dead_groups : rows_of_live_group(live))) return;
    ++count;
    entries.emplace_back(key(number, row), page(row));
    if (entries.size() == 1000) store.publish_many(std::exchange(entries, {}));
  };
  const std::size_t most = std::max(rows_of_live_group(live), dead / dead_groups);
  for (std::size_t outer = 0; outer < (together ? groups : most); ++outer) {
    for (std::size_t inner = 0; inner < (together ? most : groups); ++inner) {
      together ? publish(outer, inner) : publish(inner, outer);
    }
  }
  store.publish_many(entries);
  const auto took = seconds_since(start);
  std::printf("%.0f\t%.0f\t%.0f\n", static_cast<double>(count) / took, table.written() - written, peak_memory());
  table.settle();
}

/// Times of one kind of call.
class Times {
 public:
  template <class Call>
  void time(Call call) {
    const auto start = Clock::now();
    call();
    all_.push_back(milliseconds(Clock::now() - start));
  }
  /// In ms.
  [[nodiscard]] double percentile(std::size_t percent) {
    std::ranges::sort(all_);
    return all_.at((all_.size() - 1) * percent / 100);
  }
  void print_us() { std::printf("%.1f\t%.1f\t", percentile(50) * 1000, percentile(99) * 1000); }

 private:
  std::vector<double> all_;
};

/// Calls about random living entries of a table that was filled.
class Calls {
 public:
  explicit Calls(std::size_t live) : rows_(rows_of_live_group(live)) {}

  /// A living group, and one of its rows.
  std::pair<std::size_t, std::size_t> any() {
    std::size_t number = random_() % groups;
    while (is_dead(number)) number = random_() % groups;
    return {number, random_() % rows_};
  }
  template <class Store>
  void look_up(Store& store) {
    const auto [number, row] = any();
    found(store.lookup(key(number, row), page(row)->fingerprint));
  }
  template <class Bare>
  void look_up_bare(Bare& bare) {
    const auto [number, row] = any();
    bare.lookup(key(number, row), page(row)->fingerprint.text());
  }
  static void found(const Lookup<WikiPage>& lookup) {
    if (lookup.entry == nullptr) throw std::runtime_error("a published page is not found");
  }

 private:
  std::size_t rows_;
  std::minstd_rand random_{1};
};

constexpr int look_ups = 20'000, warm_up = 2'000;

template <class Table>
void calls(const Table& table, std::size_t live) {
  Calls some(live);
  Times start, bare_start, lookup, bare_lookup, batch, publish;
  for (int round = 0; round < 21; ++round) {
    start.time([&] {
      typename Table::Store store(table.options);
      some.look_up(store);
    });
    bare_start.time([&] {
      typename Table::Bare bare(table);
      some.look_up_bare(bare);
    });
  }
  typename Table::Store store(table.options);
  typename Table::Bare bare(table);
  for (int round = -warm_up; round < look_ups; ++round) {
    if (round == 0) lookup = bare_lookup = {};
    lookup.time([&] { some.look_up(store); });
    bare_lookup.time([&] { some.look_up_bare(bare); });
  }
  for (int round = 0; round < 300; ++round) {
    std::vector<Query<WikiKey>> queries;
    for (int number = 0; number < 100; ++number) {
      const auto [group_number, row] = some.any();
      queries.push_back({key(group_number, row), page(row)->fingerprint});
    }
    batch.time([&] {
      for (const auto& one : store.lookup_many(queries)) Calls::found(one);
    });
  }
  const auto written = table.written();
  constexpr std::size_t publishes = 5'000;
  for (std::size_t number = 0; number < publishes; ++number) {
    const auto [group_number, row] = some.any();
    const auto entry = page(row + number + 1);
    publish.time([&] { store.publish(key(group_number, row), entry); });
  }
  const auto kilobytes = (table.written() - written) * 1000 / publishes;

  std::printf("%.1f\t%.1f\t", start.percentile(50), bare_start.percentile(50));
  for (auto* times : {&lookup, &bare_lookup, &batch, &publish}) times->print_us();
  std::printf("%.1f\t%.0f\n", kilobytes, peak_memory());
}

template <class Table>
void hits(const Table& small, std::size_t few, const Table& large, std::size_t many) {
  Calls some_of_few(few), some_of_many(many);
  typename Table::Store few_store(small.options), many_store(large.options);
  typename Table::Bare few_bare(small), many_bare(large);
  Times few_hits, many_hits, few_bare_hits, many_bare_hits;
  for (int round = -warm_up; round < look_ups; ++round) {
    if (round == 0) few_hits = many_hits = few_bare_hits = many_bare_hits = {};
    few_hits.time([&] { some_of_few.look_up(few_store); });
    many_hits.time([&] { some_of_many.look_up(many_store); });
    few_bare_hits.time([&] { some_of_few.look_up_bare(few_bare); });
    many_bare_hits.time([&] { some_of_many.look_up_bare(many_bare); });
  }
  std::printf("%.1f\t%.1f\t%.2f\t%.2f\n", few_hits.percentile(50) * 1000, many_hits.percentile(50) * 1000,
              many_hits.percentile(50) / few_hits.percentile(50), many_bare_hits.percentile(50) / few_bare_hits.percentile(50));
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv, argv + argc);
  const auto number = [&](int at) { return static_cast<std::size_t>(std::strtoull(argv[at], nullptr, 10)); };
  if (argc == 6 && arguments[1] == "fill") {
    return at_place(arguments[2], [&](const auto& table) { fill(table, number(3), number(4), arguments[5] == "together"); });
  }
  if (argc == 6 && arguments[1] == "hits") {
    return at_place(arguments[2], [&]<class Table>(const Table& small) {
      hits(small, number(3), Table(std::string(arguments[4].substr(arguments[4].find(':') + 1))), number(5));
    });
  }
  if (argc == 4 && arguments[1] == "calls") return at_place(arguments[2], [&](const auto& table) { calls(table, number(3)); });
  return 2;
}
