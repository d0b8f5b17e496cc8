// The two databases that nodes share.
#pragma once

#include <render_cache/store/postgres.hpp>
#include <render_cache/store/sqlite.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "support/database.hpp"
#include "support/patience.hpp"
#include "support/temporary_directory.hpp"

#include <string>

namespace render_cache::test {

struct OnPostgres {
  using Store = PostgresStore<WikiSchema>;
  TestDatabase database{};
  OnPostgres() { Store(options()).check(); }
  [[nodiscard]] PostgresOptions options() const {
    return patient({.conninfo = database.conninfo(), .migrations = wiki_migrations<PostgresDialect>(), .pool_size = 4});
  }
  std::string value(const std::string& sql) { return database.value(sql); }
  int leases() { return std::stoi(value("SELECT count(*) FROM render_cache_lease")); }
};

struct OnSqlite {
  using Store = SqliteStore<WikiSchema>;
  TemporaryDirectory directory{};
  OnSqlite() { Store{options()}; }
  [[nodiscard]] SqliteOptions options() const {
    return {.path = directory / "wiki.db", .migrations = wiki_migrations<SqliteDialect>(), .busy_timeout = patience};
  }
  [[nodiscard]] std::string value(const std::string& sql) const {
    SqliteConnection connection(directory / "wiki.db", SqliteConnection::Access::read, patience);
    return connection.query(sql).at(0).at(0).value();
  }
  [[nodiscard]] int leases() const { return std::stoi(value("SELECT count(*) FROM render_cache_lease")); }
};

}  // namespace render_cache::test
