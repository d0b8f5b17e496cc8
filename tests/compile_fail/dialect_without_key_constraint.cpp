// expect: a SQL dialect knows tables: static constraint(column), key_constraint(table)
#include <render_cache/sql/dialect/sqlite.hpp>

struct MyDialect : render_cache::SqliteDialect {
  static constexpr std::string_view name = "mine";
  static std::string key_constraint();
};
static_assert(render_cache::check_dialect<MyDialect>());
