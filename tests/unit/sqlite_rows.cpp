#include <render_cache/store/sqlite.hpp>

#include "support/all_kinds.hpp"
#include "support/catch.hpp"
#include "support/sqlite_wiki.hpp"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace sqlite_rows_tests {

using namespace render_cache;
using namespace render_cache::test;
using namespace std::chrono;

namespace {

struct Checked : AllKindsSchema {
  static void validate(const AllKinds& value) {
    if (value.json.text == "[]") throw std::runtime_error("the list of criteria is empty");
  }
};

struct AllKindsFile {
  TemporaryDirectory directory{};
  SqliteStore<Checked> store{
      {.path = directory / "all.db", .migrations = {{1, "all_kinds", all_kinds_sqlite, "DROP TABLE all_kinds"}}}};

  void outside(const std::string& sql) const {
    SqliteConnection(directory / "all.db", SqliteConnection::Access::write, seconds(5)).run_script(sql);
  }
};

const AllKindsKey key{-7, {{1, 2, 3}}, "the \xf0\x9f\xa6\x80 name", true};

AllKinds plain() {
  AllKinds value{};
  value.text = "text";
  value.json = {"{}"};
  return value;
}

EntryPtr<AllKinds> entry(AllKinds value, int number = 1) {
  return std::make_shared<const Entry<AllKinds>>(Entry<AllKinds>{std::move(value), fingerprint(number)});
}

void check_round_trip(SqliteStore<Checked>& store, const AllKinds& value) {
  store.publish(key, entry(value));
  const auto found = store.lookup(key, fingerprint(1));
  INFO(found.unreadable);
  REQUIRE(found.entry);
  CHECK((found.entry->value == value));
}

}  // namespace

TEST_CASE("sqlite: values come back as they were, at the ends of their types too") {
  AllKindsFile file;
  check_round_trip(file.store, plain());

  AllKinds low = plain();
  low.text = "";
  low.maybe_text = "";
  low.small_number = std::numeric_limits<std::int16_t>::min();
  low.number = std::numeric_limits<std::int64_t>::min();
  low.maybe_number = std::numeric_limits<std::int32_t>::min();
  low.maybe_flag = false;
  low.real = std::numeric_limits<double>::denorm_min();
  low.maybe_real = -std::numeric_limits<double>::infinity();
  low.maybe_uuid = Uuid{};
  low.time = sys_days{1y / 1 / 1};
  low.maybe_time = Timestamp{microseconds{-1}};
  low.json = {"null"};
  low.maybe_json = Json{R"({"text": "it's \"quoted\", 100% \\ \ud83e\udd80 🦀"})"};
  check_round_trip(file.store, low);

  AllKinds high = plain();
  high.text = "\xf0\x9f\xa6\x80\n\t\x01 100% ' \" \\";
  high.small_number = std::numeric_limits<std::int16_t>::max();
  high.number = std::numeric_limits<std::int64_t>::max();
  high.maybe_number = std::numeric_limits<std::int32_t>::max();
  high.real = std::numeric_limits<double>::max();
  high.maybe_real = 0.1;
  high.uuid.data[15] = 0xff;
  high.time = sys_days{9999y / 12 / 31} + 24h - microseconds{1};
  check_round_trip(file.store, high);

  AllKinds whole = plain();
  whole.real = 3;  // SQLite keeps such a number as an integer
  check_round_trip(file.store, whole);
}

TEST_CASE("sqlite: a value that cannot be stored is refused, and what was there stays") {
  AllKindsFile file;
  file.store.publish(key, entry(plain()));
  auto not_a_number = plain();
  not_a_number.maybe_real = std::nan("");
  CHECK_THROWS_AS(file.store.publish(key, entry(not_a_number, 2)), InvalidValue);
  auto far = plain();
  far.time = Timestamp{microseconds::max()};
  CHECK_THROWS_AS(file.store.publish(key, entry(far, 2)), InvalidValue);
  CHECK(file.store.lookup(key, fingerprint(1)).entry);

  SqliteWiki wiki;
  WikiStore store(wiki.options());
  store.publish({"r", "p"}, page(1));
  const auto broken = std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{"<p>", {"{not json"}}, fingerprint(2)});
  CHECK_THROWS_AS(store.publish({"r", "p"}, broken), InvalidValue);
  CHECK_THROWS_AS(
      store.publish_many(std::vector<std::pair<WikiKey, EntryPtr<WikiPage>>>{{{"r", "q"}, page(3)}, {{"r", "p"}, broken}}),
      InvalidValue);
  CHECK(found(store, {"r", "p"}, 1) == 1);
  CHECK(store.lookup({"r", "q"}, fingerprint(3)).entry == nullptr);  // all or nothing
}

