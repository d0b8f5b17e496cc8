// A digest over all that a row says, by which a damaged one is told.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/field.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/entry/member_types.hpp>
#include <render_cache/hasher/hex.hpp>

#include <xxhash.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace render_cache::detail {

/// XXH3 of 128 bits for each column, by its name, and the sum of them all. So neither the order of the members changes it nor an
/// optional one that was added later and is NULL. It finds damage; it stops nobody who means to forge a row.
class RowDigest {
 public:
  /// In which form a JSON document is hashed, where the database gives back other bytes; null: as it is. A pointer, so that what
  /// stores documents as they are does not compile `json_form`.
  using JsonForm = std::string (*)(std::string_view json);

  explicit RowDigest(JsonForm json_form) : json_form_(json_form) {}

  /// What is in no column of its own. No column has a name with a '|'.
  void add(std::string_view name, std::string_view text) { add(hash(Field::refer(text), false, seed(name))); }

  /// Every member of a key or value.
  template <Described T>
  void add(const T& object) {
    for_each_member(object, [&](const char* name, const auto& member) {
      using Member = typename Optional<std::remove_cvref_t<decltype(member)>>::content;
      const auto field = to_field(member);
      if (!field.is_null()) add(hash(field, MemberTraits<Member>::type.kind == Kind::json, seed(name)));
    });
  }

  /// `x3:<32 hex digits>`
  [[nodiscard]] std::string text() const {
    const auto bytes = canonical({low_, high_});
    return to_hex("x3:", bytes.digest);
  }

 private:
  static std::uint64_t seed(std::string_view name) { return XXH3_64bits(name.data(), name.size()); }
  static XXH128_canonical_t canonical(const XXH128_hash_t& hash) {
    XXH128_canonical_t bytes;
    XXH128_canonicalFromHash(&bytes, hash);
    return bytes;
  }
  void add(const XXH128_hash_t& hash) {
    low_ += hash.low64;
    high_ += hash.high64;
  }

  /// Of the form too: an empty text is no empty list.
  [[nodiscard]] XXH128_hash_t hash(const Field& field, bool json, std::uint64_t seed) const {
    const auto of = [&](std::string_view bytes) {
      return XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed + static_cast<std::uint64_t>(field.form()));
    };
    switch (field.form()) {
      case Field::Form::text:
        if (json && json_form_ != nullptr) return of(json_form_(field.text()));
        return of(field.text());
      case Field::Form::bytes: return of(field.text());
      case Field::Form::list: {
        std::string elements;
        for (const auto& element : field.elements()) {
          const auto bytes = canonical(hash(element, json, seed));
          elements.append(reinterpret_cast<const char*>(bytes.digest), sizeof bytes.digest);
        }
        return of(elements);
      }
      case Field::Form::real:  // one for all that a database takes for the same: 0 and -0, each NaN
        return of(std::isnan(field.real()) ? "nan" : text_of(Field(field.real() + 0.0)));
      case Field::Form::integer:
      case Field::Form::boolean:
      case Field::Form::null: break;
    }
    return of(text_of(field));
  }

  JsonForm json_form_;
  std::uint64_t low_ = 0, high_ = 0;
};

}  // namespace render_cache::detail
