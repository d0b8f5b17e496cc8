#include <render_cache/entry/member.hpp>

#include <render_cache/cache.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/sql/create_table.hpp>
#include <render_cache/sql/dialect/postgres.hpp>
#include <render_cache/sql/json_list.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/store/sqlite.hpp>

#include <render_cache/laws/samples.hpp>

#include "support/catch.hpp"
#include "support/more_kinds.hpp"
#include "support/temporary_directory.hpp"

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace member_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using test::Colour;
using test::MoreKinds;
using test::MoreKindsKey;
using test::MoreKindsSchema;
using test::Tier;

namespace {

/// The value that a text stands for, or what is wrong with it.
template <class T>
std::optional<T> read(std::string_view text) {
  constexpr ColumnType type = MemberTraits<T>::type;
  const auto field = [&] {
    if constexpr (type.list) {
      return detail::list_from_json<type>(text);
    } else {
      return detail::field_from_text(type, text);
    }
  }();
  T member{};
  if (!field || !detail::from_field(*field, member).empty()) return {};
  return member;
}

template <class T>
std::string written(const T& member) {
  if constexpr (MemberTraits<T>::type.list) {
    return detail::json_text<MemberTraits<T>::type>(detail::to_field(member));
  } else {
    return detail::text_of(detail::to_field(member));
  }
}

struct Draw {
  std::mt19937 random{20'240'501};

  unsigned below(unsigned bound) { return std::uniform_int_distribution<unsigned>(0, bound - 1)(random); }

  void value(std::string& text) {
    constexpr std::string_view pieces[] = {"\"", "\\",   ",", "]", "[", "null", "a", "\n", "\x01", "\xc3\xa9", "\xf0\x9f\xa6\x80",
                                           "{}", "u0061"};
    text.clear();
    for (unsigned n = below(4); n-- > 0;) text += pieces[below(std::size(pieces))];
  }
  void value(Bytes& bytes) {
    bytes.clear();
    for (unsigned n = below(4); n-- > 0;) bytes.push_back(static_cast<std::byte>(below(3) * 0x5c));
  }
  void value(double& number) {
    constexpr double some[] = {0.1, -0.5, 1e300, 5e-324, std::numeric_limits<double>::infinity(), 3, 0.30000000000000004};
    number = some[below(std::size(some))];
  }
  void value(std::int64_t& number) { number = static_cast<std::int64_t>(below(3)) * (INT64_MIN / 2); }
  void value(Tier& tier) { tier = below(2) == 0 ? Tier::core : Tier::extra; }
  void value(std::chrono::sys_days& day) {
    day = std::chrono::sys_days(std::chrono::days(below(5) * 300'000) - std::chrono::days(400'000));
  }
  void value(Timestamp& time) { time = Timestamp(std::chrono::microseconds(below(4) * 1'000'001)); }
  template <class T>
  void value(std::optional<T>& member) {
    member.reset();
    if (below(3) != 0) value(member.emplace());
  }
  template <class T>
  void value(std::vector<T>& list) {
    list.clear();
    for (unsigned n = below(4); n-- > 0;) {
      T element{};
      value(element);
      list.push_back(element);
    }
  }
};

/// Each value has a text of its own, from which it is read again.
template <class T>
void check_texts() {
  Draw draw;
  std::map<std::string, T> known;
  for (int i = 0; i < 5'000; ++i) {
    T member{};
    draw.value(member);
    const auto text = written(member);
    const auto back = read<T>(text);
    INFO(text);
    REQUIRE(back);
    REQUIRE((*back == member));
    const auto [place, is_new] = known.try_emplace(text, member);
    if (!is_new && !(place->second == member)) FAIL("two values are written " << text);
  }
  CHECK(known.size() > 1);
}

struct MoreKindsFile {
  test::TemporaryDirectory directory{};
  SqliteStore<MoreKindsSchema> store{
      {.path = directory / "more.db", .migrations = {create_table<MoreKindsSchema, SqliteDialect>()}}};

  void outside(const std::string& sql) const {
    SqliteConnection(directory / "more.db", SqliteConnection::Access::write, std::chrono::seconds(5)).run_script(sql);
  }
};

const auto key = laws::sample_key<MoreKindsKey>(1, 1);

EntryPtr<MoreKinds> entry(const MoreKinds& value, unsigned fingerprint = 1) {
  return std::make_shared<const Entry<MoreKinds>>(Entry<MoreKinds>{value, laws::sample_fingerprint(fingerprint)});
}

}  // namespace