TEST_CASE("sqlite: a row that cannot be read is a miss that says why, and spoils no other") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  const WikiKey broken{"repo", "broken.md"}, sound{"repo", "sound.md"};
  store.publish(broken, page(1));
  store.publish(sound, page(2));
  const auto [damage, complaint] = GENERATE(table<std::string, std::string>({
      {"source_hash = NULL", "'source_hash' is NULL"},
      {"rendered_html = NULL", "'rendered_html' is NULL"},
      {"metadata = NULL", "'metadata' is NULL"},
      {"rendered_at = NULL", "'rendered_at' is NULL"},
      {"rendered_at = 'yesterday'", "'rendered_at' is no timestamp"},
  }));
  wiki.outside().run_script("UPDATE wiki_cache SET " + damage + " WHERE page_path = 'broken.md'");

  const auto lookup = store.lookup(broken, fingerprint(1));
  CHECK(lookup.entry == nullptr);
  CHECK_THAT(lookup.unreadable, ContainsSubstring(complaint) && ContainsSubstring("page_path='broken.md'"));
  const auto many = store.lookup_many(std::vector<Query<WikiKey>>{{broken, fingerprint(1)}, {sound, fingerprint(2)}});
  CHECK_THAT(many.at(0).unreadable, ContainsSubstring(complaint));
  CHECK(many.at(1).entry);
  CHECK_FALSE(store.lookup_stale(broken));
  CHECK(store.stats().unreadable >= 2);

  store.publish(broken, page(3));
  CHECK(found(store, broken, 3) == 3);
}

TEST_CASE("sqlite: a stored value outside its member's type is unreadable") {
  AllKindsFile file;
  file.store.publish(key, entry(plain()));
  const auto [damage, complaint] = GENERATE(table<std::string, std::string>({
      {"small_number = 32768", "'small_number' is out of its member's range"},
      {"maybe_number = -2147483649", "'maybe_number' is out of its member's range"},
      {"flag = 2", "'flag' is neither 0 nor 1"},
      {"uuid = 'none'", "'uuid' is no UUID"},
      {"\"time\" = '2024-02-30T00:00:00Z'", "'time' is no timestamp"},
      {"json = '[]'", "the list of criteria is empty"},
  }));
  file.outside("UPDATE all_kinds SET " + damage);
  const auto lookup = file.store.lookup(key, fingerprint(1));
  CHECK(lookup.entry == nullptr);
  CHECK_THAT(lookup.unreadable, ContainsSubstring(complaint));
  CHECK_FALSE(file.store.lookup_stale(key));
}

TEST_CASE("sqlite: a miss tells the fingerprint that is stored instead") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  store.publish({"r", "p"}, page(1));
  const auto lookup = store.lookup({"r", "p"}, fingerprint(2));
  CHECK(lookup.entry == nullptr);
  REQUIRE(lookup.stored);
  CHECK(*lookup.stored == fingerprint(1));
  CHECK(store.lookup({"r", "other"}, fingerprint(2)).stored == std::nullopt);
}

