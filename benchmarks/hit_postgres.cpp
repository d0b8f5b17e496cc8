// The PostgreSQL store beside bare libpq with one prepared statement on the same rows, in the same run.
#include <render_cache/store/postgres.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "pages.hpp"

#include <benchmark/benchmark.h>
#include <libpq-fe.h>

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace render_cache;

/// A database schema of this run's own with every page in it, dropped at the end.
class Database {
 public:
  explicit Database(const std::string& server) {
    PostgresOptions options{.conninfo = server};
    admin_ = std::make_unique<PostgresConnection>(options);
    admin_->run_script("CREATE SCHEMA " + name_);
    options.conninfo += " options='-c search_path=" + name_ + "'";
    options.migrations = wiki_migrations<PostgresDialect>();
    store = std::make_unique<PostgresStore<WikiSchema>>(options);
    for (const auto& page : benchmark_pages()) {
      const auto fingerprint = Fingerprint().add("source", "s2:" + std::string(64, '0')).add("renderer", "benchmark/1");
      const WikiPage value{page.html, {R"({"title": "A page", "toc": []})"}};
      entries.emplace_back(WikiKey{"rust-book", page.path},
                           std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{value, fingerprint}));
      queries.push_back({entries.back().first, fingerprint});
    }
    store->publish_many(entries);
    admin_->run_script("ANALYZE " + name_ + ".wiki_cache");

    raw = PQconnectdb(detail::complete_conninfo(options.conninfo).c_str());
    if (PQstatus(raw) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(raw));
    PQclear(PQexec(raw, detail::session_settings(options).c_str()));
    prepare("lookup", Sql<PostgresDialect>(table_of<WikiSchema>()).lookup.text);
    prepare("publish", Sql<PostgresDialect>(table_of<WikiSchema>()).publish.text);
    prepare("lookup_many", BatchSql<PostgresDialect>(table_of<WikiSchema>()).lookup_many.text);
  }
  ~Database() {
    PQfinish(raw);
    store.reset();
    admin_->run_script("SET client_min_messages = warning; DROP SCHEMA " + name_ + " CASCADE");
  }

  PGresult* execute(const char* statement, const std::vector<const char*>& values) const {
    PGresult* result = PQexecPrepared(raw, statement, static_cast<int>(values.size()), values.data(), nullptr, nullptr, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK) {
      throw std::runtime_error(PQerrorMessage(raw));
    }
    return result;
  }

  std::unique_ptr<PostgresStore<WikiSchema>> store;
  std::vector<PostgresStore<WikiSchema>::KeyedEntry> entries;
  std::vector<Query<WikiKey>> queries;
  PGconn* raw = nullptr;

 private:
  void prepare(const char* name, const std::string& sql) const { PQclear(PQprepare(raw, name, sql.c_str(), 0, nullptr)); }

  std::string name_ = "benchmark_" + std::to_string(getpid());
  std::unique_ptr<PostgresConnection> admin_;
};

/// Null, and the benchmark marked as skipped, where no server is named.
Database* database(benchmark::State& state) {
  const char* server = std::getenv("RENDER_CACHE_BENCH_POSTGRES");
  if (server == nullptr) {
    state.SkipWithError("skipped: RENDER_CACHE_BENCH_POSTGRES does not name a server");
    return nullptr;
  }
  static Database shared(server);
  return &shared;
}

