// The scripts of migrations/, built into the program by embed_migrations.cmake.
#pragma once

#include <render_cache/sql/migration.hpp>

#include <string>
#include <vector>

namespace repo_checks {

[[nodiscard]] std::vector<render_cache::Migration> postgres_migrations();
[[nodiscard]] std::vector<render_cache::Migration> sqlite_migrations();

/// This system's history of migrations has its own table, so that it can share a database with a wiki.
inline const std::string migration_history = "repo_checks_migrations";

}  // namespace repo_checks
