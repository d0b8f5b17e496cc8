#include "checks/workplace.hpp"

#include "support/catch.hpp"

namespace migrations_tests {

using namespace repo_checks;
using namespace repo_checks::test;

TEST_CASE("Opening brings the tables up to date once, however often", "[checks]") {
  const Backend backend;
  for (int time = 0; time < 3; ++time) CHECK(backend.open()->registry().list().empty());
  CHECK(backend.value("SELECT count(*) FROM repo_checks_migrations") == "2");
}

TEST_CASE("A history that a newer program has gone on with is left alone, and one that was changed is refused with the reason",
          "[checks]") {
  const Backend backend;
  CHECK(backend.open() != nullptr);
  backend.execute("INSERT INTO repo_checks_migrations (version, name, checksum) VALUES (3, 'from_the_future', 'x')");
  CHECK(backend.open()->registry().list().empty());
  backend.execute("UPDATE repo_checks_migrations SET checksum = 'x' WHERE version = 2");
  CHECK_THROWS_WITH(backend.open(), ContainsSubstring("doi_cache") && ContainsSubstring("checksum x"));
}

TEST_CASE("A table that somebody has changed is refused by name", "[checks]") {
  const Backend backend;
  const Workplace place;
  {
    const auto checks = backend.open(quick());
    place.add(*checks, 1);
  }
  backend.execute("ALTER TABLE doi_cache RENAME COLUMN core_pass TO core");
  CHECK_THROWS_AS(backend.open(quick()), render_cache::SchemaMismatch);
  CHECK_THROWS_WITH(backend.open(quick()), ContainsSubstring("column 'core_pass' is missing"));
}

}  // namespace migrations_tests
