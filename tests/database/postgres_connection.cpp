#include <render_cache/store/postgres/connection.hpp>

#include "support/catch.hpp"
#include "support/database.hpp"

#include <string>
#include <typeinfo>

namespace postgres_connection_tests {

using namespace render_cache;

namespace {

/// How a failure with this SQLSTATE is reported.
template <class Expected>
bool means(const char* sqlstate) {
  try {
    detail::throw_for_sqlstate(sqlstate, "ERROR:  because\n");
  } catch (const StoreError& error) {
    return typeid(error) == typeid(Expected);
  }
}

}  // namespace

TEST_CASE("each SQLSTATE that can happen has its error type") {
  for (const char* state : {"", "08006", "57P01", "57P02", "57P03", "25P03"}) CHECK(means<PostgresConnectionLost>(state));
  for (const char* state : {"40001", "40P01"}) CHECK(means<PostgresRolledBack>(state));
  for (const char* state : {"53100", "54000"}) CHECK(means<StoreFull>(state));
  for (const char* state : {"53200", "53300", "57014", "55P03"}) CHECK(means<StoreUnavailable>(state));
  for (const char* state : {"22021", "22P05", "22P02", "22001", "23502", "23514"}) CHECK(means<InvalidValue>(state));
  for (const char* state : {"42P01", "42703", "42804", "0A000", "42P10"}) CHECK(means<SchemaMismatch>(state));
  CHECK(means<PostgresReadOnly>("25006"));
  CHECK(means<StoreForbidden>("42501"));
  for (const char* state : {"26000", "XX000"}) CHECK(means<StoreError>(state));
}

TEST_CASE("an error's message is the server's, with its SQLSTATE, and no line end") {
  CHECK(detail::postgres_message("ERROR:  because\n", "22021") == "PostgreSQL: ERROR:  because (SQLSTATE 22021)");
  CHECK_THROWS_WITH(detail::throw_for_sqlstate("26000", "x"), ContainsSubstring("prepared_statements"));
}

TEST_CASE("a connection string's own settings win over the defaults, in both of its forms") {
  const std::string defaults(postgres_defaults);
  CHECK(detail::complete_conninfo("host=a connect_timeout=9") == defaults + " host=a connect_timeout=9 client_encoding=UTF8");
  CHECK(detail::complete_conninfo("") == defaults + "  client_encoding=UTF8");
  const auto uri = detail::complete_conninfo("postgresql://me@a,b/wiki?connect_timeout=9");
  CHECK(uri.starts_with("postgresql://me@a,b/wiki?application_name=render_cache&connect_timeout=2&"));
  CHECK(uri.ends_with("&connect_timeout=9&client_encoding=UTF8"));
  CHECK(detail::complete_conninfo("postgres://a").starts_with("postgres://a?application_name=render_cache&"));
  CHECK(detail::complete_conninfo("postgres://a?").ends_with("keepalives_count=3&client_encoding=UTF8"));
}

TEST_CASE("a session is set up if its process is the one told of, and never where none was told of") {
  const auto whatever_the_process = detail::session_settings({});
  CHECK(detail::session_settings({}, 42) == whatever_the_process + " WHERE pg_backend_pid() = 42");
  CHECK(detail::session_settings({}, 0) == whatever_the_process + " WHERE pg_backend_pid() = 0");
}

TEST_CASE("a connection reports what the server says") {
  PostgresConnection connection({.conninfo = test::TestDatabase::server()});
  CHECK_THROWS_AS(connection.run("SELECT 1 / 0", {}), InvalidValue);
  CHECK_THROWS_AS(connection.run("SELECT * FROM nowhere", {}), SchemaMismatch);
  CHECK(connection.usable());
  CHECK(connection.run("SELECT 1", {})[0][0].c_str() == std::string("1"));
  CHECK_THROWS_AS(connection.run("SELECT pg_terminate_backend(pg_backend_pid())", {}), PostgresConnectionLost);
  CHECK_FALSE(connection.usable());
}

}  // namespace postgres_connection_tests
