// Between the columns of a row and the members of a schema's structs: what the stores of all SQL engines have in common.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/entry.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/entry/member_types.hpp>
#include <render_cache/entry/text.hpp>
#include <render_cache/sql/json_form.hpp>
#include <render_cache/sql/json_list.hpp>
#include <render_cache/sql/row_digest.hpp>
#include <render_cache/sql/schema.hpp>
#include <render_cache/sql/stored_text.hpp>

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

namespace detail {

/// What a row's digest says that covers this key, value, fingerprint and notes.
template <class Key, class Value>
std::string row_digest(const Key& key, const Value& value, std::string_view fingerprint, std::string_view notes,
                       RowDigest::JsonForm json_form) {
  RowDigest digest(json_form);
  digest.add("|fingerprint", fingerprint);
  digest.add("|notes", notes);
  digest.add(key);
  digest.add(value);
  return digest.text();
}

/// Whether the row is what a publish has written, but for its times, which are the database's.
template <class Dialect, class Key, class Value>
bool is_undamaged(const StoredText& stored, const Key& key, const Value& value) {
  const auto notes = stored.covered();
  const auto fits = [&](RowDigest::JsonForm json_form) {
    return stored.row() == row_digest(key, value, stored.fingerprint(), notes, json_form);
  };
  if (fits(nullptr)) return true;
  if constexpr (!Dialect::keeps_json_text) {
    try {
      return fits(&json_form<>);  // the database has written a document in another form than we would
    } catch (const InvalidValue&) {
    }
  }
  return false;
}

/// Throws for a value that no row of the schema may hold.
template <class S>
void check_row(const typename S::value_type& value) {
  check_value(value);
  if constexpr (HasValidate<S>) S::validate(value);
}

}  // namespace detail

/// What a publish of the entry writes into the fingerprint's column: see `StoredText`. Throws InvalidValue for a value or a
/// fingerprint that cannot be stored, and for a value that the schema's `validate` refuses.
template <Schema S, class Dialect>
std::string stored_text(const typename S::key_type& key, const Entry<typename S::value_type>& entry) {
  try {
    detail::check_row<S>(entry.value);
  } catch (const InvalidValue&) {
    throw;
  } catch (const std::exception& error) {
    throw InvalidValue("'" + std::string(S::table) + "' " + error.what());
  }
  detail::check_text<InvalidValue>(S::fingerprint_column, entry.fingerprint.text());
  const auto notes = StoredText::notes(entry.render_cost);
  detail::RowDigest::JsonForm json_form = nullptr;
  if constexpr (!Dialect::keeps_json_text) json_form = &detail::json_form<>;
  return StoredText::join(entry.fingerprint, notes,
                          detail::row_digest(key, entry.value, entry.fingerprint.text(), notes, json_form));
}

namespace detail {

template <class S, class Dialect, class Read>
Lookup<typename S::value_type> read_row(std::optional<std::string_view> stored, const typename S::key_type& key,
                                        const Fingerprint& wanted, Read& read) {
  Lookup<typename S::value_type> found;
  const auto unreadable = [&](std::string_view column, std::string_view wrong) {
    found.unreadable.append("'").append(column).append("' ").append(wrong).append(" in the row of ").append(describe_key(key));
  };
  if (!stored) {
    unreadable(S::fingerprint_column, "is NULL");
    return found;
  }
  if (stored->size() > max_stored_text_bytes) {
    unreadable(S::fingerprint_column, "is longer than max_stored_text_bytes");
    return found;
  }
  const StoredText text(*stored);
  if (text.fingerprint() != wanted.text()) {
    if (find_invalid_text(*stored) != stored->npos) {
      unreadable(S::fingerprint_column, "is no UTF-8, or holds a NUL byte");
      return found;
    }
    found.stored = Fingerprint::from_text(std::string(text.fingerprint()));
    return found;
  }
  auto entry = std::make_shared<Entry<typename S::value_type>>();  // read straight into what is handed out
  entry->fingerprint = wanted;
  entry->render_cost = text.cost();
  std::size_t column = 0;
  const auto read_next = [&](std::string_view name, auto& member) {
    ++column;
    if (!found.unreadable.empty()) return;
    if (const auto wrong = read(column, member); !wrong.empty()) unreadable(name, wrong);
  };
  read_next(S::rendered_at_column, entry->rendered_at);
  for_each_member(entry->value, read_next);
  if (!found.unreadable.empty()) return found;
  try {
    found.damaged = text.has_notes() && !is_undamaged<Dialect>(text, key, entry->value);
    // What a publish has checked, and nothing has damaged, is not checked again. Else it is of an older release, of another program,
    // or anything.
    if (!text.has_notes() || found.damaged) check_row<S>(entry->value);
    if (found.damaged) unreadable(S::table, "holds something else than was stored");
  } catch (const std::exception& error) {
    unreadable(S::table, error.what());
  }
  if (found.unreadable.empty()) found.entry = std::move(entry);
  return found;
}

}  // namespace detail

/// The answer to `Sql::lookup`, if there is a row. `stored` is its first column; `read(column, member)` reads another, counted from 0
/// on, and says what is wrong with it, or nothing. A row that cannot be read or is damaged is a miss that says why.
template <class S, class Dialect, class Read>
Lookup<typename S::value_type> read_lookup(std::optional<std::string_view> stored, const typename S::key_type& key,
                                           const Fingerprint& wanted, Read read) {
  auto found = detail::read_row<S, Dialect>(stored, key, wanted, read);
  if (!found.entry) found.seen = {std::string(stored.value_or("")), StoredText(stored.value_or("")).cost()};
  return found;
}

}  // namespace render_cache
