#include "checks.hpp"

#include <stdexcept>

namespace repo_checks {

std::unique_ptr<Checks> open_checks(std::string_view store, ChecksOptions options) {
  constexpr std::string_view sqlite = "sqlite:", postgres = "postgres:";
  if (store.starts_with(sqlite) && store.size() > sqlite.size()) {
    return open_sqlite_checks(store.substr(sqlite.size()), std::move(options));
  }
  if (store.starts_with(postgres)) return open_postgres_checks(std::string(store.substr(postgres.size())), std::move(options));
  throw std::invalid_argument("'" + std::string(store) + "' names no store: say sqlite:PATH or postgres:CONNINFO");
}

}  // namespace repo_checks
