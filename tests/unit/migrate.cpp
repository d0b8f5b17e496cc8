#include <render_cache/sql/migrate.hpp>

#include <render_cache/sql/dialect/postgres.hpp>
#include <render_cache/store/sqlite/connection.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <latch>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace migrate_tests {

using namespace render_cache;
using test::TemporaryDirectory;

namespace {

const std::vector<Migration> three{
    {1, "one", "CREATE TABLE one (a)", "DROP TABLE one"},
    {2, "two", "CREATE TABLE two (a); INSERT INTO two VALUES (1)", "DROP TABLE two"},
    {7, "seven", "CREATE TABLE seven (a)", "DROP TABLE seven"},
};

/// SQLite as an engine without transactions for DDL, whose parameters have no numbers.
struct Untransactional : SqliteDialect {
  static constexpr bool transactional_ddl = false;
  static constexpr bool numbered_parameters = false;
  static std::string parameter(std::size_t) { return "?"; }
};

/// Throws what it is told to instead of running the script "fail".
struct FailingConnection {
  using Dialect = Untransactional;
  SqliteConnection& connection;
  std::function<void()> failure{};
  void run_script(const std::string& sql) { sql == "fail" ? failure() : connection.run_script(sql); }
  Rows query(const std::string& sql, const std::vector<std::string>& parameters) { return connection.query(sql, parameters); }
};

struct File {
  TemporaryDirectory directory{};
  SqliteConnection connection = open();

  [[nodiscard]] SqliteConnection open() const {
    return {directory / "file.db", SqliteConnection::Access::write, std::chrono::seconds(10)};
  }
  std::string tables() {
    const auto names =
        connection.query("SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1)");
    return names.at(0).at(0).value_or("");
  }
};

}  // namespace

TEST_CASE("migrations are applied in order and once") {
  File file;
  CHECK(Migrator(file.connection, three).pending().size() == 3);
  CHECK(file.tables() == "");  // asking changes nothing
  CHECK(Migrator(file.connection, {three[2], three[0], three[1]}).up() == 3);
  CHECK(file.tables() == "one,render_cache_migrations,seven,two");
  CHECK(Migrator(file.connection, three).up() == 0);
  const auto status = Migrator(file.connection, three).status();
  REQUIRE(status.size() == 3);
  CHECK(status[2].version == 7);
  CHECK(status[2].name == "seven");
  CHECK(status[2].applied_at.has_value());
}

TEST_CASE("migrations go up and down to a version") {
  File file;
  Migrator migrator(file.connection, three);
  CHECK(migrator.up(2) == 2);
  CHECK(migrator.pending().size() == 1);
  CHECK(migrator.up() == 1);
  CHECK(migrator.down(1) == 2);
  CHECK(file.tables() == "one,render_cache_migrations");
  CHECK(migrator.up() == 2);
  CHECK(migrator.down(0) == 3);
  CHECK(file.tables() == "render_cache_migrations");
}

TEST_CASE("a history that is not ours is refused by name") {
  File file;
  Migrator(file.connection, three).up();

  auto changed = three;
  changed[1].up += " -- a comment";
  CHECK_THROWS_WITH(Migrator(file.connection, changed).up(), ContainsSubstring("2 'two'") &&
                                                                 ContainsSubstring(checksum(three[1].up)) &&
                                                                 ContainsSubstring("never change"));
  CHECK_THROWS_AS(Migrator(file.connection, changed).status(), MigrationError);
  CHECK_THROWS_AS(Migrator(file.connection, changed).down(0), MigrationError);

  auto renamed = three;
  renamed[0].name = "uno";
  CHECK_THROWS_WITH(Migrator(file.connection, renamed).up(), ContainsSubstring("1 'one'") && ContainsSubstring("'uno'"));

  CHECK_THROWS_WITH(Migrator(file.connection, {three[0], {2, "two", three[1].up, ""}, {3, "three", "SELECT 1", ""}}).up(),
                    ContainsSubstring("7 'seven'") && ContainsSubstring("3 'three' was never applied") &&
                        ContainsSubstring("older than the database"));

  auto inserted = three;
  inserted.push_back({5, "five", "CREATE TABLE five (a)", ""});
  CHECK_THROWS_WITH(Migrator(file.connection, inserted).up(),
                    ContainsSubstring("5 'five'") && ContainsSubstring("never applied"));
  CHECK(file.tables() == "one,render_cache_migrations,seven,two");
}

TEST_CASE("a history that a newer program has gone on with is left alone, and undone by that program alone") {
  File file;
  Migrator(file.connection, three).up();
  Migrator older(file.connection, {three[0], three[1]});
  CHECK(older.up() == 0);
  CHECK(older.pending().empty());
  const auto status = older.status();
  REQUIRE(status.size() == 3);
  CHECK(status[2].version == 7);
  CHECK(status[2].name == "seven");
  CHECK(status[2].applied_at.has_value());
  CHECK_THROWS_WITH(older.down(0), ContainsSubstring("older than the database") && ContainsSubstring("2 'two'"));
  CHECK_THROWS_WITH(older.down(2), ContainsSubstring("older than the database"));
  CHECK(file.tables() == "one,render_cache_migrations,seven,two");
  CHECK(Migrator(file.connection, three).down(2) == 1);
  CHECK(older.down(1) == 1);
}

