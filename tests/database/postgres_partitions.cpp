#include <render_cache/store/postgres.hpp>

#include <render_cache/sql/migrate.hpp>
#include <render_cache/wiki.hpp>

#include "support/catch.hpp"
#include "support/database.hpp"
#include "support/postgres_schema.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace postgres_partitions_tests {

using namespace render_cache;
using test::TestDatabase;
using Wiki = PostgresStore<WikiSchema>;

namespace {

const Fingerprint fresh = Fingerprint().add("source", 1);
constexpr std::size_t groups = 40;

EntryPtr<WikiPage> page(const std::string& html, const Fingerprint& fingerprint = fresh) {
  return std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{html, {"{}"}}, fingerprint});
}

/// A wiki's table with five rows of each group, one of them a large one.
struct FilledDatabase : TestDatabase {
  FilledDatabase() {
    test::migrate_postgres(conninfo());
    std::vector<Wiki::KeyedEntry> entries;
    for (std::size_t group = 0; group < groups; ++group) {
      for (std::size_t number = 0; number < 5; ++number) entries.emplace_back(key(group, number), page(html(group, number)));
    }
    Wiki(options()).publish_many(entries);
  }

  static WikiKey key(std::size_t group, std::size_t number) {
    return {"group-" + std::to_string(group), std::to_string(number) + ".md"};
  }
  static std::string html(std::size_t group, std::size_t number) {
    std::string text;
    for (std::size_t line = 0; line < (number == 0 ? 3000 : 10); ++line) text += std::to_string(group * 7919 + line) + '\n';
    return text;
  }

  /// All rows, whatever lies where.
  std::string rows() {
    return value("SELECT md5(string_agg(t::text, ';' ORDER BY t.repo_alias, t.page_path)) || ' ' || count(*) FROM wiki_cache t");
  }
  /// All that is known of the table. The names of indexes that are not ours are the database's affair.
  std::string shape() {
    return value(
               "SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, attcompression, "
               "pg_get_expr(adbin, adrelid)), ', ' ORDER BY attnum) FROM pg_attribute LEFT JOIN pg_attrdef "
               "ON adrelid = attrelid AND adnum = attnum WHERE attrelid = 'wiki_cache'::regclass AND attnum > 0") +
           value(
               "SELECT string_agg(concat_ws(' ', CASE WHEN indexrelid::regclass::text NOT LIKE '%note%' THEN "
               "indexrelid::regclass END, "
               "indisunique, indisprimary, indkey), ', ' ORDER BY indkey::text) FROM pg_index WHERE indrelid = "
               "'wiki_cache'::regclass") +
           value(
               "SELECT relowner::regrole || ' ' || string_agg(grantee::regrole || ' ' || privilege_type || ' ' || is_grantable, "
               "', ' ORDER BY grantee, privilege_type) FROM pg_class, aclexplode(relacl) "
               "WHERE oid = 'wiki_cache'::regclass GROUP BY relowner");
  }
  /// One line for each set of settings that a table with rows has.
  std::string settings() {
    return value(
        "SELECT string_agg(DISTINCT concat_ws('; ', c.reloptions::text, t.reloptions::text), '\n') FROM "
        "pg_class AS c JOIN pg_class AS t ON t.oid = c.reltoastrelid WHERE " +
        of_the_wiki("c."));
  }
  /// What pg_class has for the tables of the wiki, and for partitions of them.
  static std::string of_the_wiki(const std::string& prefix = {}) {
    return prefix + "relnamespace = current_schema::regnamespace AND " + prefix + "relkind IN ('r', 'p') AND " + prefix +
           "relname LIKE 'wiki\\_cache%'";
  }
  std::string partitions() { return value("SELECT count(*) FROM pg_inherits WHERE inhparent = 'wiki_cache'::regclass"); }
};

}  // namespace