TEST_CASE("sqlite: times are the database's") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  const auto before = floor<milliseconds>(system_clock::now());
  store.publish({"r", "p"}, page(1));
  const auto rendered_at = store.lookup({"r", "p"}, fingerprint(1)).entry->rendered_at;
  CHECK(rendered_at >= before);
  CHECK(rendered_at <= system_clock::now());

  wiki.outside().run_script("UPDATE wiki_cache SET rendered_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-90 seconds')");
  const auto stale = store.lookup_stale({"r", "p"});
  REQUIRE(stale);
  CHECK(stale->entry->fingerprint == fingerprint(1));
  CHECK(stale->age >= 90s);
  CHECK(stale->age < 100s);
  wiki.outside().run_script("UPDATE wiki_cache SET rendered_at = '2999-01-01T00:00:00Z'");
  CHECK(store.lookup_stale({"r", "p"})->age == 0s);  // a clock that was set back
  CHECK_FALSE(store.lookup_stale({"r", "other"}));
}

TEST_CASE("sqlite: every publish sets the second timestamp, and a renewed row its first") {
  AllKindsFile file;
  file.store.publish(key, entry(plain()));
  file.outside("UPDATE all_kinds SET checked_at = '2000-01-01T00:00:00Z', updated_at = '2000-01-01T00:00:00Z'");
  file.store.publish(key, entry(plain()));
  SqliteConnection connection(file.directory / "all.db", SqliteConnection::Access::read, seconds(5));
  const auto row = connection.query("SELECT checked_at > '2020', updated_at > '2020' FROM all_kinds").at(0);
  CHECK(row.at(0) == "1");
  CHECK(row.at(1) == "1");
}

TEST_CASE("sqlite: whatever stands in the fingerprint's column can be replaced by who has seen it, and by nobody else") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  const WikiKey row{"r", "p"};
  // Not STRICT, as a table of somebody's own may be: then a text's column may hold bytes.
  auto outside = wiki.outside();
  outside.run_script(
      "CREATE TABLE loose(repo_alias TEXT, page_path TEXT, rendered_html TEXT, metadata TEXT, source_hash TEXT, rendered_at "
      "TEXT, "
      "PRIMARY KEY(repo_alias, page_path)); DROP TABLE wiki_cache; ALTER TABLE loose RENAME TO wiki_cache");
  const std::string text =
      GENERATE(as<std::string>{}, "NULL", "''", "'source=1'", "'source=7||cost=1us|row=x3:0'", "'||'", "CAST(x'e9ff' AS TEXT)",
               "x'e9ff'", "CAST(x'610062' AS TEXT)", "replace(hex(zeroblob(50000)), '0', 'x')");
  INFO(text);
  store.publish(row, page(1));
  outside.run_script("UPDATE wiki_cache SET source_hash = " + text);
  const auto seen = store.lookup(row, fingerprint(2)).seen;
  REQUIRE(seen.text.has_value());
  CHECK_FALSE(store.replace(row, page(2), Seen{}));
  CHECK_FALSE(store.replace(row, page(2), Seen{*seen.text + "x"}));
  CHECK_FALSE(store.replace({"r", "other"}, page(2), seen));
  CHECK(store.replace(row, page(2), seen));
  CHECK(found(store, row, 2) == 2);
  CHECK_FALSE(store.replace(row, page(3), seen));
  CHECK(found(store, row, 2) == 2);
}

TEST_CASE("sqlite: a publish over what was seen sets all times, and refuses what cannot be stored") {
  AllKindsFile file;
  file.store.publish(key, entry(plain()));
  file.outside("UPDATE all_kinds SET checked_at = '2000-01-01T00:00:00Z', updated_at = '2000-01-01T00:00:00Z'");
  CHECK(file.store.replace(key, entry(plain(), 2), file.store.lookup(key, fingerprint(2)).seen));
  SqliteConnection connection(file.directory / "all.db", SqliteConnection::Access::read, seconds(5));
  const auto row = connection.query("SELECT checked_at > '2020', updated_at > '2020' FROM all_kinds").at(0);
  CHECK(row.at(0) == "1");
  CHECK(row.at(1) == "1");
  auto not_a_number = plain();
  not_a_number.maybe_real = std::nan("");
  CHECK_THROWS_AS(file.store.replace(key, entry(not_a_number, 3), file.store.lookup(key, fingerprint(3)).seen), InvalidValue);
  CHECK(file.store.lookup(key, fingerprint(2)).entry);
}

}  // namespace sqlite_rows_tests
