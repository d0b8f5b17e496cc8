#include <render_cache/sql/dialect/sqlite.hpp>

struct MyDialect : render_cache::SqliteDialect {
  static constexpr std::string_view name = "mine";
  static std::string type_name(const render_cache::Column&);
};
static_assert(render_cache::check_dialect<MyDialect>());
