#include <render_cache/sql/dialect/sqlite.hpp>

struct MyDialect : render_cache::SqliteDialect {
  static std::string bytes(const std::string& expression) { return "octet_length(" + expression + ")"; }
};
static_assert(render_cache::check_dialect<MyDialect>());
