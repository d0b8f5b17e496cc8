-- One table again, with all that the partitions hold.

LOCK TABLE wiki_cache IN SHARE ROW EXCLUSIVE MODE;

DO $$
DECLARE
  old     pg_class;
  options TEXT;
  granted RECORD;
BEGIN
  SELECT * INTO STRICT old FROM pg_class WHERE oid = 'wiki_cache'::regclass;
  IF old.relnamespace <> current_schema::regnamespace THEN
    RAISE 'the schema of wiki_cache must be the first one of search_path';
  END IF;
  IF old.relkind <> 'p' OR old.relrowsecurity OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = old.oid)
     OR EXISTS (SELECT FROM pg_rewrite WHERE ev_class = old.oid) THEN
    RAISE 'wiki_cache has no partitions, or has triggers, foreign keys, rules or policies, which would be lost';
  END IF;
  SELECT string_agg(one, ', ') INTO options FROM (
    SELECT unnest(reloptions) FROM pg_class WHERE oid = 'wiki_cache_0'::regclass
    UNION ALL SELECT 'toast.' || unnest(t.reloptions) FROM pg_class AS t JOIN pg_class AS p ON p.reltoastrelid = t.oid
    WHERE p.oid = 'wiki_cache_0'::regclass) AS o (one);

  CREATE TABLE wiki_cache_plain (LIKE wiki_cache INCLUDING ALL);
  EXECUTE format('ALTER TABLE wiki_cache_plain OWNER TO %I', pg_get_userbyid(old.relowner));
  FOR granted IN SELECT * FROM aclexplode(old.relacl) LOOP
    EXECUTE format('GRANT %s ON wiki_cache_plain TO %s %s', granted.privilege_type,
      CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END,
      CASE WHEN granted.is_grantable THEN 'WITH GRANT OPTION' END);
  END LOOP;
  IF options IS NOT NULL THEN EXECUTE format('ALTER TABLE wiki_cache_plain SET (%s)', options); END IF;
END
$$;

INSERT INTO wiki_cache_plain SELECT * FROM wiki_cache;
DROP TABLE wiki_cache;
ALTER TABLE wiki_cache_plain RENAME TO wiki_cache;
ALTER INDEX IF EXISTS wiki_cache_plain_pkey RENAME TO wiki_cache_pkey;
ALTER INDEX IF EXISTS wiki_cache_plain_repo_alias_idx RENAME TO idx_wiki_cache_repo;
ANALYZE wiki_cache;
