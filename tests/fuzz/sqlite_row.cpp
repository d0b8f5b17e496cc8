// A row that somebody else has written, in a table without types: a miss that says why, or a value that is what the row holds, and
// can be stored again. Nothing is thrown.
#include <render_cache/store/sqlite.hpp>

#include "fuzz.hpp"
#include "support/all_kinds.hpp"
#include "support/temporary_directory.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>

using namespace render_cache;
using namespace render_cache::test;

namespace {

constexpr std::array columns = {"text",       "maybe_text", "small_number", "number",    "maybe_number", "flag",
                                "maybe_flag", "real",       "maybe_real",   "uuid",      "maybe_uuid",   "time",
                                "maybe_time", "json",       "maybe_json",   "checked_at"};

const AllKindsKey key{-7, {{1, 2, 3}}, "name", true};

struct File {
  // SQLite asks neither the disk nor the types: `outside` writes whatever it is told to.
  static std::string lax_table() {
    const std::string strict = all_kinds_sqlite;
    std::string sql = strict.substr(0, strict.rfind(" STRICT"));
    for (std::size_t at; (at = sql.find(" NOT NULL")) != sql.npos;) sql.erase(at, std::strlen(" NOT NULL"));
    return sql;
  }
  static std::string update() {
    std::string sql = "UPDATE all_kinds SET fingerprint = 'source=1'";  // without the digest of another row
    for (std::size_t i = 0; i < columns.size(); ++i)
      sql.append(", \"").append(columns[i]).append("\" = ?").append(std::to_string(i + 1));
    return sql;
  }

  TemporaryDirectory directory{};
  SqliteStore<AllKindsSchema> store{{.path = directory / "all.db", .migrations = {{1, "all_kinds", lax_table(), ""}}}};
  SqliteConnection outside{directory / "all.db", SqliteConnection::Access::write, std::chrono::seconds(5)};
  Fingerprint fingerprint = Fingerprint().add("source", 1);

  sqlite3_stmt* write = nullptr;

  File() {
    outside.run_script("PRAGMA synchronous = OFF");
    AllKinds value{};
    value.json = {"{}"};
    publish(value);
    outside.check(sqlite3_prepare_v2(outside.handle(), update().c_str(), -1, &write, nullptr));
  }
  ~File() { sqlite3_finalize(write); }
  void publish(const AllKinds& value) {
    store.publish(key, std::make_shared<const Entry<AllKinds>>(Entry<AllKinds>{value, fingerprint}));
  }
};

class Input {
 public:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}
  std::string_view take(std::size_t count) {
    const auto taken = bytes_.substr(0, count);
    bytes_.remove_prefix(taken.size());
    return taken;
  }
  template <class Number>
  Number number() {
    Number number{};
    const auto taken = take(sizeof number);
    std::memcpy(&number, taken.data(), taken.size());
    return number;
  }

 private:
  std::string_view bytes_;
};

}  // namespace

// For each column a kind, and what that needs.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static File file;
  Input bytes(fuzz::text(data, size));
  std::array<std::optional<std::string_view>, columns.size()> texts{};
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const int at = static_cast<int>(i + 1);
    const auto kind = bytes.number<char>();
    if (kind == 'i') {
      sqlite3_bind_int64(file.write, at, bytes.number<std::int64_t>());
    } else if (kind == 's') {
      sqlite3_bind_int64(file.write, at, bytes.number<std::int8_t>());
    } else if (kind == 'r') {
      sqlite3_bind_double(file.write, at, bytes.number<double>());
    } else if (kind == 'n') {
      sqlite3_bind_null(file.write, at);
    } else {
      const auto text = bytes.take(bytes.number<std::uint8_t>());
      if (kind == 'b') {
        sqlite3_bind_blob64(file.write, at, text.data(), text.size(), SQLITE_STATIC);
      } else {
        texts[i] = text;
        sqlite3_bind_text64(file.write, at, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
      }
    }
  }
  sqlite3_step(file.write);
  fuzz::expect(sqlite3_reset(file.write) == SQLITE_OK, "the row is written");

  const auto found = file.store.lookup(key, file.fingerprint);
  fuzz::expect((found.entry != nullptr) == found.unreadable.empty(), "a row is read, or it is said why not");
  fuzz::expect(file.store.lookup_stale(key).has_value() == (found.entry != nullptr), "the same row when it is stale");
  if (!found.entry) return 0;
  const auto& value = found.entry->value;
  const auto is = [&](std::size_t column, const std::string& member) { return !texts[column] || member == *texts[column]; };
  fuzz::expect(is(0, value.text) && is(1, value.maybe_text.value_or("")) && is(13, value.json.text),
               "texts are what was written");
  try {
    file.publish(value);
  } catch (const InvalidValue&) {
    return 0;  // no store of ours would have written it
  }
  const auto again = file.store.lookup(key, file.fingerprint);
  fuzz::expect(again.entry && again.entry->value == value, "what was read can be stored");
  return 0;
}
