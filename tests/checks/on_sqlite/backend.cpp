#include "checks/backend.hpp"

#include "support/temporary_directory.hpp"

#include <render_cache/store/sqlite/connection.hpp>

namespace repo_checks::test {

using render_cache::SqliteConnection;

struct Backend::Place {
  render_cache::test::TemporaryDirectory directory;
  [[nodiscard]] std::filesystem::path file() const { return directory / "checks.db"; }
  [[nodiscard]] SqliteConnection connect() const {
    SqliteConnection connection(file(), SqliteConnection::Access::write, std::chrono::seconds(10));
    connection.run_script("PRAGMA foreign_keys = ON; PRAGMA ignore_check_constraints = ON; PRAGMA wal_autocheckpoint = 0");
    return connection;
  }
};

Backend::Backend() : place_(std::make_unique<Place>()) {}
Backend::~Backend() = default;

std::unique_ptr<Checks> Backend::open(ChecksOptions options) const { return open_checks(store(), std::move(options)); }
std::string Backend::store() const { return "sqlite:" + place_->file().string(); }

void Backend::execute(const std::string& sql) const { place_->connect().run_script(sql); }

std::string Backend::value(const std::string& sql) const {
  const auto rows = place_->connect().query(sql);
  return rows.empty() ? "NULL" : rows[0][0].value_or("NULL");
}

void Backend::drop_not_null(const std::string& table, const std::string& column) const {
  // SQLite has no statement for that. The column's line of the schema ends with the comma or the line.
  auto connection = place_->connect();
  const auto old = connection.query("SELECT sql FROM sqlite_schema WHERE name = ?1", {table})[0][0].value();
  const auto line = old.find("\n  " + column + " "), end = old.find('\n', line + 1), word = old.find(" NOT NULL", line);
  auto text = old;
  if (word < end) text.erase(word, 9);
  connection.run_script("PRAGMA writable_schema = ON");
  connection.query("UPDATE sqlite_schema SET sql = ?1 WHERE name = ?2", {text, table});
  connection.run_script("PRAGMA writable_schema = RESET");
}

}  // namespace repo_checks::test