TEST_CASE("no two values of a type have one text, and each is read from its own") {
  check_texts<std::vector<std::string>>();
  check_texts<std::vector<std::optional<std::string>>>();
  check_texts<std::vector<std::int64_t>>();
  check_texts<std::vector<double>>();
  check_texts<std::vector<Bytes>>();
  check_texts<std::vector<Tier>>();
  check_texts<std::vector<std::optional<Timestamp>>>();
  check_texts<std::vector<std::chrono::sys_days>>();
  check_texts<Bytes>();
  check_texts<double>();
  check_texts<std::chrono::sys_days>();
}

TEST_CASE("lists are JSON, as databases write it too") {
  CHECK(written(std::vector<std::string>{"a\"\\\n", ""}) == R"(["a\"\\\n",""])");
  CHECK(written(std::vector<std::optional<int>>{-1, std::nullopt}) == "[-1,null]");
  CHECK(written(std::vector<bool>{true, false}) == "[true,false]");
  CHECK(written(std::vector<double>{}) == "[]");
  CHECK(read<std::vector<std::string>>(" [ \"a\" ,\n\"\\u00e9\\ud83e\\udd80\\/\" ] ") ==
        std::vector<std::string>{"a", "\xc3\xa9\xf0\x9f\xa6\x80/"});
  CHECK(read<std::vector<double>>(R"([1,"Infinity",-0.5e1])") == std::vector<double>{1, INFINITY, -5});
  for (const auto bad :
       {"", "[", "[1", "[1,]", "[,1]", "[1]x", "1", "{}", "[[1]]", "[null]", "[2147483648]", "[1.5]", "[\"1\" 2]"}) {
    INFO(bad);
    CHECK_FALSE(read<std::vector<std::int32_t>>(bad));
  }
  for (const auto bad : {"[a]", "[1]", "[true]", "[\"a]", "[\"\\\"]", "[\"\\x\"]", "[\"\\u12\"]", "[\"\\ud83e\"]",
                         "[\"\\udd80\"]", "[\"\\ud83e\\u0041\"]"}) {
    INFO(bad);
    CHECK_FALSE(read<std::vector<std::string>>(bad));
  }
}

TEST_CASE("a list with a NUL byte behind it is none") {
  CHECK(read<std::vector<int>>("[1]") == std::vector{1});
  CHECK_FALSE(read<std::vector<int>>(std::string_view("[1]\0", 4)).has_value());
}

TEST_CASE("a list that is read takes the place of the one that was there") {
  std::vector<int> list{7, 8};
  const auto read = detail::list_from_json<MemberTraits<std::vector<int>>::type>("[1]");
  CHECK(detail::from_field(read.value(), list) == "");
  CHECK(list == std::vector{1});
}

TEST_CASE("bytes are read from pairs of hexadecimal digits, and from nothing else") {
  CHECK(written(Bytes{std::byte{0}, std::byte{0xff}}) == "\\x00ff");
  CHECK(read<Bytes>("\\x00FF") == Bytes{std::byte{0}, std::byte{0xff}});
  for (const auto bad : {"", "00", "\\x0", "\\x0g", "\\xg0", "\\000"}) CHECK_FALSE(read<Bytes>(bad));
}

TEST_CASE("a day is a date, and outside the years of databases there is none") {
  using namespace std::chrono;
  CHECK(written(sys_days{2024y / 2 / 29}) == "2024-02-29");
  CHECK_FALSE(read<sys_days>("2023-02-29"));
  CHECK_FALSE(read<sys_days>("2024-02-29T00:00:00Z"));
  CHECK_THROWS_AS(written(sys_days{10000y / 1 / 1}), InvalidValue);
}

