// What a server's log says of a summary.
#include "checks/workplace.hpp"

#include "support/catch.hpp"
#include "support/postgres_server.hpp"

#include <string>

namespace statements_tests {

using namespace repo_checks;
using namespace repo_checks::test;

namespace {

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("A warm summary of 200 repositories is two statements for the server", "[checks]") {
  const render_cache::test::PostgresServer server{"log_statement = all"};
  const Workplace place;
  const auto checks = open_postgres_checks(server.conninfo(), quick());
  place.add(*checks, 200);
  check_all(*checks);
  check_all(*checks);  // connections are open and statements prepared
  const auto before = server.log();
  CHECK(hits(check_all(*checks)) == 200);
  const auto summary = server.log().substr(before.size());
  INFO(summary);
  CHECK(count(summary, " execute ") + count(summary, " statement: ") == 2);
  CHECK(count(summary, "FROM managed_repos") == 1);
  CHECK(count(summary, "\"doi_cache\"") == 1);
}

}  // namespace statements_tests
