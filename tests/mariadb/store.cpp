#include <mariadb/store.hpp>

#include <render_cache/sql/create_table.hpp>
#include <render_cache/wiki.hpp>

#include "support/all_kinds.hpp"
#include "support/catch.hpp"
#include "support/mariadb_database.hpp"
#include "support/more_kinds.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <future>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace store_tests {

using namespace mariadb_example;
using test::MariaDbDatabase;

namespace {

const Fingerprint fingerprint = Fingerprint().add("source", 1);

EntryPtr<WikiPage> page(const std::string& html, const std::string& metadata = "{}") {
  return std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{html, {metadata}}, fingerprint});
}

struct Wiki {
  MariaDbDatabase database{};
  MariaDbOptions options = database.options({create_table<WikiSchema, MariaDbDialect>()});
  MariaDbStore<WikiSchema> store{options};

  std::string html(const WikiKey& key) {
    const auto found = store.lookup(key, fingerprint).entry;
    return found ? found->value.rendered_html : "none";
  }
};

/// What the check says of a table of the wiki; empty when it fits.
std::string complaint(const std::string& key_type, const std::string& html_type, const std::string& constraint) {
  MariaDbDatabase database;
  database.execute("CREATE TABLE wiki_cache (repo_alias varbinary(2048) NOT NULL, page_path " + key_type +
                   " NOT NULL, rendered_html " + html_type +
                   ", metadata json, source_hash longtext character set utf8mb4, rendered_at datetime(6), " + constraint + ")");
  try {
    check_table<WikiSchema>(database.connection());
  } catch (const SchemaMismatch& mismatch) {
    return mismatch.what();
  }
  return {};
}

}  // namespace

TEST_CASE("mariadb: the wiki's statements are these, and each parameter has its argument") {
  const Sql<MariaDbDialect> sql(table_of<WikiSchema>());
  CHECK(sql.lookup.text ==
        "SELECT t.`source_hash`, date_format(t.`rendered_at`, '%Y-%m-%dT%H:%i:%s.%fZ'), "
        "CASE WHEN left(concat(t.`source_hash`, '||'), char_length(?) + 2) = binary concat(?, '||') THEN t.`rendered_html` END, "
        "CASE WHEN left(concat(t.`source_hash`, '||'), char_length(?) + 2) = binary concat(?, '||') THEN t.`metadata` END "
        "FROM `wiki_cache` AS t WHERE t.`repo_alias` = ? AND t.`page_path` = ?");
  CHECK(sql.lookup.order == std::vector<std::size_t>{2, 2, 2, 2, 0, 1});
  CHECK(sql.publish.text ==
        "INSERT INTO `wiki_cache` (`repo_alias`, `page_path`, `rendered_html`, `metadata`, `source_hash`, `rendered_at`) "
        "VALUES (?, ?, ?, ?, ?, utc_timestamp(6)) ON DUPLICATE KEY UPDATE `repo_alias` = VALUES(`repo_alias`), "
        "`page_path` = VALUES(`page_path`), `rendered_html` = VALUES(`rendered_html`), `metadata` = VALUES(`metadata`), "
        "`source_hash` = VALUES(`source_hash`), `rendered_at` = VALUES(`rendered_at`)");
  CHECK(sql.erase_older.text ==
        "DELETE t FROM `wiki_cache` AS t WHERE t.`repo_alias` = ? AND t.`page_path` = ? "
        "AND NOT CASE WHEN t.`rendered_at` >= str_to_date(?, '%Y-%m-%dT%H:%i:%s.%fZ') "
        "THEN coalesce(timestampdiff(microsecond, t.`rendered_at`, utc_timestamp(6)) >= -60000000, false) ELSE false END");
}

TEST_CASE("mariadb: an integer's column may be wider, and has a sign") {
  const Column number{.name = "number", .kind = Kind::integer, .bytes = 4};
  CHECK(MariaDbDialect::type_fits(number, "bigint(20)"));
  CHECK(MariaDbDialect::type_fits({.name = "number", .kind = Kind::integer, .bytes = 2}, "int(11)"));
  for (const char* type : {"smallint(6)", "int(10) unsigned", "bigint(20) unsigned", "double"}) {
    CHECK_FALSE(MariaDbDialect::type_fits(number, type));
  }
}

