// A schema with a member of every type that has a column.
#pragma once

#include <render_cache/schema/migration.hpp>
#include <render_cache/schema/types.hpp>

#include <boost/hana/adapt_struct.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace render_cache::test {

struct EveryKindKey {
  std::string area;
  std::int32_t number = 0;
  Uuid owner{};
  bool draft = false;
  friend bool operator==(const EveryKindKey&, const EveryKindKey&) = default;
};

struct EveryKind {
  std::string text;
  std::int16_t small = 0;
  std::int64_t wide = 0;
  std::uint32_t unsigned_32 = 0;
  bool flag = false;
  double ratio = 0;
  Uuid id{};
  Timestamp moment{};
  Json document{"{}"};
  std::optional<std::string> maybe_text;
  std::optional<std::int64_t> maybe_wide;
  std::optional<bool> maybe_flag;
  std::optional<double> maybe_ratio;
  std::optional<Uuid> maybe_id;
  std::optional<Timestamp> maybe_moment;
  std::optional<Json> maybe_document;
  friend bool operator==(const EveryKind&, const EveryKind&) = default;
};

struct EveryKindSchema {
  using key_type = EveryKindKey;
  using value_type = EveryKind;
  static constexpr std::string_view table = "every_kind";
  static constexpr std::string_view fingerprint_column = "fingerprint";
  static constexpr std::string_view rendered_at_column = "checked_at";
  static constexpr std::string_view updated_at_column = "changed_at";
  static void validate(const EveryKind& value) {
    if (value.document.text == "[]") throw std::runtime_error("'document' is an empty list");
  }
};

/// Beside the columns of the schema: a surrogate primary key, and a column that the schema does not know.
inline std::vector<Migration> every_kind_migrations_sqlite() {
  return {{1, "every_kind", R"sql(
CREATE TABLE every_kind (
  row_id INTEGER PRIMARY KEY,
  area TEXT NOT NULL, number INTEGER NOT NULL, owner TEXT NOT NULL, draft INTEGER NOT NULL,
  text TEXT, small INTEGER, wide INTEGER, unsigned_32 INTEGER, flag INTEGER, ratio REAL, id TEXT, moment TEXT,
  document TEXT CHECK (json_valid(document)),
  maybe_text TEXT, maybe_wide INTEGER, maybe_flag INTEGER, maybe_ratio REAL, maybe_id TEXT, maybe_moment TEXT,
  maybe_document TEXT CHECK (json_valid(maybe_document)),
  fingerprint TEXT, checked_at TEXT, changed_at TEXT,
  note TEXT NOT NULL DEFAULT 'none',
  UNIQUE (owner, area, number, draft)
) STRICT)sql", "DROP TABLE every_kind"}};
}

}  // namespace render_cache::test

BOOST_HANA_ADAPT_STRUCT(render_cache::test::EveryKindKey, area, number, owner, draft);
BOOST_HANA_ADAPT_STRUCT(render_cache::test::EveryKind, text, small, wide, unsigned_32, flag, ratio, id, moment, document,
                        maybe_text, maybe_wide, maybe_flag, maybe_ratio, maybe_id, maybe_moment, maybe_document);
