// Between described structs and PostgreSQL's rows, parameters and arrays, all in text form.
#pragma once

#include <render_cache/entry/member_types.hpp>
#include <render_cache/sql/columns.hpp>
#include <render_cache/sql/row.hpp>
#include <render_cache/store/postgres/libpqxx.hpp>

#include <pqxx/pqxx>

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace render_cache::detail {

/// Writes `{"a","b\"c",NULL}`: libpqxx 6.4 takes no vectors.
class ArrayLiteral {
 public:
  void add(std::string_view element) {
    text_ += separator();
    text_ += '"';
    for (const char c : element) {
      if (c == '"' || c == '\\') text_ += '\\';
      text_ += c;
    }
    text_ += '"';
  }
  void add_null() {
    text_ += separator();
    text_ += "NULL";
  }

  void add_field(const Field& field);

  [[nodiscard]] std::string take() {
    text_ += text_.empty() ? "{}" : "}";
    return std::move(text_);
  }

 private:
  [[nodiscard]] char separator() const noexcept { return text_.empty() ? '{' : ','; }

  std::string text_;
};

/// What is sent for a field: a list as an array.
inline std::string parameter_text(const Field& field) {
  if (field.form() != Field::Form::list) return text_of(field);
  ArrayLiteral array;
  for (const auto& element : field.elements()) array.add_field(element);
  return array.take();
}

inline void ArrayLiteral::add_field(const Field& field) {
  if (field.is_null()) {
    add_null();
  } else if (field.form() == Field::Form::text) {
    add(field.text());
  } else {
    add(parameter_text(field));
  }
}

template <class Member>
void add_parameter(PostgresParameters& parameters, const Member& member) {
  if constexpr (Optional<Member>::value) {
    member ? add_parameter(parameters, *member) : parameters.add_null();
  } else if constexpr (std::same_as<Member, std::string>) {
    parameters.add(member);  // large ones are not copied
  } else if constexpr (std::same_as<Member, Json>) {
    parameters.add(member.text);
  } else {
    parameters.add_owned(parameter_text(to_field(member)));
  }
}

/// Adds every member of a struct, in order. The struct must outlive the call.
template <Described T>
void add_parameters(PostgresParameters& parameters, const T& object) {
  for_each_member(object, [&](const char*, const auto& member) { add_parameter(parameters, member); });
}

/// Some total order of fields of one type.
inline int compare(const Field& a, const Field& b) {
  if (a.form() == Field::Form::text || a.form() == Field::Form::bytes) return a.text().compare(b.text());
  return a.integer() < b.integer() ? -1 : b.integer() < a.integer() ? 1 : 0;
}

/// Whether one key comes before another: some total order, the same on every node.
template <Described T>
bool comes_before(const T& a, const T& b) {
  int order = 0;
  boost::hana::for_each(boost::hana::accessors<T>(), [&](const auto& accessor) {
    if (order == 0) order = compare(to_field(boost::hana::second(accessor)(a)), to_field(boost::hana::second(accessor)(b)));
  });
  return order < 0;
}

/// One array for each member of a struct.
template <Described T>
class MemberArrays {
 public:
  void add(const T& object) {
    std::size_t at = 0;
    for_each_member(object, [&](const char*, const auto& member) { arrays_[at++].add_field(to_field(member)); });
  }
  void move_to(PostgresParameters& parameters) {
    for (auto& array : arrays_) parameters.add_owned(array.take());
  }

 private:
  std::array<ArrayLiteral, decltype(boost::hana::length(boost::hana::accessors<T>()))::value> arrays_;
};

inline std::string_view text_of(const pqxx::field& field) { return {field.c_str(), field.size()}; }

/// Reads one field into a member. Says what is wrong with it, or nothing.
template <class Member>
std::string read_field(const pqxx::field& field, Member& member) {
  if (field.is_null()) return std::string(from_column(std::nullopt, member));
  const auto wrong = from_column(text_of(field), member);
  return wrong.empty() ? std::string() : "is '" + std::string(text_of(field).substr(0, 40)) + "': it " + std::string(wrong);
}

/// Reads a struct from the fields from `first` on. Says what is wrong with them, or nothing.
template <Described T>
std::string read_fields(const pqxx::row& row, pqxx::row::size_type first, T& object) {
  std::string wrong;
  for_each_member(object, [&](const char* name, auto& member) {
    if (wrong.empty()) {
      wrong = read_field(row[first], member);
      if (!wrong.empty()) wrong = "'" + std::string(name) + "' " + wrong;
    }
    ++first;
  });
  return wrong;
}

}  // namespace render_cache::detail
