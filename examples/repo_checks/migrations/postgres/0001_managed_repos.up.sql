CREATE TABLE managed_repos (
  id         UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  slug       TEXT NOT NULL UNIQUE,
  path       TEXT NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  revision   BIGINT NOT NULL DEFAULT 0
);

-- Snapshots and goals of a repository. Their newest times are part of its fingerprint.
CREATE TABLE repo_events (
  id          UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  repo_id     UUID NOT NULL REFERENCES managed_repos (id) ON DELETE CASCADE,
  kind        TEXT NOT NULL CHECK (kind IN ('snapshot', 'goal')),
  recorded_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE INDEX idx_repo_events_newest ON repo_events (repo_id, kind, recorded_at);

-- The revision grows with every change of a repository's row and of its events, in the transaction that changes them. Times
-- alone would miss what has the same microsecond, and what commits late with an early time.
CREATE FUNCTION managed_repos_next_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.revision := OLD.revision + 1;
  RETURN NEW;
END
$$;

CREATE TRIGGER managed_repos_next_revision BEFORE UPDATE ON managed_repos
  FOR EACH ROW EXECUTE FUNCTION managed_repos_next_revision();

CREATE FUNCTION repo_events_next_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    UPDATE managed_repos SET revision = revision WHERE id = OLD.repo_id;
  END IF;
  IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.repo_id <> OLD.repo_id) THEN
    UPDATE managed_repos SET revision = revision WHERE id = NEW.repo_id;
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER repo_events_next_revision AFTER INSERT OR UPDATE OR DELETE ON repo_events
  FOR EACH ROW EXECUTE FUNCTION repo_events_next_revision();
