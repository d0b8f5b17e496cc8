// What the core needs to know of a key or value struct that is described to Boost.Hana: its group, its hash, its weight.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/member.hpp>
#include <render_cache/entry/member_types.hpp>
#include <render_cache/entry/types.hpp>

#include <boost/hana/accessors.hpp>
#include <boost/hana/concept/struct.hpp>
#include <boost/hana/first.hpp>
#include <boost/hana/for_each.hpp>
#include <boost/hana/front.hpp>
#include <boost/hana/length.hpp>
#include <boost/hana/second.hpp>
#include <boost/hana/unpack.hpp>
#include <boost/uuid/uuid.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace render_cache {

/// A struct described with BOOST_HANA_ADAPT_STRUCT (or BOOST_HANA_DEFINE_STRUCT).
template <class T>
concept Described = boost::hana::Struct<T>::value;

/// A key: described, equality comparable, and with a first field, the group.
template <class T>
concept Key = Described<T> && std::equality_comparable<T> && std::copy_constructible<T>;

/// What a key's fields may be: integers, and all that has a column and is compared by its exact value, which floating-point numbers,
/// JSON and lists are not. A look-up may be made with views of them.
template <class T>
concept KeyField = std::integral<T> || (Mapped<T> && !MemberTraits<T>::type.list && MemberTraits<T>::type.kind != Kind::real &&
                                        MemberTraits<T>::type.kind != Kind::json);

namespace detail {

template <class T, class Accessor>
using member_t = std::remove_cvref_t<decltype(boost::hana::second(std::declval<Accessor>())(std::declval<const T&>()))>;

/// Whether `is(std::type_identity<Member>{})` holds for each member of a described struct.
template <class T, class Is>
consteval bool every_member(Is is) {
  return boost::hana::unpack(boost::hana::accessors<T>(), [=](auto... accessor) {
    return (... && is(std::type_identity<member_t<T, decltype(accessor)>>{}));
  });
}

}  // namespace detail

/// Says in words what a type lacks to be a key: in a schema, and in every store.
template <class K>
consteval bool check_key_type() {
  if constexpr (!Described<K>) {
    RENDER_CACHE_MISTAKE(
        "describe the key to Boost.Hana: add BOOST_HANA_ADAPT_STRUCT(MyKey, its_first_member, ...) after the struct");
  } else if constexpr (decltype(boost::hana::length(boost::hana::accessors<K>()))::value == 0) {
    RENDER_CACHE_MISTAKE("a key has at least one field: the first one is its group");
  } else if constexpr (!detail::every_member<K>([]<class T>(std::type_identity<T>) { return KeyField<T>; })) {
    RENDER_CACHE_MISTAKE(
        "the fields of a key may be std::string, integers, bool, Uuid, times, Bytes and enumerations with names, and not "
        "optional");
  } else if constexpr (!std::equality_comparable<K>) {
    RENDER_CACHE_MISTAKE("keys must be comparable: add `friend bool operator==(const MyKey&, const MyKey&) = default;`");
  } else if constexpr (!std::copy_constructible<K>) {
    RENDER_CACHE_MISTAKE("a key must be copyable: its members too");
  }
  return true;
}

/// Calls `visit(name, member)` for each member in order; `name` is a `const char*`.
template <Described T, class Visit>
constexpr void for_each_member(T&& object, Visit&& visit) {
  boost::hana::for_each(boost::hana::accessors<std::remove_cvref_t<T>>(), [&](const auto& accessor) {
    visit(boost::hana::first(accessor).c_str(), boost::hana::second(accessor)(object));
  });
}

/// The group of a key: its first field, such as the repository.
template <Described T>
constexpr const auto& group_of(const T& key) {
  return boost::hana::second(boost::hana::front(boost::hana::accessors<T>()))(key);
}
/// The type of a key's group.
template <Described T>
using group_t = std::remove_cvref_t<decltype(group_of(std::declval<const T&>()))>;

/// The most bytes that the texts of one key may have together, in every store alike: PostgreSQL cannot index more than
/// 2,704 bytes (a third of a page) and a key should not work on one store and fail on another.
inline constexpr std::size_t max_key_bytes = 2048;

