// expect: a SQL dialect has a name, that of its folder of migrations
#include <render_cache/wiki_migrations.hpp>

#include <render_cache/sql/dialect/sqlite.hpp>

struct Sqlite {};
const auto migrations = render_cache::wiki_migrations<Sqlite>();
