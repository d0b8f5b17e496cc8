-- A result that is stored anew stays in its page of the table, and no index is touched, where that page has room for it (a HOT update).
ALTER TABLE doi_cache SET (fillfactor = 85);
