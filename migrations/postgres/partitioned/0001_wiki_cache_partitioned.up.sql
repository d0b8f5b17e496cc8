-- wiki_cache in 16 partitions by a hash of its repository: an option, with a history of its own (docs/postgres.md). Columns, rows,
-- indexes, rights and settings stay what they are.

-- Look-ups go on until the copy is whole, and publishes wait for it.
LOCK TABLE wiki_cache IN SHARE ROW EXCLUSIVE MODE;

DO $$
DECLARE
  parts   CONSTANT INTEGER := 16;
  old     pg_class;
  options TEXT;
  made    TEXT;
  granted RECORD;
BEGIN
  SELECT * INTO STRICT old FROM pg_class WHERE oid = 'wiki_cache'::regclass;
  IF old.relnamespace <> current_schema::regnamespace THEN
    RAISE 'the schema of wiki_cache must be the first one of search_path';
  END IF;
  IF old.relkind <> 'r' OR old.relrowsecurity OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = old.oid)
     OR EXISTS (SELECT FROM pg_rewrite WHERE ev_class = old.oid) THEN
    RAISE 'wiki_cache is no plain table, or has triggers, foreign keys, rules or policies, which would be lost';
  END IF;
  SELECT string_agg(one, ', ') INTO options FROM (
    SELECT unnest(old.reloptions)
    UNION ALL SELECT 'toast.' || unnest(reloptions) FROM pg_class WHERE oid = old.reltoastrelid) AS o (one);

  CREATE TABLE wiki_cache_partitioned (LIKE wiki_cache INCLUDING ALL) PARTITION BY HASH (repo_alias);
  EXECUTE format('ALTER TABLE wiki_cache_partitioned OWNER TO %I', pg_get_userbyid(old.relowner));
  FOR granted IN SELECT * FROM aclexplode(old.relacl) LOOP
    EXECUTE format('GRANT %s ON wiki_cache_partitioned TO %s %s', granted.privilege_type,
      CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END,
      CASE WHEN granted.is_grantable THEN 'WITH GRANT OPTION' END);
  END LOOP;
  FOR part IN 0..parts - 1 LOOP
    made := 'wiki_cache_' || part;
    EXECUTE format('CREATE TABLE %I PARTITION OF wiki_cache_partitioned FOR VALUES WITH (MODULUS %s, REMAINDER %s)', made, parts, part);
    EXECUTE format('ALTER TABLE %I OWNER TO %I', made, pg_get_userbyid(old.relowner));
    IF options IS NOT NULL THEN EXECUTE format('ALTER TABLE %I SET (%s)', made, options); END IF;
  END LOOP;
END
$$;

INSERT INTO wiki_cache_partitioned SELECT * FROM wiki_cache;
DROP TABLE wiki_cache;
ALTER TABLE wiki_cache_partitioned RENAME TO wiki_cache;
ALTER INDEX IF EXISTS wiki_cache_partitioned_pkey RENAME TO wiki_cache_pkey;
ALTER INDEX IF EXISTS wiki_cache_partitioned_repo_alias_idx RENAME TO idx_wiki_cache_repo;
-- Autovacuum analyses partitions, and never the whole.
ANALYZE wiki_cache;
