#include <render_cache/sql/dialect/sqlite.hpp>

struct MyDialect : render_cache::SqliteDialect {
  static constexpr std::string_view name = "mine";
  static std::string key_constraint(const render_cache::Table&);
};
static_assert(render_cache::check_dialect<MyDialect>());
