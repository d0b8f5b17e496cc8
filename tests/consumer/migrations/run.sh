# render_cache_embed_migrations(), from an installed library: what is built in follows the files, and a mistake in them is said.
here=$(dirname "$0")
export CMAKE_PREFIX_PATH=$prefix
rm -rf migrations
cp -r "$here" migrations
cmake -S migrations -B migrations/build
cmake --build migrations/build
scripts=migrations/migrations/sqlite
migrations/build/my_server $scripts
echo "DROP INDEX notes_by_text;" >$scripts/9_index.down.sql
echo "ALTER TABLE notes ADD COLUMN written_at TEXT;" >$scripts/0011_time.up.sql
cmake --build migrations/build
migrations/build/my_server $scripts

# refused WORDS: with the scripts as they are now, configuring fails with these words.
refused() {
  if cmake -S migrations -B migrations/build >migrations/log 2>&1; then
    echo "this is taken, and should not be: $1"
    exit 1
  fi
  tr -s ' \n' ' ' <migrations/log | grep -qF "$1" || { cat migrations/log; echo "This does not say: $1"; exit 1; }
}
cp $scripts/0011_time.up.sql $scripts/11_time.up.sql
refused "version 11 is there twice"
mv $scripts/11_time.up.sql $scripts/time.up.sql
refused "time.up.sql is not named like 0001_name.up.sql or 0001_name.down.sql"
mv $scripts/time.up.sql $scripts/0012_time.down.sql
refused "0012_time.up.sql is missing"
echo 'SELECT 1 AS "a)sql";' >$scripts/0012_time.up.sql
refused '0012_time.up.sql has )sql" in it'
rm $scripts/*
refused "there are no migrations in"
