#include "schema.hpp"

#include "support/catch.hpp"
#include "support/database.hpp"

#include <render_cache/sql/migrate.hpp>
#include <render_cache/store/postgres/connection.hpp>
#include <repo_checks/migrations.hpp>

namespace migrations_tests {

using namespace repo_checks;

TEST_CASE("The tables go down and up again, and leave nothing behind", "[checks]") {
  render_cache::test::TestDatabase database;
  render_cache::PostgresOptions options;
  options.conninfo = database.conninfo();
  render_cache::PostgresConnection connection(options);
  render_cache::Migrator migrator(connection, migrations<render_cache::PostgresDialect>(), migration_history);
  CHECK(migrator.up() == 2);
  CHECK(migrator.down(0) == 2);
  CHECK(database.value("SELECT string_agg(relname, ' ') FROM pg_class WHERE relkind = 'r' AND relnamespace = '" +
                       database.name() + "'::regnamespace") == migration_history);
  CHECK(database.value("SELECT count(*) FROM pg_proc WHERE pronamespace = '" + database.name() + "'::regnamespace") == "0");
  CHECK(migrator.up() == 2);
}

}  // namespace migrations_tests
