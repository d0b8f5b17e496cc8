-- A row that is published anew stays in its page of the table, and no index is touched, where that page has room for it (a HOT update).
-- Rows that are there keep their places until they are published again. A table that has a fillfactor already keeps it.
DO $$
DECLARE
  part REGCLASS;
BEGIN
  FOR part IN
    SELECT c.oid FROM pg_class AS c
    WHERE (c.oid = 'wiki_cache'::regclass OR c.oid IN (SELECT relid FROM pg_partition_tree('wiki_cache'::regclass)))
      AND c.relkind = 'r' AND NOT EXISTS (SELECT FROM unnest(c.reloptions) AS o (one) WHERE one LIKE 'fillfactor=%')
  LOOP
    EXECUTE format('ALTER TABLE %s SET (fillfactor = 85)', part);
  END LOOP;
EXCEPTION WHEN feature_not_supported OR syntax_error OR undefined_function OR invalid_parameter_value THEN
  RAISE NOTICE 'wiki_cache: no fillfactor on this server (%)', SQLERRM;
END
$$;
