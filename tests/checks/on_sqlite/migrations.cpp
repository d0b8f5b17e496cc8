#include "checks/workplace.hpp"

#include "schema.hpp"
#include "support/catch.hpp"

#include <render_cache/sql/leases.hpp>
#include <render_cache/sql/migrate.hpp>
#include <render_cache/store/sqlite.hpp>
#include <render_cache/wiki.hpp>
#include <repo_checks/migrations.hpp>

namespace migrations_tests {

using namespace repo_checks;
using namespace repo_checks::test;

TEST_CASE("The tables go down and up again, and leave nothing behind", "[checks]") {
  const Backend backend;
  CHECK(backend.open() != nullptr);
  render_cache::SqliteWriter writer({.path = backend.store().substr(std::string("sqlite:").size())});
  const render_cache::SqliteWriter::Turn turn(writer);
  render_cache::Migrator migrator(writer.connection(), migrations<render_cache::SqliteDialect>(), migration_history);
  CHECK(migrator.down(0) == 2);
  const std::string leases(render_cache::lease_history);
  CHECK(render_cache::Migrator(writer.connection(), render_cache::lease_migrations<render_cache::SqliteDialect>(), leases)
            .down(0) == 1);
  const auto left = writer.connection().query("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name");
  CHECK(left == render_cache::Rows{{leases}, {migration_history}});
  CHECK(migrator.up() == 2);
}

TEST_CASE("A wiki may keep its pages in the same file", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick());
  place.add(*checks, 1);
  render_cache::SqliteStore<render_cache::WikiSchema> pages(
      {.path = backend.store().substr(std::string("sqlite:").size()),
       .migrations = render_cache::load_migrations(RENDER_CACHE_SOURCE_DIR "/migrations/sqlite")});
  const render_cache::Fingerprint fingerprint = render_cache::Fingerprint().add("source", "x");
  const render_cache::WikiKey key{"docs", "a.md"};
  pages.publish(key, std::make_shared<render_cache::Entry<render_cache::WikiPage>>(
                         render_cache::Entry<render_cache::WikiPage>{{"<p>", {"{}"}}, fingerprint}));
  check_all(*checks);
  CHECK(hits(check_all(*checks)) == 1);
  CHECK(pages.lookup(key, fingerprint).entry != nullptr);
  CHECK(hits(check_all(*backend.open(quick()))) == 1);  // starts although there are others' tables
}

}  // namespace migrations_tests
