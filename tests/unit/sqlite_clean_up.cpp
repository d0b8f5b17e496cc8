#include <render_cache/store/sqlite.hpp>

#include <render_cache/sql/statements.hpp>

#include "support/catch.hpp"
#include "support/sqlite_on_opening.hpp"
#include "support/sqlite_wiki.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sqlite_clean_up_tests {

using namespace render_cache;
using namespace render_cache::test;

namespace {

constexpr auto live = "SELECT alias_name FROM global_repos";

/// Three repositories of four pages; two are alive.
struct Populated : SqliteWiki {
  WikiStore store{options()};
  Populated() {
    outside().run_script("CREATE TABLE global_repos (alias_name TEXT); INSERT INTO global_repos VALUES ('a'), (NULL), ('c')");
    for (const auto repository : {"a", "b", "c"}) {
      for (int number = 0; number < 4; ++number) store.publish({repository, std::to_string(number)}, page(number));
    }
  }
  int count(const std::string& repository) {
    int pages = 0;
    for (int number = 0; number < 4; ++number) pages += found(store, {repository, std::to_string(number)}, number) == number;
    return pages;
  }
};

}  // namespace

TEST_CASE("sqlite: a query that names no group erases nothing, unless that is meant") {
  Populated wiki;
  wiki.outside().run_script("DELETE FROM global_repos WHERE alias_name IS NOT NULL");  // a NULL is left
  CHECK_THROWS_WITH(wiki.store.prune_groups(live), ContainsSubstring("names none"));
  CHECK(wiki.count("a") == 4);
  CHECK(wiki.store.prune_groups(live, {}, WhenNoneLive::erase_all) == PruneReport{12, 12, 0, false, 3, 3});
  CHECK(wiki.count("a") == 0);
}

TEST_CASE("sqlite: entries of dead groups that are newer than the sweep are kept") {
  Populated wiki;
  wiki.outside().run_script(
      "UPDATE wiki_cache SET rendered_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+50 seconds') WHERE page_path = '0'");
  CHECK(wiki.store.prune_groups(live) == PruneReport{4, 3, 1, false, 3, 1});
  CHECK(wiki.count("b") == 1);
}

TEST_CASE("sqlite: what others erase while a sweep goes on is neither removed by it nor newer than it") {
  Populated wiki;
  const auto report = wiki.store.prune(
      [&](const WikiKey& key) {
        if (key == WikiKey{"a", "1"}) wiki.store.erase(key);
        if (key == WikiKey{"a", "2"}) wiki.store.publish(key, page(5));
        return false;
      },
      {});
  CHECK(report == PruneReport{12, 10, 1, false});
}