TEST_CASE("the columns of the types are these") {
  CHECK(create_table<MoreKindsSchema, PostgresDialect>().up == R"sql(CREATE TABLE "more_kinds" (
  "digest" bytea NOT NULL,
  "part" text NOT NULL,
  "since" date NOT NULL,
  "offset" bigint NOT NULL,
  "fingerprint" text NOT NULL,
  "rendered_at" timestamp with time zone NOT NULL DEFAULT (now()),
  "bytes" bytea NOT NULL,
  "maybe_bytes" bytea,
  "tier" text NOT NULL,
  "maybe_tier" text,
  "took" bigint NOT NULL,
  "maybe_took" double precision,
  "day" date NOT NULL,
  "maybe_day" date,
  "texts" text[] NOT NULL,
  "maybe_texts" text[],
  "numbers" integer[] NOT NULL,
  "reals" double precision[] NOT NULL,
  "flags" boolean[] NOT NULL,
  "uuids" uuid[] NOT NULL,
  "times" timestamp with time zone[] NOT NULL,
  "days" date[] NOT NULL,
  "documents" jsonb[] NOT NULL,
  "many_bytes" bytea[] NOT NULL,
  "tiers" text[] NOT NULL,
  PRIMARY KEY ("digest", "part", "since", "offset")
);
)sql");
  const auto sqlite = create_table<MoreKindsSchema, SqliteDialect>().up;
  CHECK_THAT(sqlite, ContainsSubstring("\"bytes\" BLOB NOT NULL,\n"));
  CHECK_THAT(sqlite, ContainsSubstring("\"texts\" TEXT NOT NULL CHECK (json_valid(\"texts\")),\n"));
}

TEST_CASE("an enumeration is stored by its names: a value without one is refused, an unknown name is unreadable") {
  MoreKindsFile file;
  auto value = laws::sample<MoreKinds>(1);
  file.store.publish(key, entry(value));
  value.tier = Tier::none;
  CHECK_THROWS_AS(file.store.publish(key, entry(value, 2)), InvalidValue);
  value.tier = Tier::core;
  value.tiers = {Tier::extra, static_cast<Tier>(77)};
  CHECK_THROWS_WITH(file.store.publish(key, entry(value, 2)), ContainsSubstring("77"));
  CHECK(file.store.lookup(key, laws::sample_fingerprint(1)).entry);

  file.outside("UPDATE more_kinds SET tier = 'removed'");
  CHECK_THAT(file.store.lookup(key, laws::sample_fingerprint(1)).unreadable, ContainsSubstring("'tier' is no name of its"));
}

TEST_CASE("a key that no store can hold is refused by name, in memory too") {
  struct Renderer {
    std::string_view version() const { return "1"; }
    MoreKinds render(const MoreKindsKey&, const std::string&) const { return {}; }
  };
  struct Hasher {
    Fingerprint components(const std::string& source) const { return std::move(Fingerprint().add("source", source)); }
  };
  MemoryStore<MoreKindsSchema> store({});
  RenderCache cache(Renderer{}, Hasher{}, store);
  const std::string source = "x";
  const MoreKindsKey good{{}, Tier::core, {}, {}};
  CHECK(cache.get(good, source).origin == Origin::render);
  CHECK(cache.get(good, source).hit());
  auto nameless = good, late = good;
  nameless.part = Tier::none;
  late.since = std::chrono::sys_days(std::chrono::days(5'000'000));
  CHECK_THROWS_WITH(cache.get(nameless, source), ContainsSubstring("'part' of the key") && ContainsSubstring("has no name"));
  CHECK_THROWS_AS(cache.get(nameless, source), InvalidKey);
  CHECK_THROWS_AS(cache.get(late, source), InvalidKey);
  CHECK_FALSE(store.erase(late));
  auto longest = good;  // "core" counts, too
  longest.digest.resize(max_key_bytes - 4);
  CHECK(cache.get(longest, source).origin == Origin::render);
  longest.digest.push_back({});
  CHECK_THROWS_AS(cache.get(longest, source), InvalidKey);
}

TEST_CASE("a stored value that its member cannot hold is unreadable") {
  MoreKindsFile file;
  file.store.publish(key, entry(laws::sample<MoreKinds>(1)));
  const auto [damage, complaint] = GENERATE(table<std::string, std::string>({
      {"day = '2024-02-30'", "'day' is no date"},
      {"texts = '{}'", "'texts' is no list of such values"},
      {"numbers = '[2147483648]'", "'numbers' has an element that its member cannot hold"},
      {"tiers = '[\"removed\"]'", "'tiers' has an element that its member cannot hold"},
      {"maybe_texts = '[null]'", "'maybe_texts' has an element that its member cannot hold"},
  }));
  file.outside("UPDATE more_kinds SET " + damage);
  CHECK_THAT(file.store.lookup(key, laws::sample_fingerprint(1)).unreadable, ContainsSubstring(complaint));
}