TEST_CASE("the wiki's table keeps what it is called and holds when it is divided, and when it is united again") {
  FilledDatabase database;
  const auto role = "reader_of_" + database.name();
  database.execute("CREATE ROLE " + role + "; GRANT SELECT, INSERT ON wiki_cache TO " + role +
                   "; GRANT UPDATE ON wiki_cache TO " + role + " WITH GRANT OPTION; ALTER TABLE wiki_cache OWNER TO " + role +
                   "; ALTER TABLE wiki_cache SET (fillfactor = 75), ADD COLUMN note text NOT NULL DEFAULT 'mine'; "
                   "CREATE INDEX ON wiki_cache (note)");
  const auto rows = database.rows(), shape = database.shape(), settings = database.settings();
  CHECK(settings.find("fillfactor=75") != settings.npos);
  CHECK(settings.find("autovacuum_vacuum_threshold=1000") != settings.npos);
  Wiki store(database.options());  // has prepared its statements before
  const auto check = [&](const std::string& where) {
    INFO(where);
    CHECK(database.rows() == rows);
    CHECK(database.shape() == shape);
    CHECK(database.settings() == settings);
    CHECK(database.value("SELECT count(DISTINCT relowner) FROM pg_class WHERE " + FilledDatabase::of_the_wiki()) == "1");
    for (std::size_t group = 0; group < groups; ++group) {
      const auto found = store.lookup(FilledDatabase::key(group, 0), fresh);
      CHECK((found.entry != nullptr && found.entry->value.rendered_html == FilledDatabase::html(group, 0)));
    }
    CHECK_NOTHROW(Wiki(database.options()).check());
  };
  check("as it was made");
  CHECK(test::partition_postgres(database.conninfo()) == 1);
  CHECK(database.partitions() == "16");
  CHECK(database.value("SELECT count(*) > 8 FROM (SELECT DISTINCT tableoid FROM wiki_cache) AS used") == "t");
  check("divided");
  CHECK(test::partition_postgres(database.conninfo()) == 0);
  CHECK(test::unite_postgres(database.conninfo()) == 1);
  CHECK(database.partitions() == "0");
  CHECK(database.value("SELECT count(*) FROM pg_class WHERE " + FilledDatabase::of_the_wiki()) == "1");
  check("united");
  CHECK(test::partition_postgres(database.conninfo()) == 1);
  check("divided again");
  database.execute("DROP OWNED BY " + role + "; DROP ROLE " + role);
}

TEST_CASE("nodes go on while their table is divided and united", "[concurrent]") {
  FilledDatabase database;
  std::atomic<bool> end = false;
  std::atomic<std::size_t> reads = 0, misses = 0, failed = 0;
  std::vector<std::thread> nodes;
  for (std::size_t node = 0; node < 3; ++node) {
    nodes.emplace_back([&, node] {
      Wiki store(database.options());
      for (std::size_t number = 0; !end; ++number) {
        try {
          const auto group = number % groups;
          if (store.lookup(FilledDatabase::key(group, 1), fresh).entry == nullptr) ++misses;
          const WikiKey own{"group-" + std::to_string(group), "node-" + std::to_string(node) + ".md"};
          const auto seen = Fingerprint().add("number", number);
          store.publish(own, page("x", seen));
          if (store.lookup_many(std::vector<Query<WikiKey>>{{own, seen}})[0].entry == nullptr) ++misses;
          ++reads;
        } catch (const std::exception&) {
          ++failed;
        }
      }
    });
  }
  const auto read_more = [&] {
    for (const auto before = reads.load(); reads < before + 30 && failed == 0;) std::this_thread::yield();
  };
  for (int round = 0; round < 3; ++round) {
    read_more();
    test::partition_postgres(database.conninfo());
    read_more();
    test::unite_postgres(database.conninfo());
  }
  read_more();
  end = true;
  for (auto& node : nodes) node.join();
  CHECK(failed == 0);
  CHECK(misses == 0);
}