TEST_CASE("sqlite: each sweep that removes something gives pages back, and a dry run writes nothing") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  const auto free_pages = [&] { return wiki.outside().query("PRAGMA freelist_count").at(0).at(0).value(); };
  const auto publish = [&] {
    for (int number = 0; number < 8; ++number)
      store.publish({"gone", std::to_string(number)}, page(number, std::string(30'000, 'x')));
    wiki.outside().run_script("UPDATE wiki_cache SET rendered_at = '2001-01-01T00:00:00.000Z'");
  };
  const auto sweep = [&, which = GENERATE(0, 1, 2)](const PruneOptions& options) {
    if (which == 0) return store.prune([](const WikiKey&) { return false; }, options);
    if (which == 1) return store.prune_groups("SELECT 'live'", options);
    return store.prune_to({.max_age = std::chrono::hours(24)}, options);
  };
  publish();
  store.erase_group("gone");
  const auto free = free_pages();
  CHECK(free != "0");
  store.publish({"gone", "small"}, page(1));
  wiki.outside().run_script("UPDATE wiki_cache SET rendered_at = '2001-01-01T00:00:00.000Z'");
  const auto still_free = free_pages();
  CHECK(still_free != "0");
  PruneOptions dry;
  dry.dry_run = true;
  const auto writes = store.stats().writes;
  CHECK(sweep(dry).removed == 1);
  CHECK(store.stats().writes == writes);
  CHECK(free_pages() == still_free);
  CHECK(sweep({}).removed == 1);
  CHECK(free_pages() == "0");
}

TEST_CASE("sqlite: a sweep to bounds that removes nothing gives nothing back") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  for (int number = 0; number < 8; ++number)
    store.publish({"gone", std::to_string(number)}, page(number, std::string(30'000, 'x')));
  store.erase_group("gone");
  store.publish({"docs", "a.md"}, page(1));
  const auto writes = store.stats().writes;
  CHECK(store.prune_to({.max_age = std::chrono::hours(24)}) == PruneReport{1, 0, 0, false});
  CHECK(store.stats().writes == writes);
}

TEST_CASE("sqlite: a sweep that finds no free pages writes nothing") {
  Populated wiki;
  const auto writes = wiki.store.stats().writes;
  CHECK(wiki.store.prune([](const WikiKey&) { return true; }, {}) == PruneReport{12, 0, 0, false});
  CHECK(wiki.store.stats().writes == writes);
}

TEST_CASE("sqlite: pages are given back in turns, too, until there are no more or the sweep is stopped") {
  SqliteWiki wiki;
  int turns = 0;
  const OnOpening slow([&](sqlite3* connection) {
    const auto work = [](unsigned, void* counter, void* statement, void*) {
      if (std::string_view(sqlite3_sql(static_cast<sqlite3_stmt*>(statement))) == "PRAGMA incremental_vacuum") {
        ++*static_cast<int*>(counter);
        std::this_thread::sleep_for(detail::SqliteTurn::longest);
      }
      return 0;
    };
    return sqlite3_trace_v2(connection, SQLITE_TRACE_STMT, work, &turns) == SQLITE_OK;
  });
  WikiStore store(wiki.options());
  for (int number = 0; number < 2; ++number)
    store.publish({"gone", std::to_string(number)}, page(number, std::string(30'000, 'x')));
  store.erase_group("gone");
  const auto free_pages = [&] { return std::stoi(wiki.outside().query("PRAGMA freelist_count").at(0).at(0).value()); };
  const int free = free_pages();
  REQUIRE(free > 3);
  PruneOptions options;
  const auto keep_all = [](const WikiKey&) { return true; };
  SECTION("stopped") {
    std::stop_source source;
    source.request_stop();
    options.stop = source.get_token();
    store.prune(keep_all, options);
    CHECK(turns == 1);
    CHECK(free_pages() == free - 1);
  }
  SECTION("until there are no more") {
    store.prune(keep_all, options);
    CHECK(turns >= free);
    CHECK(free_pages() == 0);
  }
}

TEST_CASE("sqlite: of more groups than are read at once each is looked at once") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  std::vector<std::pair<WikiKey, EntryPtr<WikiPage>>> pages;
  for (int number = 0; number < 1'001; ++number) pages.emplace_back(WikiKey{"group " + std::to_string(number), "p"}, page(1));
  store.publish_many(pages);
  CHECK(store.prune_groups("SELECT 'group 7'") == PruneReport{1'000, 1'000, 0, false, 1'001, 1'000});
  CHECK(found(store, {"group 7", "p"}, 1) == 1);
}

TEST_CASE("sqlite: a group that cannot be read stops the clean-up by groups, and says where it is") {
  Populated wiki;
  // Not STRICT, as a table of somebody's own may be: then a text's column may hold bytes.
  wiki.outside().run_script(
      "CREATE TABLE loose(repo_alias TEXT, page_path TEXT, rendered_html TEXT, metadata TEXT, source_hash TEXT, rendered_at "
      "TEXT, PRIMARY KEY(repo_alias, page_path)); INSERT INTO loose SELECT * FROM wiki_cache; DROP TABLE wiki_cache; "
      "ALTER TABLE loose RENAME TO wiki_cache; UPDATE wiki_cache SET repo_alias = x'62' WHERE repo_alias = 'b'");
  CHECK_THROWS_WITH(wiki.store.prune_groups(live), ContainsSubstring("'repo_alias' is no text in a row of 'wiki_cache'"));
  CHECK(wiki.outside().query("SELECT count(*) FROM wiki_cache").at(0).at(0) == "12");
}

TEST_CASE("sqlite: a dry run, too, tells what is newer than the sweep") {
  Populated wiki;
  wiki.outside().run_script(
      "UPDATE wiki_cache SET rendered_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+50 seconds') WHERE page_path = '0'");
  PruneOptions options;
  options.dry_run = true;
  const auto keep_none = [](const WikiKey&) { return false; };
  CHECK(wiki.store.prune(keep_none, options) == PruneReport{12, 9, 3, false});
  CHECK(wiki.store.prune(keep_none, {}) == PruneReport{12, 9, 3, false});
}

TEST_CASE("sqlite: a query of live groups that would change something or names no groups is refused in words") {
  Populated wiki;
  for (const std::string wrong : {"DELETE FROM wiki_cache", "DELETE FROM global_repos RETURNING alias_name",
                                  "SELECT nothing FROM nowhere", "SELECT alias_name, 1 FROM global_repos", "SELECT 1",
                                  "SELECT alias_name FROM global_repos) AS a; DELETE FROM wiki_cache; --"}) {
    INFO(wrong);
    for (const bool dry_run : {true, false}) {
      CHECK_THROWS_WITH(wiki.store.prune_groups(wrong, {.dry_run = dry_run}),
                        ContainsSubstring("must be one SELECT of one column, of the groups' type, that changes nothing"));
    }
  }
  CHECK(wiki.count("b") == 4);
  CHECK(wiki.outside().query("SELECT count(*) FROM global_repos").at(0).at(0) == "3");
}

TEST_CASE("sqlite: a query of live groups that takes too long is given up, and nothing is erased") {
  Populated wiki;
  const auto endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT CAST(max(i) AS TEXT) FROM n";
  PruneOptions options;
  options.query_timeout = std::chrono::milliseconds(20);
  CHECK_THROWS_AS(wiki.store.prune_groups(endless, options), StoreUnavailable);
  CHECK_THROWS_WITH(wiki.store.prune_groups(endless, options), ContainsSubstring("longer than 20 ms"));
  options.query_timeout = {};
  CHECK(wiki.store.prune_groups(live, options).removed == 4);
}

TEST_CASE("sqlite: a query of live groups has an end, however many it names") {
  Populated wiki;
  const auto query = [](std::size_t rows) {
    return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " + std::to_string(rows) +
           ") SELECT 'a' FROM n";
  };
  CHECK_THROWS_WITH(wiki.store.prune_groups(query(max_live_groups + 1), {.dry_run = true}), ContainsSubstring("SELECT DISTINCT"));
  CHECK(wiki.store.prune_groups(query(max_live_groups), {.dry_run = true}).removed == 8);
}

TEST_CASE("sqlite: clean-up by a query follows the key's index, and looks at no entry of a group that lives") {
  Populated wiki;
  const Table table = table_of<WikiSchema>();
  const Sql<SqliteDialect> sql(table);
  auto connection = wiki.outside();
  for (const auto& statement :
       {sql.groups_first, sql.groups_next, sql.sweep_group_first, sql.sweep_group_next, sql.survey_next, sql.erase_older}) {
    std::string plan;
    for (const auto& row : connection.query("EXPLAIN QUERY PLAN " + statement.text)) plan += row.at(3).value() + "\n";
    INFO(statement.text << '\n' << plan);
    CHECK_THAT(plan, ContainsSubstring("SEARCH t") || ContainsSubstring("SCAN t USING COVERING INDEX"));
    CHECK_THAT(plan, !ContainsSubstring("TEMP B-TREE"));
  }
  CHECK(wiki.store.prune_groups(live) == PruneReport{4, 4, 0, false, 3, 1});
}

TEST_CASE("sqlite: a sweep's transaction has at most a batch of entries, and ends early where they are slow") {
  Populated wiki;
  const auto turns = [&](std::size_t batch) {
    PruneOptions options;
    options.batch = batch;
    const auto before = wiki.store.stats().writes;
    CHECK(wiki.store.prune_groups("SELECT 'a' UNION SELECT 'c'", options).removed == 4);
    return wiki.store.stats().writes - before;
  };
  SECTION("a batch") { CHECK(turns(3) == 2); }
  SECTION("all in one") { CHECK(turns(1000) == 1); }
  SECTION("slow ones") {
    wiki.outside().run_script(
        "CREATE TRIGGER slow BEFORE DELETE ON wiki_cache BEGIN SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
        "SELECT i + 1 FROM n WHERE i < 1000000) SELECT i FROM n); END");
    CHECK(turns(1000) == 4);
  }
}

TEST_CASE("sqlite: a sweep to bounds writes in turns, too, holds nothing while it reads, and gives pages back") {
  Populated wiki;
  const std::string large(100'000, 'x');
  for (int number = 0; number < 20; ++number) wiki.store.publish({"large", std::to_string(number)}, page(number, large));
  wiki.outside().run_script(
      "UPDATE wiki_cache SET rendered_at = '2001-01-01T00:00:00.000Z' WHERE repo_alias = 'large'; "
      "CREATE TRIGGER slow BEFORE DELETE ON wiki_cache BEGIN SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
      "SELECT i + 1 FROM n WHERE i < 200000) SELECT i FROM n); END");
  auto at_once = wiki.options();
  at_once.busy_timeout = std::chrono::milliseconds(0);
  WikiStore other(at_once);
  const Bounds bounds = GENERATE(Bounds{.max_age = std::chrono::hours(240)}, Bounds{.max_bytes = 50'000});
  PruneOptions options;
  options.batch = 10;
  int published = 0;
  options.progress = [&](const PruneReport&) { other.publish({"a", "0"}, page(++published)); };
  const auto before = wiki.store.stats().writes;
  CHECK(wiki.store.prune_to(bounds, options).removed == 20);
  CHECK(wiki.store.stats().writes - before >= 20);  // and those that give pages back
  CHECK(published >= 3);
  CHECK(wiki.count("b") == 4);
  CHECK(wiki.outside().query("PRAGMA freelist_count").at(0).at(0) == "0");
}

TEST_CASE("sqlite: an entry without a time that can be is older than all") {
  for (const std::string time : {"NULL", "'infinity'", "'yesterday'", "'9999-12-31T23:59:59.999Z'"}) {
    INFO(time);
    Populated wiki;
    wiki.outside().run_script(
        "UPDATE wiki_cache SET rendered_at = '0001-01-01T00:00:00.000Z' WHERE repo_alias = 'a'; "
        "UPDATE wiki_cache SET rendered_at = " +
        time + " WHERE repo_alias = 'c' AND page_path = '3'");
    CHECK(wiki.store.prune_to({.max_age = std::chrono::years(3000)}) == PruneReport{12, 1, 0, false});
    CHECK(found(wiki.store, {"c", "3"}, 3) == -1);
    CHECK(wiki.count("a") == 4);
  }
}

TEST_CASE("sqlite: 4 GiB are the bound unless another one is said") {
  SqliteWiki wiki;
  CHECK(WikiStore(wiki.options()).bounds() == Bounds{.max_bytes = 4'294'967'296});
  auto options = wiki.options();
  options.bounds = {};
  CHECK(WikiStore(options).bounds() == Bounds{});
}

TEST_CASE("sqlite: between two turns of a sweep others write at once, and long enough for all to notice") {
  Populated wiki;
  auto at_once = wiki.options();
  at_once.busy_timeout = std::chrono::milliseconds(0);
  WikiStore other(at_once);
  PruneOptions options;
  options.batch = 1;
  int published = 0;
  options.progress = [&](const PruneReport&) { other.publish({"a", "0"}, page(++published)); };
  const auto before = std::chrono::steady_clock::now();
  wiki.store.prune_groups(live, options);
  CHECK(std::chrono::steady_clock::now() - before >= 3 * 2 * SqliteFileLock::longest_pause);
  CHECK(published >= 4);
  CHECK(found(other, {"a", "0"}, published) == published);
}

TEST_CASE("sqlite: a sweep that was killed is finished by the next one") {
  SqliteWiki wiki;
  {
    WikiStore store(wiki.options());
    for (int number = 0; number < 20; ++number)
      store.publish({number < 2 ? "live" : "dead", std::to_string(number)}, page(number));
  }
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    try {
      WikiStore store(wiki.options());
      PruneOptions options;
      options.batch = 5;
      options.progress = [&](const PruneReport& report) {
        if (report.removed == 10) ::raise(SIGKILL);
      };
      store.prune_groups("SELECT 'live'", options);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
  WikiStore store(wiki.options());
  CHECK(store.prune_groups("SELECT 'live'") == PruneReport{8, 8, 0, false, 2, 1});
  CHECK(found(store, {"live", "1"}, 1) == 1);
}

TEST_CASE("sqlite: an entry of a time that is yet to come, or is none, is not newer than each sweep") {
  for (const std::string time :
       {"strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+70 seconds')", "'9999-12-31T23:59:59.999Z'", "'infinity'"}) {
    INFO(time);
    Populated wiki;
    wiki.outside().run_script("UPDATE wiki_cache SET rendered_at = " + time);
    CHECK(wiki.store.prune_groups(live) == PruneReport{4, 4, 0, false, 3, 1});
    CHECK(wiki.store.prune([](const WikiKey& key) { return key.repo_alias == "a"; }, {}) == PruneReport{8, 4, 0, false});
  }
}

TEST_CASE("sqlite: an entry without a time is old") {
  Populated wiki;
  wiki.outside().run_script("UPDATE wiki_cache SET rendered_at = NULL WHERE repo_alias = 'b'");
  CHECK(wiki.store.prune_groups(live).removed == 4);
  wiki.outside().run_script("UPDATE wiki_cache SET rendered_at = NULL WHERE repo_alias = 'a'");
  CHECK(wiki.store.prune([](const WikiKey& key) { return key.repo_alias != "a"; }, {}) == PruneReport{8, 4, 0, false});
}

TEST_CASE("sqlite: pages of the file that became free go back to the file system") {
  SqliteWiki wiki;
  {
    WikiStore store(wiki.options());
    for (int number = 0; number < 50; ++number)
      store.publish({"r", std::to_string(number)}, page(number, std::string(100'000, 'x')));
  }
  const auto full = std::filesystem::file_size(wiki.path);
  CHECK(full > 5'000'000);
  {
    WikiStore store(wiki.options());
    store.prune([](const WikiKey&) { return false; }, {});
  }
  CHECK(std::filesystem::file_size(wiki.path) < full / 4);
}

}  // namespace sqlite_clean_up_tests
