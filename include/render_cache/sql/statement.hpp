// A statement, and the parts that statements are made of.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/sql/columns.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace render_cache {

/// A statement as an engine reads it.
struct Statement {
  std::string text;
  /// Where the engine's parameters have no numbers: which argument each of them takes, from 0 on. Else empty.
  std::vector<std::size_t> order{};
};

namespace detail {

/// Statements are put together with parameters $1, $2, ..., which may repeat and come in any order; here they get the engine's form.
template <class Dialect>
[[gnu::cold]] Statement statement(std::string_view text) {
  Statement made;
  made.text.reserve(text.size() + 64);
  while (!text.empty()) {
    const auto at = std::min(text.find('$'), text.size());
    std::size_t number = 0;
    const char* const digits = text.data() + std::min(at + 1, text.size());
    const char* const end = std::from_chars(digits, text.data() + text.size(), number).ptr;
    if (end == digits) {  // none: a '$' of some other meaning
      made.text += text.substr(0, at + 1);
      text.remove_prefix(std::min(at + 1, text.size()));
      continue;
    }
    made.text.append(text.substr(0, at)).append(Dialect::parameter(number));
    if (!Dialect::numbered_parameters) made.order.push_back(number - 1);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
  return made;
}

/// One text of several. A chain of `+` would be code for each of its links, and there are hundreds. What is cold is compiled for size,
/// and so is all that comes to it each time: statements are made once, and to compile them for speed took long.
[[gnu::cold]] inline std::string text(std::initializer_list<std::string_view> parts) {
  std::string made;
  for (const auto part : parts) made += part;
  return made;
}

/// `$1`
inline std::string parameter(std::size_t number) { return text({"$", std::to_string(number)}); }

/// `q.c1`: a column of a batch
inline std::string of_batch(std::size_t number) { return text({"q.c", std::to_string(number)}); }

/// `each(column, index)` for every column, with `between` in between.
[[gnu::cold]] inline std::string joined(std::span<const Column> columns, std::string_view between,
                                        const std::function<std::string(const Column&, std::size_t)>& each) {
  std::string text;
  for (std::size_t index = 0; index < columns.size(); ++index) {
    if (index != 0) text += between;
    text += each(columns[index], index);
  }
  return text;
}

/// `"wiki_cache"`: names are letters, digits and '_', so there is nothing to escape.
template <class Dialect>
std::string quoted(std::string_view name) {
  constexpr std::string_view quote{&Dialect::quote, 1};
  return text({quote, name, quote});
}

/// `t."repo_alias"`
template <class Dialect>
std::string of_table(const Column& column) {
  return text({"t.", quoted<Dialect>(column.name)});
}

/// `"repo_alias", "page_path"`
template <class Dialect>
std::string names(std::span<const Column> columns) {
  return joined(columns, ", ", [](const Column& column, std::size_t) { return quoted<Dialect>(column.name); });
}

/// `t."repo_alias", t."page_path"`
template <class Dialect>
std::string names_of_table(std::span<const Column> columns) {
  return joined(columns, ", ", [](const Column& column, std::size_t) { return of_table<Dialect>(column); });
}

/// `$1, $2`, each as the value that its column takes.
template <class Dialect>
std::string parameters(std::span<const Column> columns) {
  return joined(columns, ", ",
                [](const Column& column, std::size_t index) { return Dialect::input(column, parameter(index + 1)); });
}

/// `t."repo_alias" = $1 AND t."page_path" = $2`
template <class Dialect>
std::string key_equals(const Table& table) {
  return joined(table.keys, " AND ", [](const Column& column, std::size_t index) {
    return text({of_table<Dialect>(column), " = ", Dialect::input(column, parameter(index + 1))});
  });
}

/// `first_part_is` of both; `bytes` is the stored text, compared byte by byte. A range, for then nothing is made of the stored text and
/// nothing counted in letters. '}' comes after '|'.
inline std::string first_part_in_range(const std::string& bytes, const std::string& wanted) {
  return text({"(", bytes, " = ", wanted, " OR (", bytes, " > ", wanted, " || '||' AND ", bytes, " < ", wanted, " || '|}'))"});
}

/// `"page" = $3`
template <class Dialect>
std::string set(const Column& column, std::string_view to) {
  return text({quoted<Dialect>(column.name), " = ", to});
}

/// Up to what is done where the key has a row already.
template <class Dialect>
std::string insert_on_conflict(const Table& table, std::string_view rows) {
  return text({"INSERT INTO ", quoted<Dialect>(table.name), " AS t (", names<Dialect>(table.columns()), ") ", rows,
               " ON CONFLICT (", names<Dialect>(table.keys), ") DO "});
}

/// The upsert of PostgreSQL and SQLite; a column of the value is set to `value(column, what was given)`. No WHERE: a refresh renews
/// the row even if nothing changed.
template <class Dialect>
std::string insert_or_update(const Table& table, std::string_view rows, std::string (*value)(const Column&, std::string)) {
  const auto given = [](const Column& column) { return text({"EXCLUDED.", quoted<Dialect>(column.name)}); };
  return text(
      {insert_on_conflict<Dialect>(table, rows), "UPDATE SET ",
       joined(table.values, "",
              [&](const Column& column, std::size_t) {
                return text({set<Dialect>(column, value(column, given(column))), ", "});
              }),
       joined(table.metadata, ", ", [&](const Column& column, std::size_t) { return set<Dialect>(column, given(column)); })});
}

/// Their statement that writes what `table.sent()` says over a row of the same key, if that meets the condition; `value` as above.
template <class Dialect>
std::string update_where(const Table& table, std::string_view condition, std::string (*value)(const Column&, std::string)) {
  const auto keys = table.keys.size();
  const auto times = std::span(table.metadata).subspan(1);
  return text({"UPDATE ", quoted<Dialect>(table.name), " AS t SET ",
               joined(table.values, "",
                      [&](const Column& column, std::size_t index) {
                        return text({set<Dialect>(column, value(column, parameter(keys + index + 1))), ", "});
                      }),
               set<Dialect>(table.fingerprint(), parameter(keys + table.values.size() + 1)), ", ",
               joined(times, ", ", [](const Column& column, std::size_t) { return set<Dialect>(column, Dialect::now); }),
               " WHERE ", key_equals<Dialect>(table), " AND ", condition});
}

}  // namespace detail
}  // namespace render_cache
