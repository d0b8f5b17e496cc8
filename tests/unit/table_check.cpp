#include <render_cache/sql/table_check.hpp>

#include <render_cache/store/sqlite/connection.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "support/all_kinds.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <boost/hana/define_struct.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace table_check_tests {

using namespace render_cache;

namespace one_column {

struct OneKey {
  BOOST_HANA_DEFINE_STRUCT(OneKey, (Bytes, digest));
  friend bool operator==(const OneKey&, const OneKey&) = default;
};
struct OneValue {
  BOOST_HANA_DEFINE_STRUCT(OneValue, (int, number));
  friend bool operator==(const OneValue&, const OneValue&) = default;
};
struct OneSchema {
  using key_type = OneKey;
  using value_type = OneValue;
  static constexpr std::string_view table = "one", fingerprint_column = "hash", rendered_at_column = "at";
};

}  // namespace one_column

namespace {

/// What the check says of a table; empty when it fits.
template <Schema S, class Connection = SqliteConnection>
std::string complaint(const std::string& create_table) {
  const test::TemporaryDirectory directory;
  Connection connection(directory / "file.db", SqliteConnection::Access::write, std::chrono::seconds(1));
  connection.run_script(create_table);
  try {
    check_table<S>(connection);
  } catch (const SchemaMismatch& mismatch) {
    return mismatch.what();
  }
  return {};
}

/// A database whose encoding has no letter beyond ASCII.
struct WithoutAccents : SqliteConnection {
  using SqliteConnection::SqliteConnection;
  Rows query(const std::string& sql, const std::vector<std::string>& parameters) {
    if (sql.find_first_of("\xc3\xcc") != sql.npos) throw InvalidValue("no such letter");
    return SqliteConnection::query(sql, parameters);
  }
};
/// One that cannot even hold those.
struct WithoutLetters : SqliteConnection {
  using SqliteConnection::SqliteConnection;
  static inline int asked = 0;
  Rows query(const std::string& sql, const std::vector<std::string>& parameters) {
    if (sql.find("UNION ALL") != sql.npos && ++asked > 0 && sql.find("'a'") != sql.npos) throw InvalidValue("no such letter");
    return SqliteConnection::query(sql, parameters);
  }
};

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
  CHECK(text ==
        "table 'wiki_cache' is not what its schema says: column 'page_path' is BLOB where TEXT is needed; "
        "column 'rendered_html' is INTEGER where TEXT is needed; column 'source_hash' is missing (TEXT); "
        "no primary key or unique constraint on exactly (repo_alias, page_path)");
  CHECK_THAT(complaint<WikiSchema>("CREATE TABLE wiki_cache (repo_alias TEXT, page_path TEXT, source_hash INTEGER, "
                                   "rendered_at TEXT, metadata TEXT, rendered_html TEXT)"),
             ContainsSubstring("'source_hash' is INTEGER where TEXT is needed, or for 65535 bytes; no primary key"));
}

TEST_CASE("SQLite's types are what SQLite makes of them") {
  const auto fits = [](const Column& column, const std::string& type) { return SqliteDialect::type_fits(column, type); };
  for (const std::string type : {"INTEGER", "int", "tinyint(1)", "FLOATING POINT"}) {
    INFO(type);
    CHECK(fits({.name = "c", .kind = Kind::integer}, type));
    CHECK(fits({.name = "c", .kind = Kind::boolean}, type));
    CHECK_FALSE(fits({.name = "c", .kind = Kind::text}, type));
  }
  for (const std::string type : {"TEXT", "varchar(20)", "Clob", "json text"}) {
    INFO(type);
    CHECK(fits({.name = "c", .kind = Kind::text}, type));
    CHECK(fits({.name = "c", .kind = Kind::boolean, .list = true}, type));
    CHECK_FALSE(fits({.name = "c", .kind = Kind::bytes}, type));
  }
  for (const std::string type : {"REAL", "float", "double precision"}) {
    INFO(type);
    CHECK(fits({.name = "c", .kind = Kind::real}, type));
    CHECK_FALSE(fits({.name = "c", .kind = Kind::boolean}, type));
  }
  for (const std::string type : {"BLOB", ""}) CHECK(fits({.name = "c", .kind = Kind::bytes}, type));
  for (const std::string type : {"BOOLEAN", "numeric", "STRING"}) {
    INFO(type);
    CHECK(fits({.name = "c", .kind = Kind::boolean}, type));
    CHECK_FALSE(fits({.name = "c", .kind = Kind::boolean, .list = true}, type));
    CHECK_FALSE(fits({.name = "c", .kind = Kind::integer}, type));
    CHECK_FALSE(fits({.name = "c", .kind = Kind::real}, type));
    CHECK_FALSE(fits({.name = "c", .kind = Kind::text}, type));
  }
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
           ", source_hash TEXT COLLATE NOCASE, rendered_at TEXT, metadata TEXT, rendered_html TEXT COLLATE NOCASE, "
           "PRIMARY KEY (repo_alias, page_path));";
  };
  CHECK(complaint<WikiSchema>(table("TEXT", "TEXT")) == "");
  const std::string words = " has a collation that takes texts for the same that differ";
  CHECK_THAT(complaint<WikiSchema>(table("TEXT COLLATE NOCASE", "TEXT")), ContainsSubstring("'repo_alias'" + words));
  CHECK_THAT(complaint<WikiSchema>(table("TEXT", "TEXT COLLATE RTRIM")), ContainsSubstring("'page_path'" + words));
  // The column's own collation is asked, not that of its rows or of the index.
  CHECK_THAT(complaint<WikiSchema>(table("TEXT", "TEXT COLLATE NOCASE") + "INSERT INTO wiki_cache (repo_alias) VALUES ('a')"),
             ContainsSubstring("'page_path'" + words));

  CHECK(complaint<WikiSchema, WithoutAccents>(table("TEXT", "TEXT")) == "");
  CHECK_THAT((complaint<WikiSchema, WithoutAccents>(table("TEXT COLLATE NOCASE", "TEXT"))),
             ContainsSubstring("'repo_alias'" + words));
  WithoutLetters::asked = 0;
  CHECK_THROWS_AS((complaint<WikiSchema, WithoutLetters>(table("TEXT", "TEXT"))), InvalidValue);
  CHECK(WithoutLetters::asked == 3);
}

TEST_CASE("a key of one column, which is no text, has no collation, and a number of a wrong type no limit") {
  const std::string rest = ", number INTEGER, hash TEXT, at TEXT)";
  CHECK(complaint<one_column::OneSchema>("CREATE TABLE one (digest BLOB COLLATE NOCASE PRIMARY KEY" + rest) == "");
  CHECK_THAT(complaint<one_column::OneSchema>("CREATE TABLE one (digest BLOB, number INTEGER UNIQUE, hash TEXT, at TEXT)"),
             ContainsSubstring("no primary key or unique constraint on exactly (digest)"));
  CHECK_THAT(complaint<one_column::OneSchema>("CREATE TABLE one (digest BLOB PRIMARY KEY, number TEXT, hash TEXT, at TEXT)"),
             ContainsSubstring("'number' is TEXT where INTEGER is needed") && !ContainsSubstring("bytes"));
}

}  // namespace table_check_tests
