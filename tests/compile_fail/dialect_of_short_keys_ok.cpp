#include <render_cache/sql/dialect/sqlite.hpp>

struct MyDialect : render_cache::SqliteDialect {
  static constexpr std::size_t max_key_bytes = 2048;
};
static_assert(render_cache::check_dialect<MyDialect>());
