#include <render_cache/store/sqlite.hpp>

#include "good_parts.hpp"

struct Schema {
  using key_type = good::Key;
  using value_type = good::Value;
  static constexpr std::string_view table = "pages", fingerprint_column = "fingerprint", rendered_at_column = "rendered_at";
};

void program(const render_cache::SqliteOptions& options) { render_cache::SqliteStore<Schema> store(options); }
