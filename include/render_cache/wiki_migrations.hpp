// What migrations/ holds, for programs that have no files at run time.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/detail/wiki_migrations.hpp>  // made by CMake

namespace render_cache {

/// The migrations of the wiki's table for one database.
inline std::vector<Migration> wiki_migrations(Dialect dialect) { return detail::wiki_migrations(dialect); }

}  // namespace render_cache
