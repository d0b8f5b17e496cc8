#include <render_cache/sql/table_check.hpp>

#include <render_cache/store/sqlite/connection.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "support/all_kinds.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <chrono>
#include <string>

using namespace render_cache;

namespace {

/// What the check says of a table; empty when it fits.
template <Schema S>
std::string complaint(const std::string& create_table) {
  const test::TemporaryDirectory directory;
  SqliteConnection connection(directory / "file.db", SqliteConnection::Access::write, std::chrono::seconds(1));
  connection.run_script(create_table);
  try {
    check_table<S>(connection);
  } catch (const SchemaMismatch& mismatch) {
    return mismatch.what();
  }
  return {};
}

}  // namespace

TEST_CASE("the migrated table is what its schema says") {
  CHECK(complaint<WikiSchema>(wiki_migrations<SqliteDialect>().at(0).up) == "");
  CHECK(complaint<test::AllKindsSchema>(test::all_kinds_sqlite) == "");
}

TEST_CASE("a table may have more columns, if a row can be inserted without them") {
  const std::string start =
                        "CREATE TABLE wiki_cache (repo_alias TEXT, page_path TEXT, source_hash TEXT, rendered_at TEXT, "
                        "metadata TEXT, rendered_html TEXT, ",
                    end = ", UNIQUE (page_path, repo_alias))";
  CHECK(complaint<WikiSchema>(start + "id INTEGER PRIMARY KEY, note TEXT NOT NULL DEFAULT 'x', views INTEGER" + end) == "");
  CHECK_THAT(complaint<WikiSchema>(start + "note TEXT NOT NULL" + end),
             ContainsSubstring("'note' is not in the schema, NOT NULL"));
}

TEST_CASE("every column that differs is named") {
  const auto text = complaint<WikiSchema>(
      "CREATE TABLE wiki_cache (repo_alias TEXT, page_path BLOB, rendered_html INTEGER, rendered_at TEXT, metadata TEXT)");
  CHECK_THAT(text, ContainsSubstring("'page_path' is BLOB where TEXT is needed"));
  CHECK_THAT(text, ContainsSubstring("'rendered_html' is INTEGER where TEXT is needed"));
  CHECK_THAT(text, ContainsSubstring("'source_hash' is missing (TEXT)"));
  CHECK_THAT(text, ContainsSubstring("unique constraint on exactly (repo_alias, page_path)"));
}

TEST_CASE("a missing table is told as such") {
  CHECK_THAT(complaint<WikiSchema>("CREATE TABLE other (a)"), ContainsSubstring("there is no table 'wiki_cache'"));
}

TEST_CASE("an optional member needs a column that may be null") {
  std::string table = test::all_kinds_sqlite;
  table.replace(table.find("maybe_uuid TEXT"), 15, "maybe_uuid TEXT NOT NULL");
  CHECK_THAT(complaint<test::AllKindsSchema>(table),
             ContainsSubstring("'maybe_uuid' is NOT NULL, and its member is a std::optional"));
}

TEST_CASE("a unique index on more columns, on fewer or on some rows only is none on the key") {
  const std::string table =
      "CREATE TABLE wiki_cache (repo_alias TEXT, page_path TEXT, source_hash TEXT, rendered_at TEXT, "
      "metadata TEXT, rendered_html TEXT);";
  CHECK(complaint<WikiSchema>(table + "CREATE UNIQUE INDEX i ON wiki_cache (repo_alias, page_path)") == "");
  CHECK_THAT(complaint<WikiSchema>(table + "CREATE UNIQUE INDEX i ON wiki_cache (repo_alias, page_path, source_hash)"),
             ContainsSubstring("no primary key or unique constraint"));
  CHECK_THAT(complaint<WikiSchema>(table + "CREATE UNIQUE INDEX i ON wiki_cache (repo_alias); "
                                           "CREATE UNIQUE INDEX j ON wiki_cache (page_path)"),
             ContainsSubstring("no primary key or unique constraint"));
  CHECK_THAT(complaint<WikiSchema>(table + "CREATE UNIQUE INDEX i ON wiki_cache (repo_alias, page_path) WHERE metadata IS NULL"),
             ContainsSubstring("no primary key or unique constraint"));
}

TEST_CASE("a key's collation must tell apart what differs") {
  const auto table = [](const std::string& group, const std::string& path) {
    return "CREATE TABLE wiki_cache (repo_alias " + group + ", page_path " + path +
           ", source_hash TEXT COLLATE NOCASE, rendered_at TEXT, metadata TEXT, rendered_html TEXT, "
           "PRIMARY KEY (repo_alias, page_path));";
  };
  CHECK(complaint<WikiSchema>(table("TEXT", "TEXT")) == "");
  const std::string words = " has a collation that takes texts for the same that differ";
  CHECK_THAT(complaint<WikiSchema>(table("TEXT COLLATE NOCASE", "TEXT")), ContainsSubstring("'repo_alias'" + words));
  CHECK_THAT(complaint<WikiSchema>(table("TEXT", "TEXT COLLATE RTRIM")), ContainsSubstring("'page_path'" + words));
  // The column's own collation is asked, not that of its rows or of the index.
  CHECK_THAT(complaint<WikiSchema>(table("TEXT", "TEXT COLLATE NOCASE") + "INSERT INTO wiki_cache (repo_alias) VALUES ('a')"),
             ContainsSubstring("'page_path'" + words));
}
