// Publishes that touch no index: heap-only tuples, for which a table's pages keep room.
#include <render_cache/store/postgres.hpp>
#include <render_cache/wiki.hpp>

#include "support/catch.hpp"
#include "support/database.hpp"
#include "support/postgres_schema.hpp"
#include "support/postgres_server.hpp"
#include "support/wait_until.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace postgres_hot_tests {

using namespace render_cache;
using Wiki = PostgresStore<WikiSchema>;

namespace {

/// Letters by chance, for which no compression does much.
std::string letters(std::size_t count, std::mt19937& random) {
  std::string text(count, ' ');
  for (char& c : text) c = static_cast<char>('!' + random() % 90);
  return text;
}

/// The share of HOT updates where pages of so many bytes, which were stored one after the other, are published anew in any order.
double share_of_hot_updates(const test::PostgresServer& server, std::size_t bytes) {
  constexpr int pages = 1000;
  server.execute("TRUNCATE wiki_cache");
  server.execute("SELECT pg_stat_reset()");
  std::mt19937 random(1);
  {
    Wiki store(server.options());
    const auto publish = [&](int number, int version) {
      Entry<WikiPage> entry{{letters(bytes, random), {"{}"}}, Fingerprint().add("source", std::to_string(version))};
      store.publish({"docs", std::to_string(number) + ".md"}, std::make_shared<const Entry<WikiPage>>(std::move(entry)));
    };
    for (int number = 0; number < pages; ++number) publish(number, 0);
    std::vector<int> numbers(pages);
    std::iota(numbers.begin(), numbers.end(), 0);
    std::shuffle(numbers.begin(), numbers.end(), random);
    for (const int number : numbers) publish(number, 1);
  }
  const std::string of_the_wiki = " FROM pg_stat_user_tables WHERE relname = 'wiki_cache'";
  test::wait_until([&] { return server.value("SELECT n_tup_upd" + of_the_wiki) == std::to_string(pages); });
  return std::stod(server.value("SELECT n_tup_hot_upd" + of_the_wiki)) / pages;
}

}  // namespace

TEST_CASE("pages that are published anew touch no index") {
  const test::PostgresServer server;  // elsewhere a long transaction of others keeps the room of old rows
  test::migrate_postgres(server.conninfo());
  for (const std::size_t bytes : {300U, 800U, 1500U, 1700U, 12'000U}) {
    CAPTURE(bytes);
    CHECK(share_of_hot_updates(server, bytes) >= 0.95);
  }
  server.execute("ALTER TABLE wiki_cache RESET (fillfactor)");
  CHECK(share_of_hot_updates(server, 1700) < 0.75);
}

TEST_CASE(
    "room for publishes is made in a table with partitions too, goes with its migration, and leaves what somebody has set") {
  test::TestDatabase database;
  const auto migrations = load_migrations(RENDER_CACHE_SOURCE_DIR "/migrations/postgres");
  PostgresConnection connection(database.options());
  const auto tables_with = [&](const std::string& option) {
    const auto rows = connection.query(
        "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema::regnamespace AND relkind = 'r' "
        "AND relname LIKE 'wiki\\_cache%' AND '" +
            option + "' = ANY (reloptions)",
        {});
    return rows.at(0).at(0).value();
  };
  Migrator(connection, {migrations.front()}).up();
  const bool divided = GENERATE(false, true);
  if (divided) test::partition_postgres(database.conninfo());
  const std::string tables = divided ? "16" : "1";
  Migrator migrator(connection, migrations);
  SECTION("up and down") {
    CHECK(migrator.up() == 1);
    CHECK(tables_with("fillfactor=85") == tables);
    CHECK(migrator.down(1) == 1);
    CHECK(tables_with("fillfactor=85") == "0");
  }
  SECTION("what is there") {
    database.execute(divided ? "ALTER TABLE wiki_cache_3 SET (fillfactor = 60)" : "ALTER TABLE wiki_cache SET (fillfactor = 60)");
    migrator.up();
    CHECK(tables_with("fillfactor=60") == "1");
    CHECK(tables_with("fillfactor=85") == (divided ? "15" : "0"));
    migrator.down(1);
    CHECK(tables_with("fillfactor=60") == "1");
  }
}

}  // namespace postgres_hot_tests
