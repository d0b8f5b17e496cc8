// Clean-up by a query removes the groups that it does not name, and nothing else. For stores that have it and whose groups are texts.
#pragma once

#include <render_cache/laws/store/subject.hpp>
#include <render_cache/sql/sweep.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace render_cache::laws {

template <class Model>
void group_clean_up_laws() {
  Subject<Model> subject;
  auto& store = subject.store;
  using K = typename Subject<Model>::K;
  if constexpr (requires { store.prune_groups(std::string_view{}, PruneOptions{}); } && std::same_as<group_t<K>, std::string>) {
    constexpr unsigned groups = 6, rows = 3;
    const auto for_each_key = [&](auto action) {
      for (unsigned group = 0; group < groups; ++group) {
        for (unsigned row = 0; row < rows; ++row) action(sample_key<K>(group, row), group, row);
      }
    };
    for_each_key([&](const K& key, unsigned, unsigned row) { subject.publish(key, row); });
    // Names what is given: any SQL database reads it.
    const auto named = [](std::initializer_list<unsigned> live) {
      std::string query;
      for (const auto group : live) {
        query += query.empty() ? "SELECT '" : " UNION ALL SELECT '";
        const auto key = sample_key<K>(group, 0);
        for (const char c : group_of(key)) query += c == '\'' ? "''" : std::string(1, c);
        query += '\'';
      }
      return query;
    };
    const auto check_groups = [&](std::initializer_list<unsigned> live) {
      for_each_key([&](const K& key, unsigned group, unsigned row) {
        std::find(live.begin(), live.end(), group) == live.end() ? subject.check_absent(key, row) : subject.check_holds(key, row);
      });
    };
    const PruneReport two_dead{std::size_t{2} * rows, std::size_t{2} * rows, 0, false, groups, 2};

    SECTION("groups that a query does not name are removed, in batches of any size, and no others") {
      PruneOptions options;
      options.batch = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{4}, std::size_t{1000});
      PruneReport last;
      options.progress = [&](const PruneReport& so_far) {
        CHECK(so_far.removed - last.removed <= options.batch);
        CHECK(so_far.examined >= last.examined);
        CHECK(so_far.groups >= last.groups);
        last = so_far;
      };
      const auto report =
          store.prune_groups(named({0, 2, 3, 5}) + " UNION ALL SELECT NULL UNION ALL SELECT 'no such group'", options);
      CHECK(report == two_dead);
      CHECK(last == report);
      check_groups({0, 2, 3, 5});
    }

    SECTION("a dry run counts the same and changes nothing") {
      PruneOptions options;
      options.dry_run = true;
      CHECK(store.prune_groups(named({0, 2, 3, 5}), options) == two_dead);
      check_groups({0, 1, 2, 3, 4, 5});
    }

    SECTION("a query may end in a semicolon or a comment") {
      CHECK(store.prune_groups(named({0, 2, 3, 5}) + " ;\n", PruneOptions{}) == two_dead);
      CHECK(store.prune_groups(named({0, 2, 3, 5}) + " -- those that live", PruneOptions{}).removed == 0);
    }

    SECTION("a query that names no group is refused, and so is what is no query of one column") {
      for (const std::string query : {"SELECT NULL", "", "SELECT 'a', 'b'", "SELECT", "SELECT 'a') AS a, (SELECT 'b'",
                                      "DELETE FROM no_such_table", "SELECT g FROM no_such_table"}) {
        INFO(query);
        for (const bool dry_run : {true, false}) {
          PruneOptions options;
          options.dry_run = dry_run;
          CHECK_THROWS_AS(store.prune_groups(query, options), StoreError);
        }
      }
      check_groups({0, 1, 2, 3, 4, 5});
    }

    SECTION("what is published while the sweep goes on is kept, in dead groups and in new ones") {
      const K reborn = sample_key<K>(4, 1), unheard = sample_key<K>(7, 0);
      PruneOptions options;
      options.batch = 2;
      bool published = false;
      options.progress = [&](const PruneReport&) {  // no lock is held here
        if (std::exchange(published, true)) return;
        subject.publish(reborn, 42);
        subject.publish(unheard, 43);
      };
      const auto report = store.prune_groups(named({0, 2, 3, 5}), options);
      CHECK(report.removed == 2 * rows - 1);
      CHECK(report.kept_newer >= 1);
      subject.check_holds(reborn, 42);
      subject.check_holds(unheard, 43);
    }

    SECTION("a sweep that is stopped goes on when it is started again") {
      std::stop_source stop;
      PruneOptions options;
      options.batch = 2;
      options.stop = stop.get_token();
      options.progress = [&](const PruneReport&) { stop.request_stop(); };
      const auto first = store.prune_groups(named({0, 2, 3, 5}), options);
      CHECK(first.stopped);
      CHECK(first.removed < 2 * rows);
      CHECK(store.prune_groups(named({0, 2, 3, 5}), PruneOptions{}).removed == 2 * rows - first.removed);
      check_groups({0, 2, 3, 5});
    }

    SECTION("two sweeps at the same time do what one does") {
      PruneOptions options;
      options.batch = 2;
      std::size_t removed = 0;
      options.progress = [&](const PruneReport&) {
        if (removed == 0) removed = store.prune_groups(named({0, 2, 3, 5}), PruneOptions{}).removed;
      };
      removed += store.prune_groups(named({0, 2, 3, 5}), options).removed;
      CHECK(removed == std::size_t{2} * rows);
      check_groups({0, 2, 3, 5});
    }
  }
}

}  // namespace render_cache::laws
