// What migrations/ holds, for programs that have no files at run time.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/detail/wiki_migrations.hpp>  // made by CMake

namespace render_cache {

/// The migrations of the wiki's table for one engine: `wiki_migrations<SqliteDialect>()`. Empty for an engine that has none.
template <class Dialect>
std::vector<Migration> wiki_migrations() {
  return detail::wiki_migrations<Dialect>();
}

}  // namespace render_cache
