#include <render_cache/sql/statements.hpp>

#include <render_cache/sql/dialect/postgres.hpp>
#include <render_cache/sql/dialect/sqlite.hpp>
#include <render_cache/wiki.hpp>

#include "support/all_kinds.hpp"
#include "support/catch.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sql_tests {

using namespace render_cache;

namespace {

const Table wiki = table_of<WikiSchema>();
const Sql<PostgresDialect> postgres(wiki);
const BatchSql<PostgresDialect> batch(wiki);
const Sql<SqliteDialect> sqlite(wiki);
const ReplaceSql<SqliteDialect> sqlite_over(wiki);
const ReplaceSql<PostgresDialect> postgres_over(wiki);

/// Not yet to come, but for a minute.
const std::string
    newer_than = R"(CASE WHEN t."rendered_at" >= )",
    newer = R"( THEN coalesce(CAST(round((julianday('now') - julianday(t."rendered_at")) * 86400000) AS INTEGER) * 1000 )"
            R"(>= -60000000, false) ELSE false END)";

}  // namespace

TEST_CASE("the wiki's statements for SQLite are these") {
  const std::string first_part_is = R"((t."source_hash" COLLATE BINARY = ?3 OR (t."source_hash" COLLATE BINARY > ?3 || '||' )"
                                    R"(AND t."source_hash" COLLATE BINARY < ?3 || '|}')))";
  CHECK(sqlite.lookup.text == R"(SELECT t."source_hash", t."rendered_at", CASE WHEN )" + first_part_is +
                                  R"( THEN t."rendered_html" END, )" + "CASE WHEN " + first_part_is +
                                  R"( THEN t."metadata" END FROM "wiki_cache" AS t )"
                                  R"(WHERE t."repo_alias" = ?1 AND t."page_path" = ?2)");
  CHECK(sqlite.publish.text ==
        R"(INSERT INTO "wiki_cache" AS t ("repo_alias", "page_path", "rendered_html", "metadata", "source_hash", "rendered_at") )"
        R"(VALUES (?1, ?2, ?3, ?4, ?5, strftime('%Y-%m-%dT%H:%M:%fZ','now')) ON CONFLICT ("repo_alias", "page_path") )"
        R"(DO UPDATE SET "rendered_html" = EXCLUDED."rendered_html", "metadata" = EXCLUDED."metadata", )"
        R"("source_hash" = EXCLUDED."source_hash", "rendered_at" = EXCLUDED."rendered_at")");
  CHECK(
      sqlite_over.insert_new.text ==
      R"(INSERT INTO "wiki_cache" AS t ("repo_alias", "page_path", "rendered_html", "metadata", "source_hash", "rendered_at") )"
      R"(VALUES (?1, ?2, ?3, ?4, ?5, strftime('%Y-%m-%dT%H:%M:%fZ','now')) ON CONFLICT ("repo_alias", "page_path") DO NOTHING)");
  CHECK(sqlite_over.replace.text ==
        R"(UPDATE "wiki_cache" AS t SET "rendered_html" = ?3, "metadata" = ?4, "source_hash" = ?5, )"
        R"("rendered_at" = strftime('%Y-%m-%dT%H:%M:%fZ','now') WHERE t."repo_alias" = ?1 AND t."page_path" = ?2 )"
        R"(AND CAST(coalesce(t."source_hash", '') AS text) = ?6)");
  CHECK(sqlite.erase.text == R"(DELETE FROM "wiki_cache" AS t WHERE t."repo_alias" = ?1 AND t."page_path" = ?2)");
  CHECK(sqlite.erase_group.text == R"(DELETE FROM "wiki_cache" AS t WHERE t."repo_alias" = ?1)");
  CHECK(sqlite.sweep_first.text == R"(SELECT t."repo_alias", t."page_path", )" + newer_than + "?1" + newer +
                                       R"( FROM "wiki_cache" AS t )"
                                       R"(ORDER BY t."repo_alias", t."page_path" LIMIT ?2)");
  CHECK(sqlite.sweep_next.text ==
        R"(SELECT t."repo_alias", t."page_path", )" + newer_than + "?3" + newer +
            R"( FROM "wiki_cache" AS t )"
            R"(WHERE (t."repo_alias", t."page_path") > (?1, ?2) ORDER BY t."repo_alias", t."page_path" LIMIT ?4)");
  CHECK(sqlite.erase_older.text == R"(DELETE FROM "wiki_cache" AS t WHERE t."repo_alias" = ?1 AND t."page_path" = ?2 )"
                                   R"(AND NOT )" +
                                       newer_than + "?3" + newer + R"()");
  CHECK(
      sqlite.groups_next.text ==
      R"(WITH RECURSIVE stored(g, n) AS (SELECT )"
      R"((SELECT t."repo_alias" FROM "wiki_cache" AS t WHERE t."repo_alias" > ?1 ORDER BY t."repo_alias" LIMIT 1), 1 UNION ALL SELECT )"
      R"((SELECT t."repo_alias" FROM "wiki_cache" AS t WHERE t."repo_alias" > s.g ORDER BY t."repo_alias" LIMIT 1), s.n + 1 )"
      R"(FROM stored AS s WHERE s.g IS NOT NULL AND s.n < ?2) SELECT s.g FROM stored AS s WHERE s.g IS NOT NULL)");
  CHECK(sqlite.sweep_group_first.text == R"(SELECT t."repo_alias", t."page_path", )" + newer_than + "?2" + newer +
                                             R"( FROM "wiki_cache" AS t )"
                                             R"(WHERE t."repo_alias" = ?1 ORDER BY t."repo_alias", t."page_path" LIMIT ?3)");
  const std::string bytes =
      R"(CASE WHEN ?4 = 1 THEN coalesce(length(CAST(t."repo_alias" AS BLOB)), 0) + )"
      R"(coalesce(length(CAST(t."page_path" AS BLOB)), 0) + coalesce(length(CAST(t."rendered_html" AS BLOB)), 0) + )"
      R"(coalesce(length(CAST(t."metadata" AS BLOB)), 0) + coalesce(length(CAST(t."source_hash" AS BLOB)), 0) + )"
      R"(coalesce(length(CAST(t."rendered_at" AS BLOB)), 0) ELSE 0 END)";
  CHECK(sqlite.survey_next.text == R"(SELECT t."repo_alias", t."page_path", )" + newer_than + "?3" + newer +
                                       R"(, t."rendered_at", )" + bytes +
                                       R"( FROM "wiki_cache" AS t WHERE (t."repo_alias", t."page_path") > (?1, ?2) )"
                                       R"(ORDER BY t."repo_alias", t."page_path" LIMIT ?5)");
  CHECK_THAT(sqlite.survey_first.text, ContainsSubstring("CASE WHEN ?2 = 1 THEN ") &&
                                           Catch::Matchers::EndsWith(R"(ORDER BY t."repo_alias", t."page_path" LIMIT ?3)"));
  CHECK(sqlite.sweep_group_next.text ==
        R"(SELECT t."repo_alias", t."page_path", )" + newer_than + "?3" + newer +
            R"( FROM "wiki_cache" AS t )"
            R"(WHERE t."repo_alias" = ?1 AND (t."page_path") > (?2) ORDER BY t."repo_alias", t."page_path" LIMIT ?4)");
}

