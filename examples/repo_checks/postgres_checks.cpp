// On PostgreSQL: the only translation unit that knows it.
#include "cached_checks.hpp"

#include <render_cache/sql/migrate.hpp>
#include <render_cache/store/postgres.hpp>
#include <repo_checks/migrations.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace repo_checks {
namespace {

class PostgresTables {
 public:
  using Store = render_cache::PostgresStore<DoiCacheSchema>;
  using Dialect = render_cache::PostgresDialect;

  explicit PostgresTables(render_cache::PostgresOptions options)
      : client_(std::move(options), [](render_cache::PostgresConnection&) {}) {}

  render_cache::Rows read(const std::string& sql, const std::vector<std::string>& parameters) {
    return client_.run([&](render_cache::PostgresConnection& connection) { return connection.query(sql, parameters); });
  }
  render_cache::Rows write(const std::string& sql, const std::vector<std::string>& parameters) { return read(sql, parameters); }

  static std::uint64_t round_trips(const Store& store) { return store.stats().operations; }

 private:
  render_cache::PostgresClient client_;
};

}  // namespace

std::unique_ptr<Checks> open_postgres_checks(const std::string& conninfo, ChecksOptions options) {
  render_cache::PostgresOptions server;
  server.conninfo = conninfo;
  server.migrations = migrations<render_cache::PostgresDialect>();
  server.migration_history = migration_history;
  // What a check of up to 40 s has found is worth waiting for.
  server.lookup_timeout = server.acquire_timeout = std::chrono::seconds(5);
  {
    render_cache::PostgresConnection connection(server);
    render_cache::Migrator(connection, server.migrations, server.migration_history).up();
  }
  auto durable = server;  // which repositories there are is not to be forgotten in a crash; what was found out about them may
  durable.synchronous_commit = true;
  return std::make_unique<CachedChecks<PostgresTables>>(std::make_unique<PostgresTables>(durable), server, std::move(options));
}

}  // namespace repo_checks
