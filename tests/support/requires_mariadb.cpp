#include "support/requirement.hpp"

#include <cstdlib>

std::string_view missing_requirement() {
  const char* socket = std::getenv("RENDER_CACHE_TEST_MARIADB");
  if (socket != nullptr && *socket != '\0') return {};
  return "RENDER_CACHE_TEST_MARIADB is not set (scripts/test starts a MariaDB and sets it to the path of its socket)";
}
