#include <render_cache/store/sqlite.hpp>

#include "support/catch.hpp"
#include "support/sqlite_wiki.hpp"

#include <string>

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

TEST_CASE("sqlite: groups that a query does not name are erased, and no others") {
  Populated wiki;
  const auto limit = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{4}, std::size_t{1000});
  PruneOptions options;
  options.batch = limit;
  std::size_t last = 0;
  options.progress = [&](const PruneReport& report) { last = report.removed; };
  CHECK(wiki.store.prune_groups(live, options) == PruneReport{12, 4, 0, false});
  CHECK(last == 4);
  CHECK(wiki.count("a") == 4);
  CHECK(wiki.count("b") == 0);
  CHECK(wiki.count("c") == 4);
}

TEST_CASE("sqlite: a dry run over groups changes nothing") {
  Populated wiki;
  PruneOptions options;
  options.dry_run = true;
  CHECK(wiki.store.prune_groups(live, options) == PruneReport{12, 4, 0, false});
  CHECK(wiki.count("b") == 4);
}

TEST_CASE("sqlite: a query that names no group erases nothing, unless that is meant") {
  Populated wiki;
  wiki.outside().run_script("DELETE FROM global_repos WHERE alias_name IS NOT NULL");  // a NULL is left
  CHECK_THROWS_WITH(wiki.store.prune_groups(live), ContainsSubstring("12 entries would go"));
  CHECK(wiki.count("a") == 4);
  CHECK(wiki.store.prune_groups(live, {}, WhenNoneLive::erase_all) == PruneReport{12, 12, 0, false});
  CHECK(wiki.count("a") == 0);
}

TEST_CASE("sqlite: entries of dead groups that are newer than the sweep are kept") {
  Populated wiki;
  wiki.outside().run_script("UPDATE wiki_cache SET rendered_at = '2999-01-01T00:00:00.000Z' WHERE page_path = '0'");
  CHECK(wiki.store.prune_groups(live) == PruneReport{12, 3, 1, false});
  CHECK(wiki.count("b") == 1);
}

TEST_CASE("sqlite: a dry run, too, tells what is newer than the sweep") {
  Populated wiki;
  wiki.outside().run_script("UPDATE wiki_cache SET rendered_at = '2999-01-01T00:00:00.000Z' WHERE page_path = '0'");
  PruneOptions options;
  options.dry_run = true;
  const auto keep_none = [](const WikiKey&) { return false; };
  CHECK(wiki.store.prune(keep_none, options) == PruneReport{12, 9, 3, false});
  CHECK(wiki.store.prune(keep_none, {}) == PruneReport{12, 9, 3, false});
}

TEST_CASE("sqlite: a query of live groups that is no SELECT is refused") {
  Populated wiki;
  CHECK_THROWS_AS(wiki.store.prune_groups("SELECT nothing FROM nowhere"), StoreError);
  CHECK_THROWS_AS(wiki.store.prune_groups("DELETE FROM wiki_cache"), StoreError);
  CHECK_THROWS_AS(wiki.store.prune_groups("SELECT alias_name, 1 FROM global_repos"), StoreError);
  CHECK_THROWS_AS(wiki.store.prune_groups(""), StoreError);
  CHECK(wiki.count("b") == 4);
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
