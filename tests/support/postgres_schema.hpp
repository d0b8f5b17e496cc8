// Migrates a test's database as an operator would.
#pragma once

#include <render_cache/sql/leases.hpp>
#include <render_cache/sql/migrate.hpp>
#include <render_cache/store/postgres/connection.hpp>

#include "support/patience.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace render_cache::test {

inline std::size_t migrate_postgres(const std::string& conninfo) {
  PostgresConnection connection(patient({.conninfo = conninfo}));
  migrate_leases(connection);
  return Migrator(connection, load_migrations(RENDER_CACHE_SOURCE_DIR "/migrations/postgres")).up();
}

inline std::vector<Migration> partition_migrations() {
  return load_migrations(RENDER_CACHE_SOURCE_DIR "/migrations/postgres/partitioned");
}
/// After `migrate_postgres`: the wiki's table is then in partitions.
inline std::size_t partition_postgres(const std::string& conninfo) {
  PostgresConnection connection(patient({.conninfo = conninfo}));
  return Migrator(connection, partition_migrations(), "wiki_partition_migrations").up();
}
inline std::size_t unite_postgres(const std::string& conninfo) {
  PostgresConnection connection(patient({.conninfo = conninfo}));
  return Migrator(connection, partition_migrations(), "wiki_partition_migrations").down(0);
}

}  // namespace render_cache::test