TEST_CASE("a table that would lose something is neither divided nor united, and stays as it is") {
  FilledDatabase database;
  database.execute("CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'");
  const auto rows = database.rows();
  const auto [prepare, undo, message] = GENERATE(table<std::string, std::string, std::string>({
      {"CREATE RULE r AS ON DELETE TO wiki_cache DO ALSO NOTHING", "DROP RULE r ON wiki_cache", "would be lost"},
      {"CREATE TRIGGER t AFTER INSERT ON wiki_cache FOR EACH ROW EXECUTE FUNCTION nothing()", "DROP TRIGGER t ON wiki_cache",
       "would be lost"},
      {"ALTER TABLE wiki_cache ENABLE ROW LEVEL SECURITY", "ALTER TABLE wiki_cache DISABLE ROW LEVEL SECURITY", "would be lost"},
      {"CREATE VIEW v AS TABLE wiki_cache", "DROP VIEW v", "depend"},
  }));
  INFO(prepare);
  database.execute(prepare);
  CHECK_THROWS_WITH(test::partition_postgres(database.conninfo()), ContainsSubstring(message));
  CHECK(database.partitions() == "0");
  CHECK(database.rows() == rows);
  database.execute(undo);
  CHECK(test::partition_postgres(database.conninfo()) == 1);
  database.execute(prepare);
  CHECK_THROWS_WITH(test::unite_postgres(database.conninfo()), ContainsSubstring(message));
  CHECK(database.partitions() == "16");
  CHECK(database.rows() == rows);
  database.execute(undo);
  CHECK(test::unite_postgres(database.conninfo()) == 1);
  CHECK(database.rows() == rows);
}

TEST_CASE("a table is not moved to another schema by being divided or united") {
  FilledDatabase database;
  TestDatabase other;
  auto conninfo = database.conninfo();
  conninfo.insert(conninfo.rfind('\''), "," + other.name());
  CHECK(test::partition_postgres(conninfo) == 1);
  auto elsewhere = other.conninfo();
  elsewhere.insert(elsewhere.rfind('\''), "," + database.name());
  {
    PostgresConnection connection({.conninfo = elsewhere});
    CHECK_THROWS_WITH(connection.run_script(test::partition_migrations().front().down), ContainsSubstring("search_path"));
  }
  CHECK(test::unite_postgres(conninfo) == 1);
  CHECK_THROWS_WITH(test::partition_postgres(elsewhere), ContainsSubstring("search_path"));
}

TEST_CASE("clean-up and bounds of a table in partitions are those of one table") {
  FilledDatabase plain, parts;
  test::partition_postgres(parts.conninfo());
  const auto on_both = [&](auto clean_up) {
    const auto of_plain = clean_up(plain), of_parts = clean_up(parts);
    CHECK(of_plain.removed > 0);
    CHECK(of_plain == of_parts);
    const std::string keys =
        "SELECT md5(string_agg(repo_alias || ' ' || page_path, ',' ORDER BY repo_alias, page_path)) || count(*) FROM wiki_cache";
    CHECK(plain.value(keys) == parts.value(keys));
  };
  on_both([](FilledDatabase& database) {
    return Wiki(database.options()).prune_groups("SELECT 'group-' || n FROM generate_series(0, 29) n", {.batch = 7});
  });
  on_both([](FilledDatabase& database) {
    return Wiki(database.options()).prune([](const WikiKey& key) { return key.page_path != "3.md"; }, {.batch = 7});
  });
  // The oldest lie in all partitions.
  on_both([](FilledDatabase& database) {
    database.execute(
        "UPDATE wiki_cache SET rendered_at = now() - CASE page_path WHEN '1.md' THEN interval '2 days' "
        "WHEN '2.md' THEN interval '2 hours' ELSE interval '1 hour' END");
    return Wiki(database.options()).prune_to({.max_age = std::chrono::hours(24)}, {.batch = 7});
  });
  on_both([](FilledDatabase& database) {
    const auto bytes = std::stoul(database.value(
        "SELECT sum(pg_column_size(repo_alias) + pg_column_size(page_path) + pg_column_size(rendered_html) + "
        "pg_column_size(source_hash) + pg_column_size(rendered_at) + pg_column_size(metadata)) FROM wiki_cache WHERE page_path "
        "<> '2.md'"));
    return Wiki(database.options()).prune_to({.max_bytes = bytes}, {.batch = 7});
  });
  CHECK(parts.value("SELECT string_agg(DISTINCT page_path, ' ') FROM wiki_cache") == "0.md 4.md");
}

