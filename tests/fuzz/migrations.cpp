// A history of migrations that somebody else has written: it begins as ours does, and is taken further, or is refused by an
// error of the library that changes nothing.
#include <render_cache/sql/migrate.hpp>

#include <render_cache/entry/text_form.hpp>
#include <render_cache/store/sqlite/connection.hpp>

#include "fuzz.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

using namespace render_cache;

namespace {

const std::vector<Migration> migrations = {{1, "first", "CREATE TABLE a (x)", "DROP TABLE a"},
                                           {2, "second", "CREATE TABLE b (x)", "DROP TABLE b"},
                                           {7, "third", "CREATE TABLE c (x)", ""}};

std::size_t tables(SqliteConnection& connection) {
  return connection.query("SELECT 1 FROM sqlite_schema WHERE name IN ('a', 'b', 'c')").size();
}

std::string_view next(std::string_view& rest, char end) {
  const auto part = rest.substr(0, rest.find(end));
  rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  return part;
}

// As a text, an integer, NULL, or the checksum that our migration has.
void bind(sqlite3_stmt* statement, int at, std::string_view field) {
  std::string text(field);
  if (text == "-") return;
  if (text.starts_with('=')) text = checksum(migrations[text.size() % migrations.size()].up);
  if (const auto number = from_text<std::int64_t>(text)) {
    sqlite3_bind_int64(statement, at, *number);
  } else {
    sqlite3_bind_text64(statement, at, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
}

}  // namespace

// A line is a row: version, name, checksum and time, divided by tabs.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  SqliteConnection connection(":memory:", SqliteConnection::Access::write, std::chrono::milliseconds(0));
  connection.run_script("CREATE TABLE history (version, name, checksum, applied_at DEFAULT 'now')");
  for (auto rest = fuzz::text(data, size); !rest.empty();) {
    auto line = next(rest, '\n');
    sqlite3_stmt* insert = nullptr;
    connection.check(sqlite3_prepare_v2(connection.handle(), "INSERT INTO history VALUES (?, ?, ?, ?)", -1, &insert, nullptr));
    for (int at = 1; at <= 4; ++at) bind(insert, at, next(line, '\t'));
    sqlite3_step(insert);
    sqlite3_finalize(insert);
  }
  const auto rows = connection.query("SELECT 1 FROM history").size();
  Migrator migrator(connection, migrations, "history");
  const bool is_ours = [&] {
    try {
      return migrator.status().size() == std::max(rows, migrations.size());  // a newer program's at the end
    } catch (const StoreError&) {
      return false;
    }
  }();
  try {
    const auto applied = migrator.up();
    fuzz::expect(is_ours && applied == migrations.size() - std::min(rows, migrations.size()) && tables(connection) == applied,
                 "what was missing is applied");
    fuzz::expect(migrator.pending().empty() && migrator.up() == 0, "nothing is left");
  } catch (const StoreError&) {
    fuzz::expect(!is_ours, "a history that is ours is taken further");
    fuzz::expect(tables(connection) == 0, "nothing is changed");
  }
  fuzz::expect(sqlite3_get_autocommit(connection.handle()) != 0, "no transaction stays open");
  return 0;
}
