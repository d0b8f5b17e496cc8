// expect: a SQL dialect knows sizes: static bytes(expression), static constexpr std::string_view table_bytes
#include <render_cache/sql/dialect/sqlite.hpp>

struct MyDialect : render_cache::SqliteDialect {
  static void bytes();
};
static_assert(render_cache::check_dialect<MyDialect>());
