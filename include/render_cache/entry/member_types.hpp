// The types of members that the library knows, each by its trait.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/field.hpp>
#include <render_cache/entry/member.hpp>
#include <render_cache/entry/text_form.hpp>
#include <render_cache/entry/types.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace render_cache {

namespace detail {

template <class T>
concept Character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> || std::same_as<T, char16_t> ||
                    std::same_as<T, char32_t>;

/// For a type whose text form is all that there is to it.
template <class T, Kind kind>
struct TextTraits {
  static constexpr ColumnType type{kind};
  static Field to_field(const T& value) { return Field(to_text(value)); }
  static std::string_view from_field(const Field& field, T& value) {
    const auto read = from_text<T>(field.text());
    if (read) value = *read;
    return read ? "" : kind == Kind::uuid ? "is no UUID" : kind == Kind::date ? "is no date" : "is no timestamp";
  }
};

}  // namespace detail

template <>
struct MemberTraits<std::string> {
  static constexpr ColumnType type{Kind::text};
  static Field to_field(const std::string& text) { return Field::refer(text); }
  static std::string_view from_field(const Field& field, std::string& text) {
    text = field.text();
    return {};
  }
  static std::size_t heap_bytes(const std::string& text) noexcept {
    return text.capacity() > std::string().capacity() ? text.capacity() + 1 : 0;
  }
};

template <>
struct MemberTraits<Json> {
  static constexpr ColumnType type{Kind::json};
  static Field to_field(const Json& json) { return Field::refer(json.text); }
  static std::string_view from_field(const Field& field, Json& json) {
    json.text = field.text();
    return {};
  }
  static std::size_t heap_bytes(const Json& json) noexcept { return MemberTraits<std::string>::heap_bytes(json.text); }
};

template <>
struct MemberTraits<bool> {
  static constexpr ColumnType type{Kind::boolean};
  static Field to_field(bool truth) { return Field(truth); }
  static std::string_view from_field(const Field& field, bool& truth) {
    truth = field.boolean();
    return {};
  }
};

template <std::integral T>
  requires(!detail::Character<T> && (std::signed_integral<T> || sizeof(T) < 8) && sizeof(T) <= 8)
struct MemberTraits<T> {
  static constexpr ColumnType type{Kind::integer, std::signed_integral<T> ? (sizeof(T) < 2 ? 2 : sizeof(T)) : 2 * sizeof(T)};
  static Field to_field(T number) { return Field(static_cast<std::int64_t>(number)); }
  static std::string_view from_field(const Field& field, T& number) {
    if (!std::in_range<T>(field.integer())) return "is out of its member's range";
    number = static_cast<T>(field.integer());
    return {};
  }
};

template <>
struct MemberTraits<double> {
  static constexpr ColumnType type{Kind::real};
  static Field to_field(double number) { return Field(number); }
  static std::string_view from_field(const Field& field, double& number) {
    number = field.real();
    return {};
  }
};

template <>
struct MemberTraits<Uuid> : detail::TextTraits<Uuid, Kind::uuid> {};
template <>
struct MemberTraits<Timestamp> : detail::TextTraits<Timestamp, Kind::timestamp> {};
template <>
struct MemberTraits<std::chrono::sys_days> : detail::TextTraits<std::chrono::sys_days, Kind::date> {};

template <>
struct MemberTraits<Bytes> {
  static constexpr ColumnType type{Kind::bytes};
  static Field to_field(const Bytes& bytes) {
    return Field::refer({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, Field::Form::bytes);
  }
  static std::string_view from_field(const Field& field, Bytes& bytes) {
    const auto* first = reinterpret_cast<const std::byte*>(field.text().data());
    bytes.assign(first, first + field.text().size());
    return {};
  }
  static std::size_t heap_bytes(const Bytes& bytes) noexcept { return bytes.capacity(); }
};

/// A duration is kept as its number of units: to change the unit of a member changes what is stored.
template <Mapped Number, class Unit>
struct MemberTraits<std::chrono::duration<Number, Unit>> {
  using Duration = std::chrono::duration<Number, Unit>;
  static constexpr ColumnType type = MemberTraits<Number>::type;
  static Field to_field(Duration duration) { return MemberTraits<Number>::to_field(duration.count()); }
  static std::string_view from_field(const Field& field, Duration& duration) {
    Number count{};
    const auto wrong = MemberTraits<Number>::from_field(field, count);
    duration = Duration(count);
    return wrong;
  }
};

namespace detail {

template <class T>
struct ListWeight {
  static std::size_t heap_bytes(const std::vector<T>& list) noexcept {
    std::size_t bytes = std::same_as<T, bool> ? list.capacity() / 8 : list.capacity() * sizeof(T);
    if constexpr (!std::is_trivially_copyable_v<T>) {
      for (const auto& element : list) {
        const auto owned = render_cache::heap_bytes(element);
        if (owned != 0) bytes += owned + 16;  // and what malloc puts around it
      }
    }
    return bytes;
  }
};
/// Unknown.
template <class T>
  requires(!has_weight<T>())
struct ListWeight<T> {};

template <class T>
concept Element = Mapped<typename Optional<T>::content> && !MemberTraits<typename Optional<T>::content>::type.list;

}  // namespace detail

template <class T>
struct MemberTraits<std::vector<T>> : detail::ListWeight<T> {};

/// Elements may be optional.
template <detail::Element T>
struct MemberTraits<std::vector<T>> : detail::ListWeight<T> {
  static constexpr ColumnType type = [] {
    auto of_elements = MemberTraits<typename detail::Optional<T>::content>::type;
    of_elements.list = true;
    return of_elements;
  }();
  static Field to_field(const std::vector<T>& list) {
    std::vector<Field> elements;
    elements.reserve(list.size());
    for (const T& element : list) elements.push_back(detail::to_field(element));
    return Field(std::move(elements));
  }
  static std::string_view from_field(const Field& field, std::vector<T>& list) {
    list.clear();
    list.reserve(field.elements().size());
    for (const auto& element : field.elements()) {
      T member{};
      if (!detail::from_field(element, member).empty()) return "has an element that its member cannot hold";
      list.push_back(std::move(member));
    }
    return {};
  }
};

}  // namespace render_cache
