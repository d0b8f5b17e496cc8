#include "support/requirement.hpp"

#include <cstdlib>

std::string_view missing_requirement() {
  const char* conninfo = std::getenv("RENDER_CACHE_TEST_POSTGRES");
  if (conninfo != nullptr && *conninfo != '\0') return {};
  return "RENDER_CACHE_TEST_POSTGRES is not set (scripts/test starts a PostgreSQL and sets it)";
}
