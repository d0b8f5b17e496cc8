// A schema with a column of every kind, each also as an optional, and its table in both dialects.
#pragma once

#include <render_cache/entry/types.hpp>

#include <boost/hana/adapt_struct.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace render_cache::test {

struct AllKindsKey {
  std::int32_t tenant;
  Uuid id;
  std::string name;
  bool draft;
  friend bool operator==(const AllKindsKey&, const AllKindsKey&) = default;
};

struct AllKinds {
  std::string text;
  std::optional<std::string> maybe_text;
  std::int16_t small_number;
  std::int64_t number;
  std::optional<std::int32_t> maybe_number;
  bool flag;
  std::optional<bool> maybe_flag;
  double real;
  std::optional<double> maybe_real;
  Uuid uuid;
  std::optional<Uuid> maybe_uuid;
  Timestamp time;
  std::optional<Timestamp> maybe_time;
  Json json;
  std::optional<Json> maybe_json;
  friend bool operator==(const AllKinds&, const AllKinds&) = default;
};

struct AllKindsSchema {
  using key_type = AllKindsKey;
  using value_type = AllKinds;
  static constexpr std::string_view table = "all_kinds";
  static constexpr std::string_view fingerprint_column = "fingerprint";
  static constexpr std::string_view rendered_at_column = "checked_at";
  static constexpr std::string_view updated_at_column = "updated_at";
};

inline constexpr const char* all_kinds_postgres = R"sql(
  CREATE TABLE all_kinds (
    row_number bigint GENERATED ALWAYS AS IDENTITY,
    tenant integer, id uuid, name text, draft boolean,
    text text NOT NULL, maybe_text varchar(2000000), small_number smallint NOT NULL, number bigint NOT NULL,
    maybe_number bigint, flag boolean NOT NULL, maybe_flag boolean, "real" double precision NOT NULL,
    maybe_real double precision, uuid uuid NOT NULL, maybe_uuid uuid, "time" timestamptz NOT NULL,
    maybe_time timestamptz, json jsonb NOT NULL, maybe_json json,
    fingerprint text NOT NULL, checked_at timestamptz, updated_at timestamptz DEFAULT now(),
    PRIMARY KEY (tenant, id, name, draft)))sql";

inline constexpr const char* all_kinds_sqlite = R"sql(
  CREATE TABLE all_kinds (
    tenant INTEGER, id TEXT, name TEXT, draft INTEGER,
    text TEXT NOT NULL, maybe_text TEXT, small_number INTEGER NOT NULL, number INTEGER NOT NULL,
    maybe_number INTEGER, flag INTEGER NOT NULL, maybe_flag INTEGER, "real" REAL NOT NULL,
    maybe_real REAL, uuid TEXT NOT NULL, maybe_uuid TEXT, "time" TEXT NOT NULL,
    maybe_time TEXT, json TEXT NOT NULL, maybe_json TEXT,
    fingerprint TEXT NOT NULL, checked_at TEXT, updated_at TEXT,
    PRIMARY KEY (tenant, id, name, draft)) STRICT)sql";

}  // namespace render_cache::test

BOOST_HANA_ADAPT_STRUCT(render_cache::test::AllKindsKey, tenant, id, name, draft);
BOOST_HANA_ADAPT_STRUCT(render_cache::test::AllKinds, text, maybe_text, small_number, number, maybe_number, flag, maybe_flag,
                        real, maybe_real, uuid, maybe_uuid, time, maybe_time, json, maybe_json);
