-- The result of a repository's checks, under the fingerprint of what was checked.
CREATE TABLE doi_cache (
  id            UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  repo_id       UUID NOT NULL UNIQUE REFERENCES managed_repos (id) ON DELETE CASCADE,
  tier          VARCHAR(20) NOT NULL,
  core_pass     BOOLEAN NOT NULL DEFAULT false,
  standard_pass BOOLEAN NOT NULL DEFAULT false,
  full_pass     BOOLEAN NOT NULL DEFAULT false,
  criteria      JSON,
  fingerprint   TEXT NOT NULL,
  checked_at    TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at    TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE INDEX idx_doi_cache_repo ON doi_cache (repo_id);
