#include <render_cache/store/sqlite.hpp>

#include <render_cache/cache.hpp>

#include "support/all_kinds.hpp"
#include "support/archetypes.hpp"
#include "support/catch.hpp"
#include "support/sqlite_wiki.hpp"

#include <render_cache/laws/samples.hpp>

#include <bit>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace sqlite_damage_tests {

using namespace render_cache;
using namespace render_cache::test;

namespace {

const WikiKey key{"repo", "guide/a.md"};

EntryPtr<WikiPage> whole() {
  return std::make_shared<const Entry<WikiPage>>(
      Entry<WikiPage>{{"<h1>A page</h1>\n<p>with caf\xc3\xa9</p>", {R"({"title": "A page", "n": [1, 2.50]})"}},
                      Fingerprint().add("source", "s2:9f86d081").add("renderer", "markdown/3"),
                      {},
                      std::chrono::microseconds(41)});
}

std::string blob(const std::string& bytes) {
  std::string literal = "x'";
  char digits[3];
  for (const char c : bytes) {
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    literal += digits;
  }
  return literal + "'";
}

}  // namespace

TEST_CASE("sqlite: a row of which any bit is flipped is a miss, and is replaced by the next publish") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  const auto page = whole();
  store.publish(key, page);
  auto outside = wiki.outside();
  outside.run_script("PRAGMA synchronous = OFF; PRAGMA ignore_check_constraints = ON");
  std::uint64_t flips = 0, missed = 0;
  for (const std::string column : {"repo_alias", "page_path", "rendered_html", "metadata", "source_hash"}) {
    const auto good = outside.query("SELECT " + column + " FROM wiki_cache", {}).at(0).at(0).value();
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
      auto bad = good;
      bad[bit / 8] = static_cast<char>(static_cast<unsigned char>(bad[bit / 8]) ^ 1u << bit % 8);
      outside.run_script("UPDATE wiki_cache SET " + column + " = CAST(" + blob(bad) + " AS TEXT)");
      ++flips;
      missed += store.lookup(key, page->fingerprint).entry == nullptr;
      if (column == "repo_alias" || column == "page_path") {  // nor is it the row of the key that it now names
        WikiKey other = key;
        (column == "page_path" ? other.page_path : other.repo_alias) = bad;
        if (find_invalid_text(bad) != bad.npos) continue;
        const auto found = store.lookup(other, page->fingerprint);
        CHECK(found.damaged);
        CHECK_FALSE(store.lookup_stale(other).has_value());
      } else {
        const auto many = store.lookup_many(std::vector<Query<WikiKey>>{{key, page->fingerprint}});
        missed -= many.at(0).entry != nullptr;
        if (column != "source_hash") CHECK_FALSE(store.lookup_stale(key).has_value());
      }
    }
    outside.run_script("UPDATE wiki_cache SET " + column + " = CAST(" + blob(good) + " AS TEXT)");
    REQUIRE(store.lookup(key, page->fingerprint).entry != nullptr);
  }
  CHECK(flips > 1'000);
  CHECK(missed == flips);

  outside.run_script("UPDATE wiki_cache SET rendered_html = 'x'");
  const auto before = store.stats();
  const auto found = store.lookup(key, page->fingerprint);
  CHECK(found.damaged);
  CHECK(found.unreadable ==
        "'wiki_cache' holds something else than was stored in the row of repo_alias='repo', page_path='guide/a.md'");
  CHECK(store.stats().damaged == before.damaged + 1);
  CHECK(store.stats().unreadable == before.unreadable);
  store.publish(key, page);
  CHECK(store.lookup(key, page->fingerprint).entry != nullptr);
}

