// Between described structs and PostgreSQL's rows, parameters and arrays, all in text form.
#pragma once

#include <render_cache/entry/entry.hpp>
#include <render_cache/sql/columns.hpp>
#include <render_cache/sql/text_form.hpp>
#include <render_cache/store/postgres/libpqxx.hpp>

#include <pqxx/pqxx>

#include <array>
#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace render_cache::detail {

template <class Member>
void add_parameter(PostgresParameters& parameters, const Member& member) {
  if constexpr (Optional<Member>::value) {
    member ? add_parameter(parameters, *member) : parameters.add_null();
  } else if constexpr (std::same_as<Member, std::string>) {
    parameters.add(member);
  } else if constexpr (std::same_as<Member, Json>) {
    parameters.add(member.text);
  } else {
    parameters.add_owned(to_text(member));
  }
}

/// Adds every member of a struct, in order. The struct must outlive the call.
template <Described T>
void add_parameters(PostgresParameters& parameters, const T& object) {
  for_each_member(object, [&](const char*, const auto& member) { add_parameter(parameters, member); });
}

/// Whether one key comes before another: some total order, the same on every node.
template <Described T>
bool comes_before(const T& a, const T& b) {
  int order = 0;
  boost::hana::for_each(boost::hana::accessors<T>(), [&](const auto& accessor) {
    const auto& left = boost::hana::second(accessor)(a);
    const auto& right = boost::hana::second(accessor)(b);
    if (order == 0) order = left < right ? -1 : right < left ? 1 : 0;
  });
  return order < 0;
}

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

  template <class Member>
  void add_member(const Member& member) {
    if constexpr (Optional<Member>::value) {
      member ? add_member(*member) : add_null();
    } else if constexpr (std::same_as<Member, std::string>) {
      add(member);
    } else if constexpr (std::same_as<Member, Json>) {
      add(member.text);
    } else {
      add(to_text(member));
    }
  }

  [[nodiscard]] std::string take() {
    text_ += text_.empty() ? "{}" : "}";
    return std::move(text_);
  }

 private:
  [[nodiscard]] char separator() const noexcept { return text_.empty() ? '{' : ','; }

  std::string text_;
};

/// One array for each member of a struct.
template <Described T>
class MemberArrays {
 public:
  void add(const T& object) {
    std::size_t at = 0;
    for_each_member(object, [&](const char*, const auto& member) { arrays_[at++].add_member(member); });
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
  if constexpr (Optional<Member>::value) {
    member.reset();
    return field.is_null() ? std::string() : read_field(field, member.emplace());
  } else {
    if (field.is_null()) return "is NULL";
    const auto text = text_of(field);
    if constexpr (std::same_as<Member, std::string>) {
      member = text;
    } else if constexpr (std::same_as<Member, Json>) {
      member.text = text;
    } else if (const auto value = from_text<Member>(text)) {
      member = *value;
    } else {
      return "is '" + std::string(text.substr(0, 40)) + "', which its member cannot hold,";
    }
    return {};
  }
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

/// Reads rendered_at and the value, from the field `first` on. Says what is wrong with them, or nothing.
template <Schema S>
std::string read_entry(const pqxx::row& row, pqxx::row::size_type first, Entry<typename S::value_type>& entry) {
  auto wrong = read_field(row[first], entry.rendered_at);
  if (!wrong.empty()) return "'" + std::string(S::rendered_at_column) + "' " + wrong;
  wrong = read_fields(row, first + 1, entry.value);
  if constexpr (HasValidate<S>) {
    if (!wrong.empty()) return wrong;
    try {
      S::validate(entry.value);
    } catch (const std::exception& error) {
      wrong = "'" + std::string(S::table) + "' " + error.what();
    }
  }
  return wrong;
}

/// Reads the fingerprint, and the rest where it is the one wanted, from the field `first` on.
template <Schema S>
Lookup<typename S::value_type> read_lookup(const pqxx::row& row, pqxx::row::size_type first, const typename S::key_type& key,
                                           const Fingerprint& wanted) {
  Lookup<typename S::value_type> found;
  std::string wrong;
  if (row[first].is_null()) {
    wrong = "'" + std::string(S::fingerprint_column) + "' is NULL";
  } else if (text_of(row[first]) != wanted.text()) {
    found.stored = Fingerprint::from_text(std::string(text_of(row[first])));
  } else {
    auto entry = std::make_shared<Entry<typename S::value_type>>();
    entry->fingerprint = wanted;
    wrong = read_entry<S>(row, first + 1, *entry);
    if (wrong.empty()) found.entry = std::move(entry);
  }
  if (!wrong.empty()) found.unreadable = wrong + " in the row of " + describe_key(key);
  return found;
}

}  // namespace render_cache::detail
