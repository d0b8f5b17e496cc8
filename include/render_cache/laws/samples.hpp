// Keys and values for tests, made from a number: equal numbers give equal values, different numbers different ones.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/fingerprint.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/entry/types.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <type_traits>
#include <utility>

namespace render_cache::laws {

/// Sets one member from a number. Every third optional is empty.
template <class Member>
void fill(Member& member, const char* name, unsigned number) {
  if constexpr (std::same_as<Member, std::string>) {
    member = std::string(name) + ' ' + std::to_string(number);
  } else if constexpr (std::same_as<Member, Json>) {
    member.text = "{\"number\": " + std::to_string(number) + "}";  // as PostgreSQL's jsonb writes it
  } else if constexpr (std::same_as<Member, bool>) {
    member = number % 2 == 1;
  } else if constexpr (std::integral<Member>) {
    member = static_cast<Member>(number % 100);
  } else if constexpr (std::floating_point<Member>) {
    member = static_cast<Member>(number) / 3;  // has no short decimal form
  } else if constexpr (std::same_as<Member, Uuid>) {
    std::uint8_t at = 0;
    for (auto& byte : member) byte = static_cast<std::uint8_t>(at++ < 4 ? number >> (8 * (at - 1)) : 0xa0 + at);
  } else if constexpr (std::same_as<Member, Timestamp>) {
    member = Timestamp(std::chrono::seconds(1'700'000'000) + std::chrono::microseconds(number));
  } else if constexpr (std::same_as<Member, std::chrono::sys_days>) {
    member = std::chrono::sys_days(std::chrono::days(number));
  } else if constexpr (requires { member = Member(member.count()); }) {  // a duration
    member = Member(static_cast<typename Member::rep>(number));
  } else if constexpr (std::is_enum_v<Member>) {
    const auto& names = MemberTraits<Member>::names;
    member = names[number % std::size(names)].value;
  } else if constexpr (std::same_as<Member, Bytes>) {
    member = {std::byte{0}, std::byte{0xff}, static_cast<std::byte>(number), static_cast<std::byte>(number >> 8),
              std::byte{'\\'}};
  } else if constexpr (requires { member.clear(), member.push_back({}); }) {  // a list
    member.clear();
    for (unsigned each = 0; each < number % 4; ++each) {
      typename Member::value_type element{};
      fill(element, name, number + each);
      member.push_back(std::move(element));
    }
  } else {  // an optional
    member.reset();
    if (number % 3 != 2) fill(member.emplace(), name, number);
  }
}

template <Described T>
T sample(unsigned number) {
  T object{};
  for_each_member(object, [&](const char* name, auto& member) { fill(member, name, number); });
  return object;
}

/// A key of the given group. Keys with different numbers differ wherever the key has more than its group.
template <Key K>
K sample_key(unsigned group, unsigned number) {
  K key = sample<K>(number);
  bool first = true;
  for_each_member(key, [&](const char* name, auto& member) {
    if (first) fill(member, name, group);
    first = false;
  });
  return key;
}

inline Fingerprint sample_fingerprint(unsigned number) { return Fingerprint().add("source", number).add("renderer", "laws/1"); }

/// The last text of a key or value, or null: the one to put difficult texts into.
template <Described T>
std::string* last_text(T& object) {
  std::string* last = nullptr;
  for_each_member(object, [&](const char*, auto& member) {
    if constexpr (std::same_as<std::remove_cvref_t<decltype(member)>, std::string>) last = &member;
  });
  return last;
}

}  // namespace render_cache::laws
