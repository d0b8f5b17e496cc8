#include <render_cache/sql/create_table.hpp>

#include <render_cache/sql/dialect/postgres.hpp>
#include <render_cache/sql/migrate.hpp>
#include <render_cache/store/sqlite.hpp>
#include <render_cache/wiki.hpp>

#include "support/all_kinds.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <chrono>

namespace create_table_tests {

using namespace render_cache;

TEST_CASE("the table that is made of a schema is the one that its stores ask for, and goes again") {
  const test::TemporaryDirectory directory;
  SqliteConnection connection(directory / "file.db", SqliteConnection::Access::write, std::chrono::seconds(1));
  Migrator migrator(connection,
                    {create_table<WikiSchema, SqliteDialect>(), create_table<test::AllKindsSchema, SqliteDialect>(2)});
  CHECK(migrator.up() == 2);
  check_table<WikiSchema>(connection);
  check_table<test::AllKindsSchema>(connection);
  CHECK(migrator.down(0) == 2);
  CHECK_THROWS_AS(check_table<WikiSchema>(connection), SchemaMismatch);
}

TEST_CASE("what is no JSON is refused by the table that is made of a schema, and nothing is where nothing may be") {
  const test::TemporaryDirectory directory;
  SqliteStore<test::AllKindsSchema> store(
      {.path = directory / "file.db", .migrations = {create_table<test::AllKindsSchema, SqliteDialect>()}});
  const auto entry = [](Json json) {
    test::AllKinds value{};
    value.json = std::move(json);
    return std::make_shared<const Entry<test::AllKinds>>(Entry<test::AllKinds>{value, Fingerprint().add("source", 1)});
  };
  const test::AllKindsKey key{1, {}, "name", false};
  CHECK_THROWS_AS(store.publish(key, entry({"{"})), InvalidValue);
  store.publish(key, entry({"{}"}));
  CHECK(store.lookup(key, Fingerprint().add("source", 1)).entry->value == entry({"{}"})->value);
}

// The texts are what histories of databases hold checksums of: a change of them stops every program that has used them.
TEST_CASE("the scripts that are made of a schema never change") {
  const auto sqlite = create_table<WikiSchema, SqliteDialect>();
  CHECK(sqlite.version == 1);
  CHECK(sqlite.name == "wiki_cache");
  CHECK(sqlite.up == R"sql(CREATE TABLE "wiki_cache" (
  "repo_alias" TEXT NOT NULL,
  "page_path" TEXT NOT NULL,
  "source_hash" TEXT NOT NULL,
  "rendered_at" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  "rendered_html" TEXT NOT NULL,
  "metadata" TEXT NOT NULL CHECK (json_valid("metadata")),
  PRIMARY KEY ("repo_alias", "page_path")
) STRICT;
)sql");
  CHECK(sqlite.down == "DROP TABLE \"wiki_cache\";\n");
  CHECK(create_table<test::AllKindsSchema, PostgresDialect>(7).up == R"sql(CREATE TABLE "all_kinds" (
  "tenant" integer NOT NULL,
  "id" uuid NOT NULL,
  "name" text NOT NULL,
  "draft" boolean NOT NULL,
  "fingerprint" text NOT NULL,
  "checked_at" timestamp with time zone NOT NULL DEFAULT (now()),
  "updated_at" timestamp with time zone NOT NULL DEFAULT (now()),
  "text" text NOT NULL,
  "maybe_text" text,
  "small_number" smallint NOT NULL,
  "number" bigint NOT NULL,
  "maybe_number" integer,
  "flag" boolean NOT NULL,
  "maybe_flag" boolean,
  "real" double precision NOT NULL,
  "maybe_real" double precision,
  "uuid" uuid NOT NULL,
  "maybe_uuid" uuid,
  "time" timestamp with time zone NOT NULL,
  "maybe_time" timestamp with time zone,
  "json" jsonb NOT NULL,
  "maybe_json" jsonb,
  PRIMARY KEY ("tenant", "id", "name", "draft")
);
)sql");
}

}  // namespace create_table_tests
