// What only SQLite can be asked about: every statement that any connection of the process runs, and rows without their checks.
#include "checks/workplace.hpp"

#include "support/catch.hpp"

#include <sqlite3.h>

#include <mutex>
#include <string>
#include <vector>

namespace statements_tests {

using namespace repo_checks;
using namespace repo_checks::test;

namespace {

std::mutex mutex;
std::vector<std::string> statements;

int note(unsigned, void*, void*, void* text) {
  const std::lock_guard lock(mutex);
  statements.emplace_back(static_cast<const char*>(text));
  return 0;
}

int trace_connection(sqlite3* connection, const char**, const struct sqlite3_api_routines*) {
  return sqlite3_trace_v2(connection, SQLITE_TRACE_STMT, &note, nullptr);
}

/// While it lives, each connection that is opened tells of its statements.
struct Trace {
  Trace() { sqlite3_auto_extension(reinterpret_cast<void (*)()>(&trace_connection)); }
  ~Trace() { sqlite3_reset_auto_extension(); }
};

}  // namespace

TEST_CASE("A warm summary on SQLite looks up each repository in one transaction, writes nothing, and lists what has changed",
          "[checks]") {
  const Trace trace;
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick());
  place.add(*checks, 20);
  check_all(*checks);
  const auto lists_of_a_warm_summary = [&] {
    statements.clear();
    CHECK(hits(check_all(*checks)) == 20);
    std::size_t lists = 0, lookups = 0, begins = 0, versions = 0, others = 0;
    for (const auto& statement : statements) {
      if (statement.find("FROM managed_repos") != statement.npos)
        ++lists;
      else if (statement.find("\"doi_cache\"") != statement.npos && statement.starts_with("SELECT"))
        ++lookups;
      else if (statement == "BEGIN")
        ++begins;
      else if (statement == "PRAGMA data_version")
        ++versions;
      else if (statement.find("ROLLBACK") == statement.npos && !statement.starts_with("--"))
        ++others;
    }
    CHECK(lookups == 20);
    CHECK(begins == 1);
    CHECK(versions == 1);
    CHECK(others == 0);
    return lists;
  };
  CHECK(lists_of_a_warm_summary() == 1);  // since the results were written
  CHECK(lists_of_a_warm_summary() == 0);
  CHECK(lists_of_a_warm_summary() == 0);
  backend.execute("CREATE TABLE of_somebody_else (number INTEGER)");
  CHECK(lists_of_a_warm_summary() == 1);
  CHECK(lists_of_a_warm_summary() == 0);
  backend.execute("UPDATE managed_repos SET slug = 'renamed' WHERE slug = 'a7'");
  CHECK(checks->registry().list().back().slug == "renamed");
  CHECK_THROWS_AS(checks->registry().find("a7"), UnknownSlug);
}

TEST_CASE("A row that holds no JSON is told of, evaluated again and repaired", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick());
  place.add(*checks, 3);
  check_all(*checks);
  backend.execute(
      "UPDATE doi_cache SET criteria = '[{\"name\": ' WHERE repo_id = (SELECT id FROM managed_repos WHERE slug = 'a1')");
  const auto answers = check_all(*checks);
  CHECK(hits(answers) == 2);
  CHECK(answers[1].outcome().miss == render_cache::Miss::damaged);
  CHECK_THAT(answers[1].outcome().detail, ContainsSubstring("no JSON at byte 11"));
  CHECK(hits(check_all(*checks)) == 3);
}

TEST_CASE("A row of the registry that makes no sense is named", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick());
  place.add(*checks, 2);
  backend.execute("UPDATE managed_repos SET updated_at = 'yesterday' WHERE slug = 'a1'");
  CHECK_THROWS_WITH(checks->registry().list(),
                    ContainsSubstring("repository 'a1'") && ContainsSubstring("updated_at is 'yesterday'"));
  CHECK(checks->check(checks->registry().find("a0"))->tier == "core");
}

}  // namespace statements_tests
