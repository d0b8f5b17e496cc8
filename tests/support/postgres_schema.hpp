// Migrates a test's database as an operator would.
#pragma once

#include <render_cache/sql/leases.hpp>
#include <render_cache/sql/migrate.hpp>
#include <render_cache/store/postgres/connection.hpp>

#include "support/patience.hpp"

#include <cstddef>
#include <string>

namespace render_cache::test {

inline std::size_t migrate_postgres(const std::string& conninfo) {
  PostgresConnection connection(patient({.conninfo = conninfo}));
  migrate_leases(connection);
  return Migrator(connection, load_migrations(RENDER_CACHE_SOURCE_DIR "/migrations/postgres")).up();
}

}  // namespace render_cache::test