TEST_CASE("mariadb: the table that is made of a schema is the one that its stores ask for, and goes again") {
  MariaDbDatabase database;
  Migrator migrator(database.connection(),
                    {create_table<WikiSchema, MariaDbDialect>(), create_table<test::AllKindsSchema, MariaDbDialect>(2)});
  CHECK(migrator.pending().size() == 2);
  CHECK(migrator.up() == 2);
  CHECK(migrator.up() == 0);
  check_table<WikiSchema>(database.connection());
  check_table<test::AllKindsSchema>(database.connection());
  CHECK(migrator.down(0) == 2);
  CHECK_THROWS_AS(check_table<WikiSchema>(database.connection()), SchemaMismatch);
}

TEST_CASE("mariadb: the table check refuses what would take two keys for one, or cut a text") {
  const std::string good = "varbinary(2048)", html = "longtext character set utf8mb4";
  const std::string unique = "UNIQUE (repo_alias, page_path) USING HASH";
  CHECK(complaint(good, html, unique) == "");
  CHECK(complaint("varchar(2048) character set utf8mb4 collate utf8mb4_nopad_bin", html, unique) == "");

  const std::string equates = "'page_path' has a collation that takes texts for the same that differ";
  for (const std::string collation : {"utf8mb4_general_ci", "utf8mb4_general_nopad_ci", "utf8mb4_bin"}) {
    CHECK_THAT(complaint("varchar(2048) character set utf8mb4 collate " + collation, html, unique), ContainsSubstring(equates));
  }
  CHECK_THAT(complaint("varbinary(255)", html, unique),
             ContainsSubstring("'page_path' is varbinary(255) where varbinary(2048) is needed"));
  CHECK_THAT(complaint(good, "longtext character set latin1", unique),
             ContainsSubstring("'rendered_html' is longtext character set latin1"));
  CHECK_THAT(complaint(good, "text character set utf8mb4", unique), ContainsSubstring("'rendered_html' is text"));
  CHECK_THAT(complaint(good, html, "UNIQUE (repo_alias(200), page_path(200))"), ContainsSubstring("no primary key or unique"));
  CHECK_THAT(complaint(good, html, "UNIQUE (page_path) USING HASH"), ContainsSubstring("no primary key or unique"));
}

TEST_CASE("mariadb: of many nodes that start at once, one makes the table, and all find it", "[concurrent]") {
  MariaDbDatabase database;
  const auto options = database.options({create_table<WikiSchema, MariaDbDialect>()});
  std::atomic<int> failed = 0;
  std::vector<std::thread> starting;
  for (int node = 0; node < 6; ++node) {
    starting.emplace_back([&, node] {
      try {
        MariaDbStore<WikiSchema>(options).publish({"docs", std::to_string(node)}, page("x"));
      } catch (const std::exception&) {
        ++failed;
      }
    });
  }
  for (auto& node : starting) node.join();
  CHECK(failed == 0);
  CHECK(database.value("SELECT count(*) FROM wiki_cache") == "6");
  CHECK(database.value("SELECT count(*) FROM render_cache_migrations") == "1");
}

TEST_CASE("mariadb: a migration that fails says that a part of it stays, and leaves the lock free") {
  MariaDbDatabase database;
  const Migration broken{1, "broken", "CREATE TABLE half (a int); CREATE TABLE half (a int)", "DROP TABLE half"};
  CHECK_THROWS_WITH(Migrator(database.connection(), {broken}).up(),
                    ContainsSubstring("broken") && ContainsSubstring("1050") && ContainsSubstring("undo that by hand"));
  database.execute("DROP TABLE half");
  MariaDbConnection other(database.options(), std::chrono::seconds(5));
  CHECK(Migrator(other, {{1, "mended", "CREATE TABLE half (a int)", ""}}).up() == 1);
}

TEST_CASE("mariadb: a publish that meets another unique constraint never gives one key the value of another") {
  Wiki wiki;
  wiki.store.publish({"docs", "a.md"}, page("docs"));
  wiki.database.execute("ALTER TABLE wiki_cache ADD UNIQUE (page_path) USING HASH");
  wiki.store.publish({"other", "a.md"}, page("other"));
  CHECK(wiki.html({"docs", "a.md"}) == "none");
  CHECK(wiki.html({"other", "a.md"}) == "other");
}

