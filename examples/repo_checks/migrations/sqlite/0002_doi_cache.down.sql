DROP TABLE doi_cache;