TEST_CASE("a history that no migrator has written is refused, whatever is in it") {
  for (const std::string row :
       {"NULL, 'one', 'x', 'now'", "1, NULL, 'x', 'now'", "1, 'one', 'x', NULL", "'one', 'one', 'x', 'now'",
        "-1, 'one', 'x', 'now'", "4294967297, 'one', 'x', 'now'", "'1' || char(0), 'one', 'x', 'now'"}) {
    CAPTURE(row);
    File file;
    file.connection.run_script("CREATE TABLE render_cache_migrations (version, name, checksum, applied_at)");
    file.connection.run_script("INSERT INTO render_cache_migrations VALUES (" + row + ")");
    CHECK_THROWS_WITH(Migrator(file.connection, three).up(),
                      ContainsSubstring("\"render_cache_migrations\"") && ContainsSubstring("which no migration has written"));
    CHECK(file.tables() == "render_cache_migrations");
  }
}

TEST_CASE("only a script's carriage returns may change") {
  File file;
  Migrator(file.connection, {{1, "one", "CREATE TABLE one (\n a)", ""}}).up();
  CHECK(Migrator(file.connection, {{1, "one", "CREATE TABLE one (\r\n a)", ""}}).up() == 0);
  CHECK(checksum("") == "cbf29ce484222325");  // FNV-1a's own test values: a change would refuse every database
  CHECK(checksum("foobar") == "85944171f73967e8");
}

TEST_CASE("a migration that fails leaves what was before it, and says which one it was") {
  File file;
  auto broken = three;
  broken[1].up = "CREATE TABLE two (a); INSERT INTO nowhere VALUES (1)";
  CHECK_THROWS_WITH(Migrator(file.connection, broken).up(),
                    ContainsSubstring("migration 2 'two'") && ContainsSubstring("nowhere") && !ContainsSubstring("by hand"));
  CHECK(file.tables() == "one,render_cache_migrations");
  CHECK(Migrator(file.connection, three).up() == 2);
}

TEST_CASE("a migration that a database cannot take now is not called broken") {
  File file;
  FailingConnection connection{file.connection};
  Migrator migrator(connection, {three[0], {2, "two", "fail", "DROP TABLE two"}});
  connection.failure = [] { throw StoreUnavailable("away"); };
  CHECK_THROWS_AS(migrator.up(), StoreUnavailable);
  connection.failure = [] { throw StoreFull("full"); };
  CHECK_THROWS_AS(migrator.up(), StoreFull);
  CHECK(migrator.pending().size() == 1);
  connection.failure = [] { throw InvalidValue("refused"); };
  CHECK_THROWS_WITH(migrator.up(), ContainsSubstring("migration 2 'two'") && ContainsSubstring("undo that by hand"));
  connection.failure = [] {};
  CHECK(migrator.up() == 1);
  const auto history = file.connection.query("SELECT name, checksum FROM render_cache_migrations WHERE version = 2");
  CHECK(history.at(0) == Rows::value_type{"two", checksum("fail")});
}

TEST_CASE("a migration without a way down is not undone") {
  File file;
  Migrator migrator(file.connection, {{1, "one", "CREATE TABLE one (a)", ""}});
  migrator.up();
  CHECK_THROWS_WITH(migrator.down(0), ContainsSubstring("no way down"));
  CHECK(file.tables() == "one,render_cache_migrations");
}

TEST_CASE("two programs keep histories of their own in one database") {
  File file;
  Migrator(file.connection, three).up();
  CHECK(Migrator(file.connection, {{1, "mine", "CREATE TABLE mine (a)", ""}}, "my_migrations").up() == 1);
  CHECK(Migrator(file.connection, three).up() == 0);
  CHECK_THROWS_AS(Migrator(file.connection, {three[0], three[0]}), MigrationError);
}

TEST_CASE("any number of threads may migrate at once, and each migration is applied once", "[concurrent]") {
  const TemporaryDirectory directory;
  std::vector<Migration> migrations;
  for (unsigned version = 1; version <= 25; ++version) {
    migrations.push_back({version, "m", "CREATE TABLE t" + std::to_string(version) + " (a)", ""});
  }
  constexpr int node_count = 6;
  std::latch start(node_count);
  std::atomic<std::size_t> applied{0}, failed{0};
  std::vector<std::thread> nodes;
  for (int node = 0; node < node_count; ++node) {
    nodes.emplace_back([&] {
      try {
        SqliteConnection connection(directory / "file.db", SqliteConnection::Access::write, std::chrono::seconds(30));
        start.arrive_and_wait();
        applied += Migrator(connection, migrations).up();
      } catch (const std::exception&) {
        ++failed;
      }
    });
  }
  for (auto& node : nodes) node.join();
  CHECK(failed == 0);
  CHECK(applied == migrations.size());
}

