// expect: a SQL dialect knows the types of columns: static type_name(column), type_fits(column, real type)
#include <render_cache/sql/dialect/sqlite.hpp>

struct MyDialect : render_cache::SqliteDialect {
  static constexpr std::string_view name = "mine";
  static int type_name(const render_cache::Column&);
};
static_assert(render_cache::check_dialect<MyDialect>());