TEST_CASE("the pages of all partitions count for the bound of size") {
  FilledDatabase database;
  PostgresConnection connection(database.options());
  const auto before = table_bytes(connection, "wiki_cache").value();
  test::partition_postgres(database.conninfo());
  const auto after = table_bytes(connection, "wiki_cache").value();
  CHECK(before >= 500'000);  // 40 large rows
  CHECK(after >= before * 3 / 4);
  CHECK(after <= before + 16 * 100'000);  // pages that are not full, and TOAST of each
}

TEST_CASE("the table check knows what a table in partitions lacks") {
  FilledDatabase database;
  test::partition_postgres(database.conninfo());
  PostgresConnection connection(database.options());
  CHECK_NOTHROW(check_table<WikiSchema>(connection));
  database.execute("ALTER TABLE wiki_cache DROP CONSTRAINT wiki_cache_pkey");
  CHECK_THROWS_WITH(check_table<WikiSchema>(connection), ContainsSubstring("no primary key or unique constraint"));
  database.execute("CREATE UNIQUE INDEX whole ON ONLY wiki_cache (repo_alias, page_path)");  // and of no partition yet
  CHECK_THROWS_WITH(check_table<WikiSchema>(connection), ContainsSubstring("no primary key or unique constraint"));
  database.execute("DROP INDEX whole; CREATE UNIQUE INDEX ON wiki_cache (repo_alias, page_path)");
  CHECK_NOTHROW(check_table<WikiSchema>(connection));
  database.execute("ALTER TABLE wiki_cache ALTER COLUMN page_path TYPE char(10), DROP COLUMN metadata");
  CHECK_THROWS_WITH(check_table<WikiSchema>(connection), ContainsSubstring("page_path") && ContainsSubstring("metadata"));
}

TEST_CASE("later migrations of the wiki's table go forward and back on one in partitions") {
  FilledDatabase database;
  test::partition_postgres(database.conninfo());
  PostgresConnection connection(database.options());
  auto history = load_migrations(RENDER_CACHE_SOURCE_DIR "/migrations/postgres");
  const auto newest = history.back().version;
  history.push_back(
      {newest + 1, "later", "ALTER TABLE wiki_cache ADD COLUMN words INTEGER", "ALTER TABLE wiki_cache DROP words"});
  const auto rows = database.rows();
  Wiki store(database.options());
  CHECK(Migrator(connection, history).up() == 1);
  CHECK(store.lookup(FilledDatabase::key(3, 1), fresh).entry != nullptr);
  store.publish(FilledDatabase::key(3, 1), page("newer"));
  CHECK(database.value("SELECT count(words) || rendered_html FROM wiki_cache WHERE repo_alias = 'group-3' AND page_path = '1.md' "
                       "GROUP BY rendered_html") == "0newer");
  store.publish(FilledDatabase::key(3, 1), page(FilledDatabase::html(3, 1)));
  CHECK(Migrator(connection, history).down(newest) == 1);
  CHECK(store.lookup(FilledDatabase::key(3, 1), fresh).entry != nullptr);
  CHECK(database.value("SELECT count(*) FROM wiki_cache") == "200");
  CHECK(database.rows() != rows);  // the time of what was published
  CHECK(Migrator(connection, history).down(0) == history.size() - 1);
  CHECK(database.value("SELECT count(*) FROM pg_class WHERE " + FilledDatabase::of_the_wiki()) == "0");
}

}  // namespace postgres_partitions_tests
