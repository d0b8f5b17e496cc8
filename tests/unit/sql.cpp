#include <render_cache/sql/statements.hpp>

#include <render_cache/wiki.hpp>

#include "support/all_kinds.hpp"
#include "support/catch.hpp"

#include <string>
#include <string_view>

using namespace render_cache;

namespace {

using Postgres = Sql<WikiSchema, Dialect::postgres>;
using Sqlite = Sql<WikiSchema, Dialect::sqlite>;
using Batch = BatchSql<WikiSchema>;

}  // namespace

TEST_CASE("the wiki's statements for SQLite are these") {
  CHECK(Sqlite::lookup ==
        R"(SELECT t."source_hash", t."rendered_at", CASE WHEN t."source_hash" = ?3 THEN t."rendered_html" END, )"
        R"(CASE WHEN t."source_hash" = ?3 THEN t."metadata" END FROM "wiki_cache" AS t )"
        R"(WHERE t."repo_alias" = ?1 AND t."page_path" = ?2)");
  CHECK(Sqlite::publish ==
        R"(INSERT INTO "wiki_cache" AS t ("repo_alias", "page_path", "rendered_html", "metadata", "source_hash", "rendered_at") )"
        R"(VALUES (?1, ?2, ?3, ?4, ?5, strftime('%Y-%m-%dT%H:%M:%fZ','now')) ON CONFLICT ("repo_alias", "page_path") )"
        R"(DO UPDATE SET "rendered_html" = EXCLUDED."rendered_html", "metadata" = EXCLUDED."metadata", )"
        R"("source_hash" = EXCLUDED."source_hash", "rendered_at" = EXCLUDED."rendered_at")");
  CHECK(Sqlite::erase == R"(DELETE FROM "wiki_cache" AS t WHERE t."repo_alias" = ?1 AND t."page_path" = ?2)");
  CHECK(Sqlite::erase_group == R"(DELETE FROM "wiki_cache" AS t WHERE t."repo_alias" = ?1)");
  CHECK(Sqlite::sweep_first ==
        R"(SELECT t."repo_alias", t."page_path", coalesce(t."rendered_at" >= ?1, false) FROM "wiki_cache" AS t )"
        R"(ORDER BY t."repo_alias", t."page_path" LIMIT ?2)");
  CHECK(Sqlite::sweep_next ==
        R"(SELECT t."repo_alias", t."page_path", coalesce(t."rendered_at" >= ?3, false) FROM "wiki_cache" AS t )"
        R"(WHERE (t."repo_alias", t."page_path") > (?1, ?2) ORDER BY t."repo_alias", t."page_path" LIMIT ?4)");
  CHECK(Sqlite::erase_older == R"(DELETE FROM "wiki_cache" AS t WHERE t."repo_alias" = ?1 AND t."page_path" = ?2 )"
                               R"(AND NOT coalesce(t."rendered_at" >= ?3, false))");
}

TEST_CASE("the wiki's statements for PostgreSQL are these") {
  CHECK(Postgres::lookup ==
        R"(SELECT t."source_hash", to_char(t."rendered_at" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), )"
        R"(CASE WHEN t."source_hash" = $3 THEN t."rendered_html" END, )"
        R"(CASE WHEN t."source_hash" = $3 THEN t."metadata" END FROM "wiki_cache" AS t )"
        R"(WHERE t."repo_alias" = $1 AND t."page_path" = $2)");
  const std::string update =
      R"( ON CONFLICT ("repo_alias", "page_path") DO UPDATE SET )"
      R"("rendered_html" = CASE WHEN t."rendered_html" COLLATE "C" = EXCLUDED."rendered_html" COLLATE "C" )"
      R"(THEN t."rendered_html" ELSE EXCLUDED."rendered_html" END, )"
      R"("metadata" = CASE WHEN t."metadata"::text COLLATE "C" = EXCLUDED."metadata"::text COLLATE "C" )"
      R"(THEN t."metadata" ELSE EXCLUDED."metadata" END, )"
      R"("source_hash" = EXCLUDED."source_hash", "rendered_at" = EXCLUDED."rendered_at")";
  const std::string insert =
      R"(INSERT INTO "wiki_cache" AS t ("repo_alias", "page_path", "rendered_html", "metadata", "source_hash", "rendered_at") )";
  CHECK(Postgres::publish == insert + "VALUES ($1, $2, $3, $4, $5, now())" + update);
  CHECK(Batch::publish_many ==
        insert +
            "SELECT q.c1, q.c2, q.c3, q.c4, q.c5, now() "
            "FROM unnest($1::text[], $2::text[], $3::text[], $4::json[], $5::text[]) AS q(c1, c2, c3, c4, c5)" +
            update);
  CHECK(Batch::lookup_many ==
        R"(SELECT q.n, t."source_hash", to_char(t."rendered_at" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), )"
        R"(CASE WHEN t."source_hash" = q.c3 THEN t."rendered_html" END, )"
        R"(CASE WHEN t."source_hash" = q.c3 THEN t."metadata" END )"
        R"(FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS q(c1, c2, c3, n) )"
        R"(JOIN "wiki_cache" AS t ON t."repo_alias" = q.c1 AND t."page_path" = q.c2)");
  CHECK(Batch::erase_older ==
        R"(DELETE FROM "wiki_cache" AS t USING unnest($1::text[], $2::text[]) AS q(c1, c2) )"
        R"(WHERE t."repo_alias" = q.c1 AND t."page_path" = q.c2 AND NOT coalesce(t."rendered_at" >= $3::timestamptz, false))");
}

TEST_CASE("a statement's text ends with a NUL, for C") { CHECK(Sqlite::lookup.data()[Sqlite::lookup.size()] == '\0'); }

TEST_CASE("a second timestamp is set by every publish") {
  const std::string_view publish = Sql<test::AllKindsSchema, Dialect::postgres>::publish;
  CHECK(publish.find(R"($20, now(), now()) ON CONFLICT)") != publish.npos);
  CHECK(publish.ends_with(R"("checked_at" = EXCLUDED."checked_at", "updated_at" = EXCLUDED."updated_at")"));
}

TEST_CASE("a query of live groups may end in a comment or a semicolon") {
  using Groups = GroupSweepSql<WikiSchema, Dialect::sqlite>;
  CHECK_THAT(Groups::erase("SELECT alias FROM repos;\n"),
             Catch::Matchers::StartsWith("WITH render_cache_named(g) AS (\nSELECT alias FROM repos\n)"));
  CHECK_THAT(Groups::survey("SELECT alias FROM repos -- all"),
             Catch::Matchers::StartsWith("WITH render_cache_named(g) AS (\nSELECT alias FROM repos -- all\n)"));
}
