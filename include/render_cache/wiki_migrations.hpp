// What migrations/ holds, for programs that have no files at run time. Made by cmake/embed_migrations.cmake: do not edit.
#pragma once

#include <render_cache/sql/migration.hpp>
#include <render_cache/sql/statements.hpp>

#include <vector>

// clang-format off
namespace render_cache {

/// The migrations of migrations/ for one database.
inline std::vector<Migration> wiki_migrations(Dialect dialect) {
  if (dialect == Dialect::postgres) {
    return {
      {1, "wiki_cache", R"sql(CREATE TABLE wiki_cache (
  repo_alias    TEXT,
  page_path     TEXT,
  rendered_html TEXT,
  source_hash   TEXT,
  rendered_at   TIMESTAMPTZ DEFAULT now(),
  metadata      JSONB,
  PRIMARY KEY (repo_alias, page_path)
);

CREATE INDEX idx_wiki_cache_repo ON wiki_cache (repo_alias);

-- Bodies live in TOAST, and each render replaces one: compress them with lz4, which is twice as fast here as pglz, and let
-- autovacuum come early. A server that knows neither (before 14, built without lz4, a relative of PostgreSQL) goes without.
DO $$
BEGIN
  EXECUTE 'ALTER TABLE wiki_cache ALTER COLUMN rendered_html SET COMPRESSION lz4';
  EXECUTE 'ALTER TABLE wiki_cache ALTER COLUMN metadata SET COMPRESSION lz4';
EXCEPTION WHEN feature_not_supported OR syntax_error OR invalid_parameter_value THEN
  RAISE NOTICE 'wiki_cache: no lz4 on this server (%)', SQLERRM;
END
$$;

DO $$
BEGIN
  EXECUTE 'ALTER TABLE wiki_cache SET (
    autovacuum_vacuum_scale_factor = 0.05,
    toast.autovacuum_vacuum_scale_factor = 0.05,
    toast.autovacuum_vacuum_threshold = 1000)';
EXCEPTION WHEN feature_not_supported OR syntax_error OR invalid_parameter_value THEN
  RAISE NOTICE 'wiki_cache: no autovacuum settings on this server (%)', SQLERRM;
END
$$;
)sql", R"sql(DROP TABLE wiki_cache;
)sql"},
    };
  }
  return {
      {1, "wiki_cache", R"sql(-- One rendered page a row. The body comes last: what stands before it is read without touching its overflow pages.
CREATE TABLE wiki_cache (
  repo_alias    TEXT NOT NULL,
  page_path     TEXT NOT NULL,
  source_hash   TEXT,
  rendered_at   TEXT DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  metadata      TEXT CHECK (metadata IS NULL OR json_valid(metadata)),
  rendered_html TEXT,
  PRIMARY KEY (repo_alias, page_path)
) STRICT;

CREATE INDEX idx_wiki_cache_repo ON wiki_cache (repo_alias);
)sql", R"sql(DROP TABLE wiki_cache;
)sql"},
  };
}

}  // namespace render_cache
