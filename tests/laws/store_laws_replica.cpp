#include <render_cache/store/replica.hpp>

#include <render_cache/laws/store_laws.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/store/sqlite.hpp>
#include <render_cache/store/tiered.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "support/temporary_directory.hpp"

namespace store_laws_replica_tests {

using namespace render_cache;

namespace {

using Sqlite = SqliteStore<WikiSchema>;

SqliteOptions wiki(std::string path) { return {.path = std::move(path), .migrations = wiki_migrations<SqliteDialect>()}; }

/// Two connections to one file.
struct ReplicaThatNeverLags {
  static constexpr bool durable = true;
  test::TemporaryDirectory directory{};
  Sqlite primary{wiki(directory / "wiki.db")}, replica{wiki(directory / "wiki.db")};
  ReplicaStore<Sqlite, Sqlite> store{replica, primary};
};

/// It has heard of nothing.
struct ReplicaThatLagsForEver {
  static constexpr bool durable = true;
  test::TemporaryDirectory directory{};
  Sqlite primary{wiki(directory / "wiki.db")}, replica{wiki(directory / "replica.db")};
  ReplicaStore<Sqlite, Sqlite> store{replica, primary, {.max_lag = std::chrono::milliseconds(0)}};
};

struct MemoryBeforeReplica {
  static constexpr bool durable = true;
  test::TemporaryDirectory directory{};
  Sqlite primary{wiki(directory / "wiki.db")}, replica{wiki(directory / "wiki.db")};
  ReplicaStore<Sqlite, Sqlite> replicas{replica, primary};
  MemoryStore<WikiSchema> near{};
  TieredStore<MemoryStore<WikiSchema>, ReplicaStore<Sqlite, Sqlite>> store{near, replicas};
};

RENDER_CACHE_STORE_LAWS(ReplicaThatNeverLags)
RENDER_CACHE_STORE_LAWS(ReplicaThatLagsForEver)
RENDER_CACHE_STORE_LAWS(MemoryBeforeReplica)

}  // namespace

}  // namespace store_laws_replica_tests