TEST_CASE("a damaged row is rendered again by whom it is read, counted, told of and replaced") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  struct Told {
    std::vector<Miss>* misses;
    void on_miss(const WikiKey&, const MissEvent& event) const noexcept { misses->push_back(event.reason); }
  };
  std::vector<Miss> misses;
  archetype::CountingRenderer renderer;
  RenderCache cache(renderer, archetype::MinimalHasher{}, store, {}, Told{&misses});
  const std::string source = "x";
  CHECK(cache.get(key, source).miss == Miss::absent);
  wiki.outside().run_script("UPDATE wiki_cache SET rendered_html = rendered_html || ' '");
  const auto again = cache.get(key, source);
  CHECK(again.miss == Miss::damaged);
  CHECK(again.origin == Origin::render);
  CHECK(again.stored);
  CHECK_THAT(again.detail, ContainsSubstring("holds something else than was stored"));
  const auto hit = cache.get(key, source);
  CHECK(hit.hit());
  CHECK(hit.entry->render_cost.has_value());  // as the render measured it, and the row kept it
  CHECK(renderer.state->renders == 2);
  CHECK(cache.stats().misses_for(Miss::damaged) == 1);
  CHECK(misses == std::vector{Miss::absent, Miss::damaged});

  wiki.outside().run_script("UPDATE wiki_cache SET rendered_html = rendered_html || ' '");
  const std::vector<Wanted<WikiKey, std::string>> wanted{{key, source}};
  CHECK(cache.get_many(wanted).at(0).outcome().miss == Miss::damaged);
  CHECK(to_string(Miss::damaged) == "damaged");
}

TEST_CASE("sqlite: whatever bit of the stored text or the time is flipped, what is handed out is what was stored") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  const auto page = whole();
  store.publish(key, page);
  auto outside = wiki.outside();
  outside.run_script("PRAGMA synchronous = OFF");
  for (const std::string column : {"source_hash", "rendered_at"}) {
    const auto good = outside.query("SELECT " + column + " FROM wiki_cache", {}).at(0).at(0).value();
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
      auto bad = good;
      bad[bit / 8] = static_cast<char>(static_cast<unsigned char>(bad[bit / 8]) ^ 1u << bit % 8);
      outside.run_script("UPDATE wiki_cache SET " + column + " = CAST(" + blob(bad) + " AS TEXT)");
      // Without its "||" a text is an older release's, and the time is the database's own, of which no digest knows.
      if (const auto stale = store.lookup_stale(key)) CHECK((stale->entry->value == page->value));
      if (const auto exact = store.lookup(key, page->fingerprint).entry) {
        CHECK(column == "rendered_at");
        CHECK((exact->value == page->value));
      }
    }
    outside.run_script("UPDATE wiki_cache SET " + column + " = CAST(" + blob(good) + " AS TEXT)");
  }
}

TEST_CASE("sqlite: every column of every kind is covered by the row's digest") {
  const TemporaryDirectory directory;
  SqliteStore<AllKindsSchema> store({.path = directory / "all.db", .migrations = {{1, "all_kinds", all_kinds_sqlite, ""}}});
  const auto all = laws::sample_key<AllKindsKey>(1, 1);
  const auto entry = std::make_shared<const Entry<AllKinds>>(Entry<AllKinds>{laws::sample<AllKinds>(1), fingerprint(1)});
  store.publish(all, entry);
  SqliteConnection outside(directory / "all.db", SqliteConnection::Access::write, std::chrono::seconds(5));
  const auto check = [&](const std::string& column, const std::string& bad) {
    INFO(column << " = " << bad);
    const auto good = outside.query("SELECT quote(\"" + column + "\") FROM all_kinds", {}).at(0).at(0).value();
    REQUIRE(store.lookup(all, fingerprint(1)).entry != nullptr);
    outside.run_script("UPDATE all_kinds SET \"" + column + "\" = " + bad);
    CHECK(store.lookup(all, fingerprint(1)).entry == nullptr);
    outside.run_script("UPDATE all_kinds SET \"" + column + "\" = " + good);
  };
  for (const std::string column : {"small_number", "number", "maybe_number", "flag", "maybe_flag"}) {
    for (int bit = 0; bit < 64; ++bit) {
      check(column, "(SELECT (\"" + column + "\" | (1 << " + std::to_string(bit) + ")) - (\"" + column + "\" & (1 << " +
                        std::to_string(bit) + ")) FROM all_kinds)");
    }
  }
  for (const std::string column : {"real", "maybe_real"}) {
    for (int bit = 0; bit < 64; ++bit) {
      char literal[64];
      std::snprintf(literal, sizeof literal, "%.17g",
                    std::bit_cast<double>(std::bit_cast<std::uint64_t>(entry->value.real) ^ std::uint64_t{1} << bit));
      check(column, literal);
    }
  }
  for (const std::string column : {"text", "maybe_text", "maybe_json", "json"}) check(column, "\"" + column + "\" || ' '");
  for (const std::string column : {"time", "maybe_time"}) check(column, "replace(\"" + column + "\", '001Z', '011Z')");
  for (const std::string column : {"uuid", "maybe_uuid"}) check(column, "'a' || substr(\"" + column + "\", 2)");
  for (const std::string column :
       {"maybe_text", "maybe_number", "maybe_flag", "maybe_real", "maybe_uuid", "maybe_time", "maybe_json"})
    check(column, "NULL");
}

