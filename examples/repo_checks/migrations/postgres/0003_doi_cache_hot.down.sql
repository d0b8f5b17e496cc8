ALTER TABLE doi_cache RESET (fillfactor);
