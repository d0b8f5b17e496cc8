// expect: a SQL dialect finds and reads what was stored: static constexpr bool keeps_json_text, static first_part_is(stored,
#include <render_cache/sql/dialect/sqlite.hpp>

struct MyDialect : render_cache::SqliteDialect {
  static constexpr std::string_view name = "mine";
  static bool first_part_is(const std::string& stored, const std::string& wanted);
};
static_assert(render_cache::check_dialect<MyDialect>());