TEST_CASE("the wiki's statements for PostgreSQL are these") {
  CHECK(postgres.lookup.text ==
        R"(SELECT t."source_hash", to_char(t."rendered_at" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), )"
        R"(CASE WHEN (t."source_hash" COLLATE "C" = $3::text OR (t."source_hash" COLLATE "C" > $3::text || '||' )"
        R"(AND t."source_hash" COLLATE "C" < $3::text || '|}')) THEN t."rendered_html" END, )"
        R"(CASE WHEN (t."source_hash" COLLATE "C" = $3::text OR (t."source_hash" COLLATE "C" > $3::text || '||' )"
        R"(AND t."source_hash" COLLATE "C" < $3::text || '|}')) THEN t."metadata" END FROM "wiki_cache" AS t )"
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
  CHECK(postgres_over.insert_new.text ==
        insert + R"(VALUES ($1, $2, $3, $4, $5, now()) ON CONFLICT ("repo_alias", "page_path") DO NOTHING)");
  CHECK(postgres_over.replace.text ==
        R"(UPDATE "wiki_cache" AS t SET )"
        R"("rendered_html" = CASE WHEN t."rendered_html" COLLATE "C" = (CASE WHEN false THEN t."rendered_html" ELSE $3 END) )"
        R"(COLLATE "C" THEN t."rendered_html" ELSE (CASE WHEN false THEN t."rendered_html" ELSE $3 END) END, )"
        R"("metadata" = CASE WHEN t."metadata"::text COLLATE "C" = (CASE WHEN false THEN t."metadata" ELSE $4 END)::text )"
        R"(COLLATE "C" THEN t."metadata" ELSE (CASE WHEN false THEN t."metadata" ELSE $4 END) END, )"
        R"("source_hash" = $5, "rendered_at" = now() WHERE t."repo_alias" = $1 AND t."page_path" = $2 )"
        R"(AND CAST(coalesce(t."source_hash", '') AS text) = $6)");
  CHECK(postgres.publish.text == insert + "VALUES ($1, $2, $3, $4, $5, now())" + update);
  CHECK(
      batch.publish_many.text ==
      insert +
          "SELECT q.c1, q.c2, q.c3, q.c4, q.c5, now() "
          "FROM unnest($1::text[], $2::text[], $3::text[], $4::json[], $5::text[]) WITH ORDINALITY AS q(c1, c2, c3, c4, c5, n)" +
          update);
  CHECK(batch.lookup_many.text ==
        R"(SELECT q.n, t."source_hash", to_char(t."rendered_at" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), )"
        R"(CASE WHEN (t."source_hash" COLLATE "C" = q.c3::text OR (t."source_hash" COLLATE "C" > q.c3::text || '||' )"
        R"(AND t."source_hash" COLLATE "C" < q.c3::text || '|}')) THEN t."rendered_html" END, )"
        R"(CASE WHEN (t."source_hash" COLLATE "C" = q.c3::text OR (t."source_hash" COLLATE "C" > q.c3::text || '||' )"
        R"(AND t."source_hash" COLLATE "C" < q.c3::text || '|}')) THEN t."metadata" END )"
        R"(FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS q(c1, c2, c3, n) )"
        R"(JOIN "wiki_cache" AS t ON t."repo_alias" = q.c1 AND t."page_path" = q.c2)");
  CHECK(
      batch.erase_older.text ==
      R"(DELETE FROM "wiki_cache" AS t USING unnest($1::text[], $2::text[]) WITH ORDINALITY AS q(c1, c2, n) )"
      R"(WHERE t."repo_alias" = q.c1 AND t."page_path" = q.c2 AND NOT CASE WHEN t."rendered_at" >= $3::timestamptz THEN coalesce()" +
          PostgresDialect::age(R"(t."rendered_at")") + " >= -60000000, false) ELSE false END");
}

TEST_CASE("a second timestamp is set by every publish") {
  const std::string publish = Sql<PostgresDialect>(table_of<test::AllKindsSchema>()).publish.text;
  CHECK(publish.find(R"($20, now(), now()) ON CONFLICT)") != publish.npos);
  CHECK(publish.ends_with(R"("checked_at" = EXCLUDED."checked_at", "updated_at" = EXCLUDED."updated_at")"));
}

TEST_CASE("a query of live groups is read as it is, but for a semicolon at its end, and its type is the groups'") {
  const auto sql = [](std::string_view query) { return live_groups_sql<PostgresDialect>(wiki, query, 7); };
  CHECK(sql("SELECT '$1' FROM repos;\n") ==
        R"(SELECT live.g FROM (SELECT t."repo_alias" AS g FROM "wiki_cache" AS t WHERE 1 = 0 UNION ALL SELECT * FROM ()"
        "\nSELECT '$1' FROM repos\n) AS named) AS live WHERE live.g IS NOT NULL LIMIT 7");
  CHECK_THAT(sql("SELECT alias FROM repos -- all"), ContainsSubstring("FROM (\nSELECT alias FROM repos -- all\n) AS named)"));
}

TEST_CASE("where the key is the group, a group has one key") {
  Table table = wiki;
  table.keys.resize(1);
  CHECK_THAT(Sql<SqliteDialect>(table).sweep_group_next.text,
             ContainsSubstring(R"(WHERE t."repo_alias" = ?1 AND 1 = 0 ORDER BY)"));
}

namespace {

/// Parameters without numbers, as in MariaDB, and names that are quoted otherwise.
struct Unnumbered : SqliteDialect {
  static constexpr char quote = '`';
  static constexpr bool numbered_parameters = false;
  static std::string parameter(std::size_t) { return "?"; }
};

}  // namespace

TEST_CASE("where parameters have no numbers, each is told which argument it takes") {
  const Sql<Unnumbered> unnumbered(wiki);
  CHECK_THAT(unnumbered.lookup.text, Catch::Matchers::StartsWith("SELECT t.`source_hash`, t.`rendered_at`, CASE WHEN "
                                                                 "(t.`source_hash` COLLATE BINARY = ? OR "));
  CHECK(unnumbered.lookup.order == std::vector<std::size_t>{2, 2, 2, 2, 2, 2, 0, 1});
  CHECK(unnumbered.sweep_next.order == std::vector<std::size_t>{2, 0, 1, 3});
  CHECK(unnumbered.sweep_group_next.order == std::vector<std::size_t>{2, 0, 1, 3});
  CHECK(sqlite.lookup.order.empty());
}

TEST_CASE("a dollar sign without a number is no parameter") {
  const auto made = detail::statement<Unnumbered>("SELECT '$', '$[*]', $12, '$");
  CHECK(made.text == "SELECT '$', '$[*]', ?, '$");
  CHECK(made.order == std::vector<std::size_t>{11});
}

}  // namespace sql_tests
