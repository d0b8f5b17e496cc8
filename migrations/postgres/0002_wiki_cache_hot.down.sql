DO $$
DECLARE
  part REGCLASS;
BEGIN
  FOR part IN
    SELECT c.oid FROM pg_class AS c
    WHERE (c.oid = 'wiki_cache'::regclass OR c.oid IN (SELECT relid FROM pg_partition_tree('wiki_cache'::regclass)))
      AND 'fillfactor=85' = ANY (c.reloptions)
  LOOP
    EXECUTE format('ALTER TABLE %s RESET (fillfactor)', part);
  END LOOP;
EXCEPTION WHEN feature_not_supported OR syntax_error OR undefined_function THEN
  RAISE NOTICE 'wiki_cache: no fillfactor on this server (%)', SQLERRM;
END
$$;
