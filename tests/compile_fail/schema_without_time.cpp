// expect: a schema names two columns: add `static constexpr std::string_view fingerprint_column, rendered_at_column`
#include <render_cache/store/sqlite.hpp>

#include "good_parts.hpp"

struct Schema {
  using key_type = good::Key;
  using value_type = good::Value;
  static constexpr std::string_view table = "pages", fingerprint_column = "fingerprint";
};

void program(const render_cache::SqliteOptions& options) { render_cache::SqliteStore<Schema> store(options); }
