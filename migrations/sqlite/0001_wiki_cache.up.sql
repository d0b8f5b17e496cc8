-- One rendered page a row. The body comes last: what stands before it is read without touching its overflow pages.
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
