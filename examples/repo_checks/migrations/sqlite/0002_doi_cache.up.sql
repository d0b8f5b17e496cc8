-- The result of a repository's checks, under the fingerprint of what was checked. The cascade needs PRAGMA foreign_keys.
CREATE TABLE doi_cache (
  id            TEXT PRIMARY KEY NOT NULL DEFAULT (lower(
                  hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' ||
                  substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
  repo_id       TEXT NOT NULL UNIQUE REFERENCES managed_repos (id) ON DELETE CASCADE,
  tier          TEXT NOT NULL CHECK (length(tier) <= 20),
  core_pass     INTEGER NOT NULL DEFAULT 0 CHECK (core_pass IN (0, 1)),
  standard_pass INTEGER NOT NULL DEFAULT 0 CHECK (standard_pass IN (0, 1)),
  full_pass     INTEGER NOT NULL DEFAULT 0 CHECK (full_pass IN (0, 1)),
  criteria      TEXT CHECK (criteria IS NULL OR json_valid(criteria)),
  fingerprint   TEXT NOT NULL,
  checked_at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  updated_at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

CREATE INDEX idx_doi_cache_repo ON doi_cache (repo_id);