TEST_CASE("mariadb: a key that many publish at once has one row", "[concurrent]") {
  Wiki wiki;
  constexpr int keys = 40;
  std::atomic<int> failed = 0;
  std::vector<std::thread> nodes;
  for (int node = 0; node < 4; ++node) {
    nodes.emplace_back([&] {
      try {
        for (int key = 0; key < keys; ++key) wiki.store.publish({"docs", std::to_string(key)}, page("x"));
      } catch (const std::exception&) {
        ++failed;
      }
    });
  }
  for (auto& node : nodes) node.join();
  CHECK(failed == 0);
  CHECK(wiki.database.value("SELECT count(*) FROM wiki_cache") == std::to_string(keys));
}

TEST_CASE("mariadb: a sweep finds keys that differ late") {
  Wiki wiki;
  const std::string beginning(2000, 'k');
  for (const char last : {'a', 'e', 'b', 'c', 'd'}) wiki.store.publish({"docs", beginning + last}, page("x"));
  PruneOptions options;
  options.batch = 2;
  CHECK(wiki.store.prune([](const WikiKey&) { return false; }, options) == PruneReport{5, 5, 0, false});
}

TEST_CASE("mariadb: what others erase while a sweep goes on is neither removed by it nor newer than it") {
  Wiki wiki;
  for (int number = 0; number < 10; ++number) wiki.store.publish({"docs", std::to_string(number)}, page("x"));
  const auto report = wiki.store.prune(
      [&](const WikiKey& key) {
        if (key.page_path == "1") wiki.store.erase(key);
        if (key.page_path == "2") wiki.store.publish(key, page("y"));
        return false;
      },
      {});
  CHECK(report == PruneReport{10, 8, 1, false});
}

TEST_CASE("mariadb: the statements that this store leaves to others walk the groups and the keys of one") {
  Wiki wiki;
  for (const char* group : {"c", "a", "b"}) {
    for (const char* path : {"2", "1"}) wiki.store.publish({group, path}, page("x"));
  }
  const Sql<MariaDbDialect> sql(table_of<WikiSchema>());
  const std::string a = "a", one = "1", start = "2024-05-01T12:00:00.000000Z";
  const auto column_of = [&](const Statement& statement, const std::vector<Field>& arguments, std::size_t at) {
    std::string texts;
    for (const auto& row : wiki.database.connection().run(statement, arguments).rows) texts += row.at(at).value() + ' ';
    return texts;
  };
  CHECK(column_of(sql.groups_first, {Field(2)}, 0) == "a b ");
  CHECK(column_of(sql.groups_next, {Field(a), Field(9)}, 0) == "b c ");
  CHECK(column_of(sql.sweep_group_first, {Field(a), Field(start), Field(9)}, 1) == "1 2 ");
  CHECK(column_of(sql.sweep_group_next, {Field(a), Field(one), Field(start), Field(9)}, 1) == "2 ");
}

TEST_CASE("mariadb: what the server cannot hold is refused by its name, and the next publish is none the worse") {
  Wiki wiki;
  const std::size_t largest = std::stoul(wiki.database.value("SELECT @@max_allowed_packet"));
  CHECK_THROWS_AS(wiki.store.publish({"docs", "a.md"}, page(std::string(3 * largest, 'x'))), StoreFull);
  CHECK_THROWS_AS(wiki.store.publish({"docs", "a.md"}, page("x", "{")), InvalidValue);
  wiki.store.publish({"docs", "a.md"}, page("y"));
  CHECK(wiki.html({"docs", "a.md"}) == "y");
}

TEST_CASE("mariadb: times of all years come back as they were, and what is no number is refused") {
  MariaDbDatabase database;
  MariaDbStore<test::AllKindsSchema> store(database.options({create_table<test::AllKindsSchema, MariaDbDialect>()}));
  const test::AllKindsKey key{1, {}, "name", false};
  test::AllKinds value{};
  value.json.text = "{}";
  const auto publish = [&] {
    store.publish(key, std::make_shared<const Entry<test::AllKinds>>(Entry<test::AllKinds>{value, fingerprint}));
  };
  for (const char* time : {"0001-01-01T00:00:00.000000Z", "1969-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"}) {
    value.time = from_text<Timestamp>(time).value();
    publish();
    const auto found = store.lookup(key, fingerprint);
    REQUIRE(found.entry != nullptr);
    CHECK((found.entry->value == value));
  }
  for (const double real : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    value.real = real;
    CHECK_THROWS_AS(publish(), InvalidValue);
  }
}