TEST_CASE("sqlite: a row that an older release has written is read, if a publish could have written it") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  auto outside = wiki.outside();
  store.publish(key, page(1));
  const auto holds = [&](const std::string& html) {
    outside.run_script("UPDATE wiki_cache SET source_hash = 'source=1', rendered_html = " + html);
    return store.lookup(key, fingerprint(1));
  };
  const auto old = holds("'<p>old</p>'");
  REQUIRE(old.entry != nullptr);
  CHECK(old.entry->value.rendered_html == "<p>old</p>");
  CHECK(old.entry->render_cost == std::nullopt);
  CHECK(store.lookup_stale(key)->entry->fingerprint == fingerprint(1));
  CHECK(store.lookup(key, fingerprint(2)).stored.value() == fingerprint(1));

  CHECK_THAT(holds("CAST(x'61ff' AS TEXT)").unreadable, ContainsSubstring("invalid UTF-8"));
  CHECK_THAT(holds("CAST(x'610062' AS TEXT)").unreadable, ContainsSubstring("a NUL byte"));
  CHECK(holds("CAST(zeroblob(67108864) AS TEXT)").entry == nullptr);
  CHECK_THAT(holds("replace(hex(zeroblob(50000000)), '00', 'ab')").unreadable, ContainsSubstring("max_member_bytes"));
  outside.run_script("UPDATE wiki_cache SET source_hash = CAST(x'613dff' AS TEXT)");
  CHECK_THAT(store.lookup(key, fingerprint(1)).unreadable, ContainsSubstring("'source_hash' is no UTF-8"));
  outside.run_script("UPDATE wiki_cache SET source_hash = replace(hex(zeroblob(40000)), '00', 'ab')");
  CHECK_THAT(store.lookup(key, fingerprint(1)).unreadable, ContainsSubstring("longer than max_stored_text_bytes"));
  CHECK_FALSE(store.lookup_stale(key).has_value());
  store.publish(key, page(2));
  CHECK(found(store, key, 2) == 2);
}

TEST_CASE("sqlite: what a render took survives a restart") {
  SqliteWiki wiki;
  WikiStore(wiki.options()).publish(key, whole());
  WikiStore store(wiki.options());
  CHECK(store.lookup(key, whole()->fingerprint).entry->render_cost == std::chrono::microseconds(41));
  CHECK(store.lookup_stale(key)->entry->render_cost == std::chrono::microseconds(41));
}

TEST_CASE("sqlite: a value or a fingerprint that could not be read back is not stored") {
  SqliteWiki wiki;
  WikiStore store(wiki.options());
  store.publish(key, page(1));
  auto odd = *page(2);
  odd.fingerprint = Fingerprint::from_text("a||b");
  CHECK_THROWS_AS(store.publish(key, std::make_shared<const Entry<WikiPage>>(odd)), InvalidValue);
  auto large = *page(2);
  large.value.rendered_html.assign(max_member_bytes + 1, 'x');
  CHECK_THROWS_AS(store.publish(key, std::make_shared<const Entry<WikiPage>>(large)), InvalidValue);
  CHECK(found(store, key, 1) == 1);
}

}  // namespace sqlite_damage_tests
