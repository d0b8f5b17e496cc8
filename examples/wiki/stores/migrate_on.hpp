// `wiki migrate` on a database of a certain type. Included by the files of this folder only.
#pragma once

#include "options.hpp"

#include <render_cache/sql/leases.hpp>
#include <render_cache/sql/migrate.hpp>
#include <render_cache/wiki_migrations.hpp>

#include <iomanip>
#include <ostream>

namespace wiki {

template <class Connection>
void migrate_on(Connection& connection, const MigrateOptions& options, std::ostream& out) {
  render_cache::Migrator migrator(connection, render_cache::wiki_migrations<typename Connection::Dialect>());
  if (options.status) {
    for (const auto& state : migrator.status()) {
      out << std::setw(4) << state.version << "  " << state.name << "  "
          << (state.applied_at ? "applied " + *state.applied_at : "pending") << '\n';
    }
  } else if (options.down) {
    const auto undone = migrator.down(options.to.value_or(0));
    out << undone << (undone == 1 ? " migration" : " migrations") << " undone\n";
  } else {
    render_cache::migrate_leases(connection);
    const auto applied = migrator.up(options.to.value_or(migrator.newest));
    out << applied << (applied == 1 ? " migration" : " migrations") << " applied\n";
  }
}

void migrate_sqlite(const MigrateOptions& options, std::ostream& out);
void migrate_postgres(const MigrateOptions& options, std::ostream& out);

}  // namespace wiki