namespace detail {

/// Folded multiply, the mixing step of wyhash (Wang Yi, 2019).
constexpr std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t read64(const char* from) noexcept {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

/// For tables whose keys strangers choose: with a seed that is known, keys can be made that all fall into one place.
inline std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

inline std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) noexcept {
  constexpr std::uint64_t k0 = 0xa0761d6478bd642f, k1 = 0xe7037ed1a0b428db;
  const std::uint64_t secret = k1 ^ std::rotl(seed, 29);  // a constant that is known could be cancelled by the key
  std::uint64_t state = seed ^ k0;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left > 16; at += 16, left -= 16) state = fold(read64(at) ^ secret, read64(at + 8) ^ state);
  std::uint64_t low = 0, high = 0;  // the last 0 to 16 bytes, read as two words that may overlap
  if (left >= 8) {
    low = read64(at);
    high = read64(at + left - 8);
  } else if (left > 0) {
    std::memcpy(&low, at, left);
  }
  return fold(k1 ^ bytes.size(), fold(low ^ secret, high ^ state));
}

template <class T>
std::uint64_t hash_value(const T& value, std::uint64_t seed) noexcept {
  if constexpr (std::convertible_to<const T&, std::string_view>) {
    return hash_bytes(value, seed);
  } else if constexpr (std::integral<T>) {
    return fold(static_cast<std::uint64_t>(value) ^ 0xe7037ed1a0b428db ^ std::rotl(seed, 29), seed ^ 0x8ebc6af09c88c6e3);
  } else if constexpr (std::same_as<T, Uuid>) {
    return hash_bytes({reinterpret_cast<const char*>(value.begin()), 16}, seed);
  } else if constexpr (std::is_enum_v<T>) {
    return hash_value(static_cast<std::int64_t>(value), seed);
  } else if constexpr (requires { value.time_since_epoch().count(); }) {
    return hash_value(value.time_since_epoch().count(), seed);
  } else if constexpr (requires {
                         typename T::rep;
                         value.count();
                       }) {
    return hash_value(value.count(), seed);
  } else {
    try {
      const auto field = MemberTraits<T>::to_field(value);
      return field.form() == Field::Form::text || field.form() == Field::Form::bytes ? hash_bytes(field.text(), seed)
                                                                                     : hash_value(field.integer(), seed);
    } catch (...) {  // its trait refuses it, and so does `check_key`, before anything is kept for it
      return seed;
    }
  }
}

template <class T>
concept HasOwnWeight = requires(const T& value) {
  { MemberTraits<T>::heap_bytes(value) } -> std::convertible_to<std::size_t>;
};

/// Whether `heap_bytes` knows what a value owns.
template <class T>
consteval bool has_weight() {
  if constexpr (HasOwnWeight<T>) {
    return true;
  } else if constexpr (Optional<T>::value) {
    return has_weight<typename Optional<T>::content>();
  } else if constexpr (Described<T>) {
    return every_member<T>([]<class Member>(std::type_identity<Member>) { return has_weight<Member>(); });
  } else {
    return std::is_trivially_copyable_v<T> && !std::ranges::view<T> && !std::is_pointer_v<T>;
  }
}

}  // namespace detail

template <class T>
std::size_t heap_bytes(const T& value) noexcept {
  if constexpr (detail::HasOwnWeight<T>) {
    return MemberTraits<T>::heap_bytes(value);
  } else if constexpr (detail::Optional<T>::value) {
    return value.has_value() ? heap_bytes(*value) : 0;
  } else if constexpr (Described<T>) {
    std::size_t bytes = 0;
    for_each_member(value, [&](const char*, const auto& member) { bytes += heap_bytes(member); });
    return bytes;
  } else {
    static_assert(detail::has_weight<T>());
    return 0;
  }
}

/// Seeded against flooding: an author who can choose keys cannot choose their hashes. A key of views (the same
/// fields as string_view) has the hash of the key itself.
template <Described T>
std::uint64_t hash_key(const T& key, std::uint64_t seed) noexcept {
  std::uint64_t state = seed;
  for_each_member(key, [&](const char*, const auto& field) { state = detail::hash_value(field, state); });
  return state;
}

/// For error messages and logs: `repo_alias='docs', page_path='a.md'`.
template <Described T>
std::string describe_key(const T& key) {
  std::string text;
  for_each_member(key, [&](const char* name, const auto& field) {
    using Type = std::remove_cvref_t<decltype(field)>;
    if (!text.empty()) text += ", ";
    text += name;
    text += '=';
    if constexpr (std::convertible_to<const Type&, std::string_view>) {
      text.append("'").append(std::string_view(field).substr(0, 200)).append("'");
    } else if constexpr (std::integral<Type>) {
      text += std::to_string(field);
    } else {
      text += detail::text_of(detail::to_field(field));
    }
  });
  return text;
}

}  // namespace render_cache
