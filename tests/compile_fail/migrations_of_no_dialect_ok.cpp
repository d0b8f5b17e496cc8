#include <render_cache/wiki_migrations.hpp>

#include <render_cache/sql/dialect/sqlite.hpp>

using Sqlite = render_cache::SqliteDialect;
const auto migrations = render_cache::wiki_migrations<Sqlite>();