TEST_CASE("texts inside a list are checked as all others") {
  MoreKindsFile file;
  auto value = laws::sample<MoreKinds>(1);
  value.texts = {"good", std::string("a\0b", 3)};
  CHECK_THROWS_WITH(file.store.publish(key, entry(value)), ContainsSubstring("'texts' holds a NUL byte"));
  value.texts = {"\xff"};
  CHECK_THROWS_AS(file.store.publish(key, entry(value)), InvalidValue);
}

namespace {

struct ColourKey {
  std::string name;
  Colour hue;
  friend bool operator==(const ColourKey&, const ColourKey&) = default;
};
struct Coloured {
  Colour colour;
  std::vector<Colour> palette;
  friend bool operator==(const Coloured&, const Coloured&) = default;
};

struct ColourSchema {
  using key_type = ColourKey;
  using value_type = Coloured;
  static constexpr std::string_view table = "colours", fingerprint_column = "fingerprint", rendered_at_column = "rendered_at";
};

}  // namespace

}  // namespace member_tests

BOOST_HANA_ADAPT_STRUCT(member_tests::ColourKey, name, hue);
BOOST_HANA_ADAPT_STRUCT(member_tests::Coloured, colour, palette);

namespace member_tests {

TEST_CASE("a type of one's own is a column, a key's field and a list's element by one trait") {
  const test::TemporaryDirectory directory;
  SqliteStore<ColourSchema> file({.path = directory / "c.db", .migrations = {create_table<ColourSchema, SqliteDialect>()}});
  MemoryStore<ColourSchema> memory;
  const ColourKey red{"a", {255, 0}}, green{"a", {0, 255}};
  const Fingerprint fingerprint = Fingerprint().add("source", 1);
  const auto made = std::make_shared<const Entry<Coloured>>(Entry<Coloured>{{{1, 2}, {{3, 4}, {5, 6}}}, fingerprint});
  const auto check = [&](auto& store) {
    store.publish(red, made);
    REQUIRE(store.lookup(red, fingerprint).entry);
    CHECK((store.lookup(red, fingerprint).entry->value == made->value));
    CHECK(store.lookup(green, fingerprint).entry == nullptr);
  };
  check(file);
  check(memory);
  CHECK(hash_key(red, 1) != hash_key(green, 1));
  CHECK(describe_key(red) == "name='a', hue=65280");
  SqliteConnection(directory / "c.db", SqliteConnection::Access::write, 5s).run_script("UPDATE colours SET hue = hue + 65536");
  CHECK_THROWS_WITH(file.prune([](const ColourKey&) { return true; }, {}), ContainsSubstring("'hue' is no colour"));
}

namespace {

/// Any value in memory, described or not.
template <class Value>
struct InMemory {
  using key_type = MoreKindsKey;
  using value_type = Value;
};

/// Owns memory that only it knows of.
struct Picture {
  std::shared_ptr<const std::vector<int>> pixels;
};

template <class Value>
std::size_t weight(Value value) {
  const MemoryStore<InMemory<Value>> store;
  return store.weight(key, Entry<Value>{std::move(value), {}});
}

}  // namespace

}  // namespace member_tests

template <>
struct render_cache::MemberTraits<member_tests::Picture> {
  static std::size_t heap_bytes(const member_tests::Picture& picture) {
    return picture.pixels ? picture.pixels->capacity() * sizeof(int) : 0;
  }
};

namespace member_tests {

TEST_CASE("a value in memory may be of any type whose weight is known") {
  MemoryStore<InMemory<std::string>> texts;
  const auto made = std::make_shared<const Entry<std::string>>(Entry<std::string>{"text", Fingerprint().add("source", 1)});
  texts.publish(key, made);
  CHECK(texts.lookup(key, made->fingerprint).entry == made);

  CHECK(weight(std::string(100'000, 'x')) > weight(std::string()) + 100'000);
  CHECK(weight(std::vector<double>(10'000)) > weight(std::vector<double>()) + 80'000);
  CHECK(weight(std::vector<std::string>(10, std::string(10'000, 'x'))) > weight(std::vector<std::string>(10)) + 100'000);
  CHECK(weight(std::optional<Bytes>(Bytes(100'000))) > weight(std::optional<Bytes>()) + 100'000);
  CHECK(weight(Picture{std::make_shared<const std::vector<int>>(25'000)}) > weight(Picture{}) + 100'000);
  CHECK(weight(std::vector<Picture>(2, {std::make_shared<const std::vector<int>>(25'000)})) >
        weight(std::vector<Picture>(2)) + 200'000);
}

}  // namespace member_tests