TEST_CASE("mariadb: no bytes are no NULL") {
  MariaDbDatabase database;
  MariaDbStore<test::MoreKindsSchema> store(database.options({create_table<test::MoreKindsSchema, MariaDbDialect>()}));
  const test::MoreKindsKey key{{}, {}, {}, {}};
  test::MoreKinds value{};
  value.maybe_bytes.emplace();
  store.publish(key, std::make_shared<const Entry<test::MoreKinds>>(Entry<test::MoreKinds>{value, fingerprint}));
  const auto found = store.lookup(key, fingerprint);
  INFO(found.unreadable);
  REQUIRE(found.entry != nullptr);
  CHECK(found.entry->value == value);
}

TEST_CASE("mariadb: a store goes on after the server has closed its connections", "[concurrent]") {
  Wiki wiki;
  wiki.store.publish({"docs", "a.md"}, page("x"));
  const auto connections = [&] {
    return wiki.database.connection().query(
        "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()", {});
  };
  wiki.database.execute("LOCK TABLES wiki_cache WRITE");
  std::vector<std::future<std::string>> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.push_back(std::async(std::launch::async, [&] { return wiki.html({"docs", "a.md"}); }));
  }
  while (connections().size() < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  wiki.database.execute("UNLOCK TABLES");
  for (auto& reader : readers) CHECK(reader.get() == "x");

  for (const auto& row : connections()) wiki.database.execute("KILL " + row.at(0).value());
  CHECK(wiki.html({"docs", "a.md"}) == "x");
}

TEST_CASE("mariadb: what the server undoes in favour of another is done again", "[concurrent]") {
  Wiki wiki;
  for (const char* path : {"1", "2"}) wiki.store.publish({"docs", path}, page("x"));
  for (int other = 0; other < 50; ++other) wiki.store.publish({"other", std::to_string(other)}, page("x"));
  const auto change = [&](const std::string& where) {
    wiki.database.execute("UPDATE wiki_cache SET rendered_html = 'y' WHERE " + where);
  };
  wiki.database.execute("START TRANSACTION");
  change("repo_alias = 'other'");  // the server undoes what has changed less
  change("repo_alias = 'docs' AND page_path = '2'");
  auto erased =
      std::async(std::launch::async, [&] { return wiki.store.erase_group("docs"); });  // has the first, waits for the second
  const std::string waiting = "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
  // The server answers from a copy, which it renews when nobody has asked for 100 ms.
  while (wiki.database.value(waiting) == "0") std::this_thread::sleep_for(std::chrono::milliseconds(150));
  change("repo_alias = 'docs' AND page_path = '1'");
  wiki.database.execute("COMMIT");
  CHECK(erased.get() == 2);
}

TEST_CASE("mariadb: a server that is not there or does not answer is unavailable, in bounded time") {
  Wiki wiki;
  auto nowhere = wiki.options;
  nowhere.socket = "/nowhere/socket";
  CHECK_THROWS_AS(MariaDbStore<WikiSchema>(nowhere).lookup({"docs", "a.md"}, fingerprint), StoreUnavailable);

  wiki.options.answer_timeout = std::chrono::seconds(1);
  MariaDbStore<WikiSchema> store(wiki.options);
  store.publish({"docs", "a.md"}, page("x"));
  wiki.database.execute("LOCK TABLES wiki_cache WRITE");
  const auto start = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(store.lookup({"docs", "a.md"}, fingerprint), StoreUnavailable);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
  wiki.database.execute("UNLOCK TABLES");
  CHECK(store.lookup({"docs", "a.md"}, fingerprint).entry != nullptr);
}

TEST_CASE("mariadb: a table that is lost is told as such, and is found again when it is there") {
  Wiki wiki;
  wiki.store.publish({"docs", "a.md"}, page("x"));
  wiki.database.execute("RENAME TABLE wiki_cache TO elsewhere");
  CHECK_THROWS_AS(wiki.store.lookup({"docs", "a.md"}, fingerprint), SchemaMismatch);
  wiki.database.execute("ALTER TABLE elsewhere DROP COLUMN rendered_html; RENAME TABLE elsewhere TO wiki_cache");
  CHECK_THROWS_WITH(wiki.store.lookup({"docs", "a.md"}, fingerprint), ContainsSubstring("'rendered_html' is missing"));
  wiki.database.execute("DROP TABLE wiki_cache, render_cache_migrations");
  CHECK(wiki.html({"docs", "a.md"}) == "none");
}

}  // namespace store_tests
