#include "checks.hpp"

#include "finding.hpp"

#include <algorithm>
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

void check_slug(std::string_view slug) {
  constexpr auto is_letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const bool fits = !slug.empty() && slug.size() <= 100 && is_letter_or_digit(slug.front()) &&
                    std::ranges::all_of(slug, [&](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
  if (!fits) {
    throw RegistryError("'" + one_line(slug) + "' is no slug: 1 to 100 letters, digits and \"._-\", the first a letter or digit");
  }
}

}  // namespace repo_checks
