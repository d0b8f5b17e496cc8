// Behind a real PgBouncer in transaction pooling, where the next transaction may be another session's.
#include <render_cache/cache.hpp>
#include <render_cache/store/postgres.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "support/archetypes.hpp"
#include "support/catch.hpp"
#include "support/pgbouncer.hpp"
#include "support/postgres_server.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace pgbouncer_tests {

using namespace render_cache;
using Wiki = PostgresStore<WikiSchema>;

namespace {

EntryPtr<WikiPage> page(const std::string& source) {
  return std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{source, {"{}"}}, Fingerprint().add("source", source)});
}
Fingerprint fingerprint(const std::string& source) { return std::move(Fingerprint().add("source", source)); }
WikiKey key(int number) { return {"docs", std::to_string(number)}; }

/// What a setting is in each of so many sessions.
std::vector<std::string> in_each_session(const test::PgBouncer& bouncer, std::size_t sessions, const std::string& setting) {
  std::vector<std::unique_ptr<pqxx::connection>> clients;
  std::vector<std::unique_ptr<pqxx::work>> transactions;
  std::vector<std::string> values;
  for (std::size_t i = 0; i < sessions; ++i) {
    clients.push_back(std::make_unique<pqxx::connection>(bouncer.conninfo()));
    transactions.push_back(std::make_unique<pqxx::work>(*clients.back()));  // keeps its session
    values.push_back(transactions.back()->exec("SHOW " + setting).at(0).at(0).as<std::string>());
  }
  return values;
}

}  // namespace

TEST_CASE("behind PgBouncer the store works as it is, and leaves the shared sessions as they were") {
  const test::PostgresServer server;
  const test::PgBouncer bouncer(server.directory(), 3);
  const auto options =
      test::patient({.conninfo = bouncer.conninfo(), .migrations = wiki_migrations<PostgresDialect>(), .pool_size = 4});
  Wiki one(options), other(options);
  one.check();
  other.check();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        RenderCache cache(archetype::CountingRenderer{}, archetype::MinimalHasher{}, i % 2 == 0 ? one : other,
                          {.single_flight = SingleFlight::cluster});
        for (int round = 0; round < 50; ++round) cache.get(key(round), std::to_string(i / 4));
      });
    }
  }
  for (auto* const store : {&one, &other}) {
    store->publish(key(1), page("x"));
    CHECK(store->lookup(key(1), fingerprint("x")).entry);
    const std::vector<Query<WikiKey>> queries{{key(1), fingerprint("x")}, {key(2), fingerprint("y")}};
    CHECK(store->lookup_many(queries)[0].entry);
    CHECK(store->replace(key(1), page("y"), store->lookup(key(1), fingerprint("?")).seen));
    CHECK(store->lookup_stale(key(1)));
    CHECK(store->prune([](const WikiKey& each) { return each.page_path != "1"; }, {}).removed == 1);
    store->publish(key(2), page("x"));
    CHECK(store->erase(key(2)));
    const auto stats = store->stats();
    CHECK(stats.unavailable + stats.mismatched + stats.forbidden + stats.other == 0);
  }
  CHECK(in_each_session(bouncer, 3, "statement_timeout") == std::vector<std::string>(3, "0"));
  CHECK(in_each_session(bouncer, 3, "synchronous_commit") == std::vector<std::string>(3, "on"));
}

TEST_CASE("prepared statements behind a PgBouncer are for those that know them, and the others are named as the reason") {
  const test::PostgresServer server;
  const bool knows = test::PgBouncer::knows_prepared_statements();
  const test::PgBouncer bouncer(server.directory(), 1, knows ? "max_prepared_statements = 100" : "");
  const auto options = test::patient(
      {.conninfo = bouncer.conninfo(), .migrations = wiki_migrations<PostgresDialect>(), .prepared_statements = true});
  Wiki one(options), other(options);
  one.publish(key(1), page("x"));
  if (knows) {
    CHECK(other.lookup(key(1), fingerprint("x")).entry);
    other.publish(key(1), page("y"));
    CHECK(one.lookup(key(1), fingerprint("y")).entry);
  } else {
    CHECK_THROWS_WITH(other.publish(key(1), page("y")), ContainsSubstring("a pooler"));
  }
}

TEST_CASE("who says that its sessions are its own is believed") {
  const test::PostgresServer server;
  const test::PgBouncer bouncer(server.directory(), 1);
  PostgresConnection own({.conninfo = bouncer.conninfo(), .own_sessions = true, .prepared_statements = false});
  CHECK(own.query("SHOW statement_timeout", {}).at(0).at(0) == "5s");
  PostgresConnection shared({.conninfo = server.conninfo(), .own_sessions = false});
  CHECK(shared.query("SHOW statement_timeout", {}).at(0).at(0) == "0");
}

}  // namespace pgbouncer_tests
