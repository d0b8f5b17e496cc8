#include <render_cache/store/sqlite.hpp>
#include <render_cache/wiki.hpp>

void program() { render_cache::SqliteStore<render_cache::WikiSchema> store({.path = "wiki.db"}); }
