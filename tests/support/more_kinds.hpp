// A schema with bytes, an enumeration, durations, days, a type of its own and lists, each also as an optional.
#pragma once

#include <render_cache/entry/member_types.hpp>

#include <boost/hana/adapt_struct.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace render_cache::test {

enum class Tier : std::uint8_t { core, extra, none };

/// A type that the library knows nothing of.
struct Colour {
  std::uint8_t red = 0, green = 0;
  friend bool operator==(const Colour&, const Colour&) = default;
};

struct MoreKindsKey {
  Bytes digest;
  Tier part;
  std::chrono::sys_days since;
  std::chrono::minutes offset;
  friend bool operator==(const MoreKindsKey&, const MoreKindsKey&) = default;
};

struct MoreKinds {
  Bytes bytes;
  std::optional<Bytes> maybe_bytes;
  Tier tier;
  std::optional<Tier> maybe_tier;
  std::chrono::milliseconds took;
  std::optional<std::chrono::duration<double>> maybe_took;
  std::chrono::sys_days day;
  std::optional<std::chrono::sys_days> maybe_day;
  std::vector<std::string> texts;
  std::optional<std::vector<std::string>> maybe_texts;
  std::vector<std::optional<std::int32_t>> numbers;
  std::vector<double> reals;
  std::vector<bool> flags;
  std::vector<Uuid> uuids;
  std::vector<Timestamp> times;
  std::vector<std::chrono::sys_days> days;
  std::vector<Json> documents;
  std::vector<Bytes> many_bytes;
  std::vector<Tier> tiers;
  friend bool operator==(const MoreKinds&, const MoreKinds&) = default;
};

struct MoreKindsSchema {
  using key_type = MoreKindsKey;
  using value_type = MoreKinds;
  static constexpr std::string_view table = "more_kinds", fingerprint_column = "fingerprint", rendered_at_column = "rendered_at";
};

}  // namespace render_cache::test

template <>
struct render_cache::MemberTraits<render_cache::test::Tier> : render_cache::EnumTraits<render_cache::test::Tier> {
  static constexpr Name names[] = {{test::Tier::core, "core"}, {test::Tier::extra, "extra"}};
};

template <>
struct render_cache::MemberTraits<render_cache::test::Colour> {
  static constexpr ColumnType type{Kind::integer, 4};
  static Field to_field(test::Colour colour) { return Field(colour.red * 256 + colour.green); }
  static std::string_view from_field(const Field& field, test::Colour& colour) {
    if (field.integer() < 0 || field.integer() >= 65536) return "is no colour";
    colour = {static_cast<std::uint8_t>(field.integer() / 256), static_cast<std::uint8_t>(field.integer() % 256)};
    return {};
  }
};

BOOST_HANA_ADAPT_STRUCT(render_cache::test::MoreKindsKey, digest, part, since, offset);
BOOST_HANA_ADAPT_STRUCT(render_cache::test::MoreKinds, bytes, maybe_bytes, tier, maybe_tier, took, maybe_took, day, maybe_day,
                        texts, maybe_texts, numbers, reals, flags, uuids, times, days, documents, many_bytes, tiers);
