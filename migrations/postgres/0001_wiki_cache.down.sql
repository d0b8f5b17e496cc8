DROP TABLE wiki_cache;