void hit(benchmark::State& state) {
  auto* db = database(state);
  if (db == nullptr) return;
  std::size_t at = 0;
  for (auto _ : state) {
    const auto& query = db->queries[at++ % db->queries.size()];
    auto found = db->store->lookup(query.key, query.fingerprint);
    if (!found.entry) return state.SkipWithError("a published page is not found");
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(hit)->Name("hit/postgres")->UseRealTime();

void hit_limit(benchmark::State& state) {
  auto* db = database(state);
  if (db == nullptr) return;
  std::size_t at = 0;
  for (auto _ : state) {
    const auto& [key, fingerprint] = db->queries[at++ % db->queries.size()];
    PGresult* rows = db->execute("lookup", {key.repo_alias.c_str(), key.page_path.c_str(), fingerprint.text().c_str()});
    std::string html(PQgetvalue(rows, 0, 2), static_cast<std::size_t>(PQgetlength(rows, 0, 2)));
    benchmark::DoNotOptimize(html);
    PQclear(rows);
  }
}
BENCHMARK(hit_limit)->Name("hit/postgres/limit")->UseRealTime();

constexpr std::size_t batch_size = 100;

// The time is that of one key.
void lookup_many(benchmark::State& state) {
  auto* db = database(state);
  if (db == nullptr) return;
  const std::vector<Query<WikiKey>> batch(db->queries.begin(), db->queries.begin() + batch_size);
  while (state.KeepRunningBatch(batch_size)) {
    auto found = db->store->lookup_many(batch);
    if (!found.back().entry) return state.SkipWithError("a published page is not found");
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(lookup_many)->Name("lookup_many/postgres")->UseRealTime();

void lookup_many_limit(benchmark::State& state) {
  auto* db = database(state);
  if (db == nullptr) return;
  std::string aliases = "{", paths = "{", fingerprints = "{";
  for (std::size_t at = 0; at < batch_size; ++at) {
    const auto& [key, fingerprint] = db->queries[at];
    const std::string between = at == 0 ? "" : ",";
    aliases += between + '"' + key.repo_alias + '"';
    paths += between + '"' + key.page_path + '"';
    fingerprints += between + '"' + fingerprint.text() + '"';
  }
  aliases += "}", paths += "}", fingerprints += "}";
  while (state.KeepRunningBatch(batch_size)) {
    PGresult* rows = db->execute("lookup_many", {aliases.c_str(), paths.c_str(), fingerprints.c_str()});
    for (int row = 0; row < PQntuples(rows); ++row) {
      std::string html(PQgetvalue(rows, row, 3), static_cast<std::size_t>(PQgetlength(rows, row, 3)));
      benchmark::DoNotOptimize(html);
    }
    PQclear(rows);
  }
}
BENCHMARK(lookup_many_limit)->Name("lookup_many/postgres/limit")->UseRealTime();

// Every page has changed: the answer says so, and no body is read or sent. The time is that of one key, beside a single hit.
void lookup_many_changed(benchmark::State& state) {
  auto* db = database(state);
  if (db == nullptr) return;
  std::vector<Query<WikiKey>> batch(db->queries.begin(), db->queries.begin() + batch_size);
  for (auto& query : batch) query.fingerprint.add("more", 1);
  while (state.KeepRunningBatch(batch_size)) {
    auto found = db->store->lookup_many(batch);
    if (!found.back().stored) return state.SkipWithError("a published page is not found");
    benchmark::DoNotOptimize(found);
  }
  state.SetLabel("hit/postgres");
}
BENCHMARK(lookup_many_changed)->Name("lookup_many/postgres/changed")->UseRealTime();

// Two bodies in turn, so that each publish writes one.
std::vector<PostgresStore<WikiSchema>::KeyedEntry> alternating(const Database& db) {
  auto entries = db.entries;
  for (auto& [key, entry] : entries) {
    auto changed = *entry;
    changed.value.rendered_html.back() ^= 1;
    entry = std::make_shared<const Entry<WikiPage>>(std::move(changed));
  }
  entries.insert(entries.end(), db.entries.begin(), db.entries.end());
  return entries;
}

void publish(benchmark::State& state) {
  auto* db = database(state);
  if (db == nullptr) return;
  const auto entries = alternating(*db);
  std::size_t at = 0;
  for (auto _ : state) {
    const auto& [key, entry] = entries[at++ % entries.size()];
    db->store->publish(key, entry);
  }
}
BENCHMARK(publish)->Name("publish/postgres")->UseRealTime();

void publish_limit(benchmark::State& state) {
  auto* db = database(state);
  if (db == nullptr) return;
  const auto entries = alternating(*db);
  std::size_t at = 0;
  for (auto _ : state) {
    const auto& [key, entry] = entries[at++ % entries.size()];
    PQclear(db->execute("publish", {key.repo_alias.c_str(), key.page_path.c_str(), entry->value.rendered_html.c_str(),
                                    entry->value.metadata.text.c_str(), entry->fingerprint.text().c_str()}));
  }
}
BENCHMARK(publish_limit)->Name("publish/postgres/limit")->UseRealTime();

}  // namespace
