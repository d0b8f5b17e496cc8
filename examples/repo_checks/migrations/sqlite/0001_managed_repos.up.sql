-- Identifiers are random UUIDs (version 4), times ISO 8601 in UTC.
CREATE TABLE managed_repos (
  id         TEXT PRIMARY KEY NOT NULL DEFAULT (lower(
                  hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' ||
                  substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))),
  slug       TEXT NOT NULL UNIQUE,
  path       TEXT NOT NULL,
  updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  revision   INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Snapshots and goals of a repository. Their newest times are part of its fingerprint.
CREATE TABLE repo_events (
  id          INTEGER PRIMARY KEY,
  repo_id     TEXT NOT NULL REFERENCES managed_repos (id) ON DELETE CASCADE,
  kind        TEXT NOT NULL CHECK (kind IN ('snapshot', 'goal')),
  recorded_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

CREATE INDEX idx_repo_events_newest ON repo_events (repo_id, kind, recorded_at);

-- The revision grows with every change of a repository's row and of its events, in the transaction that changes them. Times
-- alone would miss what has the same millisecond, and what comes late with an early time.
CREATE TRIGGER managed_repos_next_revision AFTER UPDATE OF slug, path, updated_at ON managed_repos
BEGIN
  UPDATE managed_repos SET revision = revision + 1 WHERE id = NEW.id;
END;

CREATE TRIGGER repo_events_inserted AFTER INSERT ON repo_events
BEGIN
  UPDATE managed_repos SET revision = revision + 1 WHERE id = NEW.repo_id;
END;

CREATE TRIGGER repo_events_updated AFTER UPDATE ON repo_events
BEGIN
  UPDATE managed_repos SET revision = revision + 1 WHERE id IN (OLD.repo_id, NEW.repo_id);
END;

CREATE TRIGGER repo_events_deleted AFTER DELETE ON repo_events
BEGIN
  UPDATE managed_repos SET revision = revision + 1 WHERE id = OLD.repo_id;
END;
