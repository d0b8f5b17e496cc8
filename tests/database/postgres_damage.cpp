#include <render_cache/store/postgres.hpp>

#include <render_cache/laws/samples.hpp>
#include <render_cache/sql/json_form.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "support/all_kinds.hpp"
#include "support/catch.hpp"
#include "support/database.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace postgres_damage_tests {

using namespace render_cache;
using test::TestDatabase;

namespace {

using Wiki = PostgresStore<WikiSchema>;

const WikiKey key{"repo", "guide/a.md"};
const auto now = Fingerprint().add("source", "s2:9f86d081").add("renderer", "markdown/3");

EntryPtr<WikiPage> page(std::string html, std::string metadata, const Fingerprint& fingerprint = now) {
  return std::make_shared<const Entry<WikiPage>>(
      Entry<WikiPage>{{std::move(html), {std::move(metadata)}}, fingerprint, {}, std::chrono::microseconds(41)});
}
const auto whole = page("<h1>A page</h1>\n<p>with caf\xc3\xa9</p>", R"({"title":"A page","n":[1,2.50,1e2]})");

struct Place {
  TestDatabase database{};
  Wiki store{test::patient({.conninfo = database.conninfo(), .migrations = wiki_migrations<PostgresDialect>()})};
};

/// Any JSON document, blanks and odd numbers among it.
std::string document(std::mt19937& random, int depth) {
  const auto pick = [&](std::vector<std::string> from) { return from[random() % from.size()]; };
  const auto blank = [&] { return pick({"", "", " ", "\n\t"}); };
  const auto text = [&] {
    std::string made = "\"";
    for (auto length = random() % 4; length > 0; --length)
      made += pick({"a", "b", "B", " ", "\\n", "\\u0007", "\\u00e9", "\\/", "\\\"", "\\\\", "\\ud83e\\udd80", "\u00e9", "\x7f"});
    return made + '"';
  };
  const auto digits = [&] { return std::to_string(random() % 1'000) + pick({"", "0", "00"}); };
  std::string made = blank();
  switch (random() % (depth > 0 ? 7 : 5)) {
    case 0: made += pick({"true", "false", "null"}); break;
    case 1: made += text(); break;
    case 2: made += pick({"", "-"}) + std::to_string(random() % 3) + pick({"", "." + digits(), ".0"}); break;
    case 3:
      made += pick({"", "-"}) + std::to_string(random() % 1'000) + "." + digits() + pick({"e", "E+", "e-"}) +
              std::to_string(random() % 12);
      break;
    case 4: made += pick({"0", "-0", "0.000", "-0.0", "0e7", "0e-7", "1e30", "1e-30", "9007199254740993"}); break;
    case 5:
      made += '[';
      for (auto count = random() % 4, i = count; i > 0; --i) made += (i < count ? "," : "") + document(random, depth - 1);
      made += ']';
      break;
    default:
      made += '{';
      for (auto count = random() % 4, i = count; i > 0; --i)
        made += (i < count ? "," : "") + blank() + text() + blank() + ":" + document(random, depth - 1);
      made += '}';
  }
  return made + blank();
}

}  // namespace

TEST_CASE("a row of which any bit is flipped is a miss, and is replaced by the next publish") {
  Place place;
  auto& [database, store] = place;
  store.publish(key, whole);
  pqxx::connection outside(database.conninfo());
  pqxx::nontransaction sql(outside);
  std::uint64_t flips = 0, missed = 0;
  for (const std::string column : {"repo_alias", "page_path", "rendered_html", "metadata", "source_hash"}) {
    const auto good = database.value("SELECT " + column + "::text FROM wiki_cache");
    const auto set = [&](const std::string& text) {
      std::string hex;
      for (const char c : text) {
        constexpr const char* digits = "0123456789abcdef";
        hex += {digits[static_cast<unsigned char>(c) >> 4], digits[static_cast<unsigned char>(c) & 15]};
      }
      sql.exec("UPDATE wiki_cache SET " + column + " = convert_from(decode('" + hex + "', 'hex'), 'UTF8')" +
               (column == "metadata" ? "::jsonb" : ""));
    };
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
      auto bad = good;
      bad[bit / 8] = static_cast<char>(static_cast<unsigned char>(bad[bit / 8]) ^ 1u << bit % 8);
      try {
        set(bad);
      } catch (const pqxx::sql_error&) {  // no UTF-8, or no JSON: PostgreSQL has none of that in a column
        continue;
      }
      ++flips;
      const auto many = store.lookup_many(std::vector<Query<WikiKey>>{{key, now}});
      missed += store.lookup(key, now).entry == nullptr && many.at(0).entry == nullptr;
      if (column == "repo_alias" || column == "page_path") {
        WikiKey other = key;
        (column == "page_path" ? other.page_path : other.repo_alias) = bad;
        CHECK(store.lookup(other, now).damaged);
      }
    }
    set(good);
    REQUIRE(store.lookup(key, now).entry != nullptr);
  }
  CHECK(flips > 1'000);
  CHECK(missed == flips);

  database.execute("UPDATE wiki_cache SET metadata = metadata || '{\"n\": [1, 2.5, 100]}'");
  const auto before = store.stats();
  CHECK(store.lookup(key, now).damaged);
  CHECK_FALSE(store.lookup_stale(key).has_value());
  CHECK(store.stats().damaged == before.damaged + 2);
  CHECK(store.stats().unreadable == before.unreadable);
  store.publish_many(std::vector<std::pair<WikiKey, EntryPtr<WikiPage>>>{{key, whole}});
  CHECK(store.lookup(key, now).entry != nullptr);
}

TEST_CASE("every column of every kind is covered by the row's digest") {
  TestDatabase database;
  database.execute(test::all_kinds_postgres);
  PostgresStore<test::AllKindsSchema> store(database.options());
  const auto all = laws::sample_key<test::AllKindsKey>(1, 1);
  const auto entry = std::make_shared<const Entry<test::AllKinds>>(Entry<test::AllKinds>{laws::sample<test::AllKinds>(1), now});
  for (const std::string change : {"tenant = tenant # 1",
                                   "id = gen_random_uuid()",
                                   "name = name || ' '",
                                   "draft = NOT draft",
                                   "text = text || ' '",
                                   "maybe_text = NULL",
                                   "maybe_text = maybe_text || 'x'",
                                   "small_number = small_number # 1::smallint",
                                   "number = number # (1::bigint << 40)",
                                   "maybe_number = maybe_number # 2",
                                   "maybe_number = NULL",
                                   "flag = NOT flag",
                                   "maybe_flag = NOT maybe_flag",
                                   "maybe_flag = NULL",
                                   "\"real\" = \"real\" * 1.0000000000000002",
                                   "maybe_real = -maybe_real",
                                   "uuid = gen_random_uuid()",
                                   "maybe_uuid = NULL",
                                   "\"time\" = \"time\" + interval '1 microsecond'",
                                   "maybe_time = maybe_time - interval '1 microsecond'",
                                   "json = json || '{\"x\": 1}'",
                                   "maybe_json = '1'",
                                   "maybe_json = NULL",
                                   "fingerprint = replace(fingerprint, '||', '||cost=1us|')"}) {
    INFO(change);
    store.publish(all, entry);
    REQUIRE(store.lookup(all, now).entry != nullptr);
    database.execute("UPDATE all_kinds SET " + change);
    CHECK(store.lookup(all, now).entry == nullptr);
    database.execute("DELETE FROM all_kinds");
  }
}

TEST_CASE("a JSON document is known again in whatever form the database gives it back") {
  Place place;
  auto& [database, store] = place;
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    const auto json = document(random, 4);
    INFO(json);
    store.publish(key, page("x", json));
    const auto found = store.lookup(key, now);
    INFO(found.unreadable);
    REQUIRE(found.entry != nullptr);
    CHECK(detail::json_form(json) == found.entry->value.metadata.text);  // so a hit need not parse it
  }
  const std::string digits(400, '7');
  for (const std::string& json : {std::string("[1e1000, 1]"), std::string("[1e-1000]"), std::string("1.7976931348623157e308"),
                                  std::string("[0e400, -0.0e309]"), std::string("1111e306"), digits + "e-300", digits + ".50e-2",
                                  std::string("[1e131071, 0e-16383, 1.20e-9999]")}) {
    INFO(json);
    store.publish(key, page("x", json));
    CHECK(store.lookup(key, now).entry != nullptr);
    database.execute("UPDATE wiki_cache SET metadata = '[1e1001, 1]'");  // beyond a double's range, as some of them
    CHECK(store.lookup(key, now).damaged);
  }
  // A column of the type json keeps the text, blanks and all.
  database.execute("ALTER TABLE wiki_cache ALTER COLUMN metadata TYPE json");
  Wiki other(database.options());
  const std::string odd = "{ \"b\": 1.0e1,\n\"a\": [] }";
  other.publish(key, page("x", odd));
  REQUIRE(other.lookup(key, now).entry != nullptr);
  CHECK(other.lookup(key, now).entry->value.metadata.text == odd);
  database.execute("UPDATE wiki_cache SET metadata = '{ \"b\": 1.1e1,\n\"a\": [] }'");
  CHECK(other.lookup(key, now).damaged);
}

TEST_CASE("a row that an older release has written is read, if a publish could have written it") {
  Place place;
  auto& [database, store] = place;
  store.publish(key, whole);
  const auto holds = [&](const std::string& html) {
    database.execute("UPDATE wiki_cache SET source_hash = '" + now.text() + "', rendered_html = " + html);
    return store.lookup(key, now);
  };
  const auto old = holds("'<p>old</p>'");
  REQUIRE(old.entry != nullptr);
  CHECK(old.entry->value.rendered_html == "<p>old</p>");
  CHECK(old.entry->render_cost == std::nullopt);
  CHECK(store.lookup_many(std::vector<Query<WikiKey>>{{key, now}}).at(0).entry != nullptr);
  CHECK(store.lookup_stale(key)->entry->fingerprint == now);
  CHECK(store.lookup(key, Fingerprint().add("source", 2)).stored.value() == now);
  auto options = database.options();
  options.lookup_timeout = std::chrono::minutes(1);  // with what has to come first
  Wiki patient(options);
  database.execute("UPDATE wiki_cache SET rendered_html = repeat('x', 100000000)");
  CHECK_THAT(patient.lookup(key, now).unreadable, ContainsSubstring("max_member_bytes"));
  store.publish(key, whole);
  CHECK(store.lookup(key, now).entry != nullptr);
}

TEST_CASE("what a render took survives a restart, one by one and in batches") {
  Place place;
  place.store.publish(key, whole);
  Wiki store(place.database.options());
  CHECK(store.lookup(key, now).entry->render_cost == std::chrono::microseconds(41));
  CHECK(store.lookup_many(std::vector<Query<WikiKey>>{{key, now}}).at(0).entry->render_cost == std::chrono::microseconds(41));
  CHECK(store.lookup_stale(key)->entry->render_cost == std::chrono::microseconds(41));
}

TEST_CASE("blanks that a column has no room for are cut by PostgreSQL, and the row is known as damaged") {
  Place place;
  auto& [database, store] = place;
  store.check();
  database.execute("ALTER TABLE wiki_cache ALTER COLUMN rendered_html TYPE varchar(8)");
  for (const std::string html : {"12345678", "12345678 ", "123456   "}) {
    CAPTURE(html);
    const Entry<WikiPage> entry{{html, {"{}"}}, now};
    store.publish(key, std::make_shared<const Entry<WikiPage>>(entry));
    const auto lookup = store.lookup(key, now);
    CHECK((lookup.entry != nullptr) == (html.size() == 8));
    CHECK(lookup.damaged == (html.size() > 8));
  }
}

TEST_CASE("a column too short for a fingerprint with its notes is refused, and a time that is rounded") {
  Place place;
  auto& [database, store] = place;
  store.check();
  database.execute("ALTER TABLE wiki_cache ALTER COLUMN source_hash TYPE varchar(10)");
  CHECK_THROWS_WITH(store.check(),
                    ContainsSubstring("'source_hash' is character varying(10) where text is needed, or for 65535 bytes"));
  database.execute("ALTER TABLE wiki_cache ALTER COLUMN source_hash TYPE varchar(65534)");
  CHECK_THROWS_AS(store.check(), SchemaMismatch);
  database.execute("ALTER TABLE wiki_cache ALTER COLUMN source_hash TYPE varchar(65535)");
  CHECK_NOTHROW(store.check());
  database.execute("ALTER TABLE wiki_cache ALTER COLUMN rendered_html TYPE varchar(8)");  // who is too long is refused by name
  CHECK_NOTHROW(store.check());
  CHECK_THROWS_AS(store.publish(key, whole), InvalidValue);
  database.execute("ALTER TABLE wiki_cache ALTER COLUMN rendered_html TYPE char(8)");  // what is shorter would be filled up
  CHECK_THROWS_WITH(store.check(), ContainsSubstring("'rendered_html' is character(8) where text is needed"));
  database.execute("ALTER TABLE wiki_cache ALTER COLUMN rendered_html TYPE text");
  database.execute("ALTER TABLE wiki_cache ALTER COLUMN rendered_at TYPE timestamptz(0)");
  CHECK_THROWS_WITH(store.check(), ContainsSubstring("'rendered_at' is timestamp(0) with time zone"));
}

}  // namespace postgres_damage_tests