TEST_CASE("any number of processes may migrate at once, and each migration is applied once") {
  const TemporaryDirectory directory;
  std::vector<::pid_t> nodes;
  for (int node = 0; node < 4; ++node) {
    const auto pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      try {
        SqliteConnection connection(directory / "file.db", SqliteConnection::Access::write, std::chrono::seconds(20));
        ::_exit(static_cast<int>(Migrator(connection, three).up()));
      } catch (const std::exception&) {
        ::_exit(100);
      }
    }
    nodes.push_back(pid);
  }
  int applied = 0;
  for (const auto pid : nodes) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    REQUIRE(WIFEXITED(status));
    applied += WEXITSTATUS(status);
  }
  CHECK(applied == 3);
}

TEST_CASE("migrations are read from a directory in the order of their versions") {
  const TemporaryDirectory directory;
  directory.write("m/0010_ten.up.sql", "CREATE TABLE ten (a)");
  directory.write("m/0002_two.up.sql", "CREATE TABLE two (a)");
  directory.write("m/0002_two.down.sql", "DROP TABLE two");
  directory.write("m/12_twelve.up.sql", "CREATE TABLE twelve (a)");
  directory.write("m/123456789_many.up.sql", "CREATE TABLE many (a)");
  directory.write("m/README.md", "not a migration");
  const auto migrations = load_migrations(directory / "m");
  REQUIRE(migrations.size() == 4);
  CHECK(migrations[0].version == 2);
  CHECK(migrations[0].name == "two");
  CHECK(migrations[0].up == "CREATE TABLE two (a)");
  CHECK(migrations[0].down == "DROP TABLE two");
  CHECK(migrations[1].version == 10);
  CHECK(migrations[1].down == "");
  CHECK(migrations[2].version == 12);
  CHECK(migrations[3].version == 123'456'789);
}

TEST_CASE("a directory of migrations with a mistake in it is refused") {
  const auto refusal = [](const std::vector<std::string>& files, const std::string& script = "SELECT 1") {
    const TemporaryDirectory directory;
    for (const auto& file : files) directory.write(file, script);
    try {
      load_migrations(directory.path());
    } catch (const MigrationError& error) {
      return std::string(error.what());
    }
    return std::string("not refused");
  };
  CHECK_THAT(refusal({}), ContainsSubstring("there are none"));
  CHECK_THAT(refusal({"1.sql"}), ContainsSubstring("'1.sql' is not named like"));
  CHECK_THAT(refusal({"one.up.sql"}), ContainsSubstring("'one.up.sql' is not named like"));
  CHECK_THAT(refusal({"0001_.up.sql"}), ContainsSubstring("'0001_.up.sql' is not named like"));
  for (const std::string name : {"0001_one.sql", "_one.up.sql", "1234567890_one.up.sql", "0001-one.up.sql", "0001.up.sql"}) {
    CHECK_THAT(refusal({name}), ContainsSubstring("'" + name + "' is not named like"));
  }
  CHECK_THAT(refusal({"0001_one.up.sql"}, ""), ContainsSubstring("'0001_one.up.sql' is empty or cannot be read"));
  CHECK_THAT(refusal({"0000_zero.up.sql"}), ContainsSubstring("start at 1"));
  CHECK_THAT(refusal({"0001_one.down.sql"}), ContainsSubstring("has no .up.sql"));
  CHECK_THAT(refusal({"0001_one.up.sql", "001_one.up.sql"}), ContainsSubstring("twice"));
  CHECK_THAT(refusal({"0001_one.up.sql", "0001_other.up.sql"}), ContainsSubstring("twice"));
  CHECK_THAT(refusal({"0001_one.up.sql", "0001_other.down.sql"}), ContainsSubstring("twice"));
  CHECK_THROWS_WITH(load_migrations("/nowhere"), ContainsSubstring("/nowhere") && ContainsSubstring("No such file"));
}

TEST_CASE("the embedded migrations are those of the files") {
  for (const auto& [folder, embedded] : std::vector<std::pair<std::string, std::vector<Migration>>>{
           {"postgres", wiki_migrations<PostgresDialect>()}, {"sqlite", wiki_migrations<SqliteDialect>()}}) {
    const auto files = load_migrations(RENDER_CACHE_SOURCE_DIR "/migrations/" + folder);
    INFO(folder);
    REQUIRE(embedded.size() == files.size());
    for (std::size_t at = 0; at < files.size(); ++at) {
      CHECK(embedded[at].version == files[at].version);
      CHECK(embedded[at].name == files[at].name);
      CHECK(embedded[at].up == files[at].up);
      CHECK(embedded[at].down == files[at].down);
    }
  }
}

}  // namespace migrate_tests
