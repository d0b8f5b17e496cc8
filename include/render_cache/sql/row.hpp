// Between the columns of a row and the members of a schema's structs: what the stores of all SQL engines have in common.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/entry.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/entry/member_types.hpp>
#include <render_cache/sql/json_list.hpp>
#include <render_cache/sql/schema.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace render_cache {

/// What is bound for a member by an engine that has no arrays: NULL for an optional that is empty, a JSON text for a list.
/// A text of the member's is referred to.
template <class Member>
Field to_column(const Member& member) {
  constexpr ColumnType type = MemberTraits<typename detail::Optional<Member>::content>::type;
  auto field = detail::to_field(member);
  if constexpr (type.list) {  // programs without lists do not compile what writes and reads them
    if (!field.is_null()) field = Field(detail::json_text<type>(field));
  }
  return field;
}

/// Reads a column into a member: its text as the dialect's `output` writes it, or nothing for NULL. Says what is wrong with it, or
/// nothing.
template <class Member>
std::string_view from_column(std::optional<std::string_view> text, Member& member) {
  constexpr ColumnType type = MemberTraits<typename detail::Optional<Member>::content>::type;
  if (!text) return detail::from_field(Field(), member);
  std::optional<Field> field;
  if constexpr (type.list) {
    field = detail::list_from_json<type>(*text);
  } else {
    field = detail::field_from_text(type, *text);
  }
  return field ? detail::from_field(*field, member) : "makes no sense";
}

/// The answer to `Sql::lookup`, if there is a row. `stored` is its first column; `read(column, member)` reads another, counted from 0
/// on, and says what is wrong with it, or nothing. A row that cannot be read is a miss that says why.
template <class S, class Read>
Lookup<typename S::value_type> read_lookup(std::optional<std::string_view> stored, const typename S::key_type& key,
                                           const Fingerprint& wanted, Read read) {
  Lookup<typename S::value_type> found;
  const auto unreadable = [&](std::string_view column, std::string_view wrong) {
    found.unreadable.append("'").append(column).append("' ").append(wrong).append(" in the row of ").append(describe_key(key));
  };
  if (!stored) {
    unreadable(S::fingerprint_column, "is NULL");
  } else if (*stored != wanted.text()) {
    found.stored = Fingerprint::from_text(std::string(*stored));
  } else {
    auto entry = std::make_shared<Entry<typename S::value_type>>();  // read straight into what is handed out
    entry->fingerprint = wanted;
    std::size_t column = 0;
    const auto read_next = [&](std::string_view name, auto& member) {
      ++column;
      if (!found.unreadable.empty()) return;
      if (const auto wrong = read(column, member); !wrong.empty()) unreadable(name, wrong);
    };
    read_next(S::rendered_at_column, entry->rendered_at);
    for_each_member(entry->value, read_next);
    if constexpr (HasValidate<S>) {
      try {
        if (found.unreadable.empty()) S::validate(entry->value);
      } catch (const std::exception& error) {
        unreadable(S::table, error.what());
      }
    }
    if (found.unreadable.empty()) found.entry = std::move(entry);
  }
  return found;
}

}  // namespace render_cache
