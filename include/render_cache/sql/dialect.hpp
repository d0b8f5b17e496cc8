// What must be known of a SQL engine.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/keys.hpp>
#include <render_cache/sql/columns.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace render_cache {

// A dialect is a struct of static members that says all in which an engine differs; statements, the table check and the migrator
// ask it and know no engine by name. A store and a connection speak it. Where a text has parameters they are $1, $2, ..., in any
// order and as often as needed: each engine is given them in its own form.
//
//   std::string_view name;                    the engine's, and that of its folder of migrations
//   char quote;                               what stands around a name
//   bool numbered_parameters;                 whether a parameter has a number; if not, each `?` is given its argument anew
//   std::string parameter(std::size_t);       `$1`, `?1`, `?`
//   std::size_t max_name_bytes, max_key_bytes;   how long a name may be, and the texts of an indexed key together
//
//   std::string type_name(const Column&);     in CREATE TABLE and in complaints. A key's texts must be told apart byte by byte
//   bool type_fits(const Column&, const std::string& type);   whether a column of the real type holds every value of ours
//   std::string input(const Column&, std::string expression);    from a parameter to the column's value
//   std::string output(const Column&, std::string expression);   from the column to what is read; times as ISO 8601 in UTC
//
//   bool keeps_json_text;                     whether a JSON document is given back as it was written, byte by byte
//   std::string first_part_is(const std::string& stored, const std::string& wanted);   whether a text is the wanted one, or that
//                                             and "||" and more; what differs by case alone is another one
//
//   std::string_view now;                     when the transaction or the statement began, by the database's clock
//   std::string_view clock;                   what time it is, by the same clock
//   std::string age(const std::string& time); microseconds since then, or NULL
//
//   std::string bytes(const std::string&);    how many bytes a column's value takes, or NULL
//   std::string_view table_bytes;             (table) -> at most what its rows take, at once however many they are; NULL: unknown
//
//   std::string upsert(const Table&, const std::string& rows);   `rows` is VALUES (...) or SELECT ... for all `columns()`. It never
//                                             gives one key's value to the row of another
//   std::string delete_from(const Table&);    the start of DELETE, up to WHERE, with the table called t
//
//   std::string constraint(const Column&);    what else CREATE TABLE says of a column, or nothing
//   std::string key_constraint(const Table&);  in CREATE TABLE: makes the key unique, and indexes it
//   std::string_view table_options;           what follows the parenthesis of CREATE TABLE
//   std::string_view table_exists;            (table) -> a row if there is one
//   std::string_view columns_query;           (table) -> name, type, whether NOT NULL (1), whether it fills itself (1)
//   std::string_view unique_query;            (table) -> a unique constraint's name or number, one of its columns; a row for each
//
//   bool transactional_ddl;                   whether a migration that fails leaves nothing
//   std::string begin_migration(const std::string& lock);     a lock of that name for one connection at a time, and a transaction
//   std::string end_migration(const std::string& lock);       commits, and frees the lock
//   std::string abandon_migration(const std::string& lock);   rolls back, and frees the lock
//
// Stronger, optional, used where present: HasBatches, HasConditionalWrites, and HasLeaseTable of sql/leases.hpp.

namespace detail {

template <class D>
concept NamesItself = requires {
  { D::name } -> std::convertible_to<std::string_view>;
};

template <class D>
concept HasParameters = requires(std::size_t number) {
  { D::quote } -> std::convertible_to<char>;
  { D::numbered_parameters } -> std::convertible_to<bool>;
  { D::parameter(number) } -> std::convertible_to<std::string>;
};

template <class D>
concept HasLimits = requires {
  { D::max_name_bytes } -> std::convertible_to<std::size_t>;
  { D::max_key_bytes } -> std::convertible_to<std::size_t>;
};

template <class D>
concept HasTypes = requires(const Column& column, const std::string& text) {
  { D::type_name(column) } -> std::convertible_to<std::string>;
  { D::type_fits(column, text) } -> std::same_as<bool>;
  { D::input(column, text) } -> std::convertible_to<std::string>;
  { D::output(column, text) } -> std::convertible_to<std::string>;
};

template <class D>
concept HasStoredTexts = requires(const std::string& text) {
  { D::keeps_json_text } -> std::convertible_to<bool>;
  { D::first_part_is(text, text) } -> std::convertible_to<std::string>;
};

template <class D>
concept HasClock = requires(const std::string& time) {
  { D::now } -> std::convertible_to<std::string_view>;
  { D::clock } -> std::convertible_to<std::string_view>;
  { D::age(time) } -> std::convertible_to<std::string>;
};

template <class D>
concept HasSizes = requires(const std::string& expression) {
  { D::bytes(expression) } -> std::convertible_to<std::string>;
  { D::table_bytes } -> std::convertible_to<std::string_view>;
};

template <class D>
concept HasChanges = requires(const Table& table, const std::string& text) {
  { D::upsert(table, text) } -> std::convertible_to<std::string>;
  { D::delete_from(table) } -> std::convertible_to<std::string>;
};

template <class D>
concept HasTables = requires(const Column& column, const Table& table) {
  { D::constraint(column) } -> std::convertible_to<std::string>;
  { D::key_constraint(table) } -> std::convertible_to<std::string>;
  { D::table_options } -> std::convertible_to<std::string_view>;
  { D::table_exists } -> std::convertible_to<std::string_view>;
  { D::columns_query } -> std::convertible_to<std::string_view>;
  { D::unique_query } -> std::convertible_to<std::string_view>;
};

template <class D>
concept HasMigrations = requires(const std::string& lock) {
  { D::transactional_ddl } -> std::convertible_to<bool>;
  { D::begin_migration(lock) } -> std::convertible_to<std::string>;
  { D::end_migration(lock) } -> std::convertible_to<std::string>;
  { D::abandon_migration(lock) } -> std::convertible_to<std::string>;
};

}  // namespace detail

/// All that is known of a SQL engine; the members are listed above.
template <class D>
concept SqlDialect = detail::NamesItself<D> && detail::HasParameters<D> && detail::HasLimits<D> && detail::HasTypes<D> &&
                     detail::HasStoredTexts<D> && detail::HasClock<D> && detail::HasSizes<D> && detail::HasChanges<D> &&
                     detail::HasTables<D> && detail::HasMigrations<D>;

/// The engine takes any number of keys or entries in one statement. `batch(columns)` is a source of rows for FROM that is called q
/// and has the columns c1, c2, ... and n, the row's number from 1 on; its arguments, the first ones of the statement, are
/// `batch_arguments(columns)` in number. `delete_joined(table, batch, condition)` deletes the rows t for which there is a q.
template <class D>
concept HasBatches = SqlDialect<D> && requires(const Table& table, std::span<const Column> columns, const std::string& text) {
  { D::batch(columns) } -> std::convertible_to<std::string>;
  { D::batch_arguments(columns) } -> std::same_as<std::size_t>;
  { D::delete_joined(table, text, text) } -> std::convertible_to<std::string>;
};

/// The engine can write a row on a condition, in one step. `insert_new(table, rows)` is the dialect's `upsert` that leaves alone what has a
/// row already; `update(table, condition)` writes what `upsert` would, $1 to $n, over the row t of that key, where the condition holds.
template <class D>
concept HasConditionalWrites = SqlDialect<D> && requires(const Table& table, const std::string& text) {
  { D::insert_new(table, text) } -> std::convertible_to<std::string>;
  { D::update(table, text) } -> std::convertible_to<std::string>;
};

/// Says in words what a type lacks to be a SqlDialect. Each dialect's header ends with it.
template <class D>
consteval bool check_dialect() {
  if constexpr (!detail::NamesItself<D>) {
    RENDER_CACHE_MISTAKE("a SQL dialect has a name, that of its folder of migrations: static constexpr std::string_view name");
  } else if constexpr (!detail::HasParameters<D>) {
    RENDER_CACHE_MISTAKE(
        "a SQL dialect says how names and parameters are written: static constexpr char quote, static constexpr bool "
        "numbered_parameters, static std::string parameter(std::size_t number)");
  } else if constexpr (!detail::HasLimits<D>) {
    RENDER_CACHE_MISTAKE("a SQL dialect has limits: static constexpr std::size_t max_name_bytes, max_key_bytes");
  } else if constexpr (D::max_name_bytes < render_cache::max_name_bytes) {
    RENDER_CACHE_MISTAKE("every engine must take names of 63 bytes, which a schema may have: see max_name_bytes");
  } else if constexpr (D::max_key_bytes < render_cache::max_key_bytes) {
    RENDER_CACHE_MISTAKE(
        "every engine must index keys of render_cache::max_key_bytes: if this one cannot, index a digest of the key");
  } else if constexpr (!detail::HasTypes<D>) {
    RENDER_CACHE_MISTAKE(
        "a SQL dialect knows the types of columns: static type_name(column), type_fits(column, real type), input(column, "
        "expression), output(column, expression)");
  } else if constexpr (!detail::HasStoredTexts<D>) {
    RENDER_CACHE_MISTAKE(
        "a SQL dialect finds and reads what was stored: static constexpr bool keeps_json_text, static first_part_is(stored, "
        "wanted)");
  } else if constexpr (!detail::HasClock<D>) {
    RENDER_CACHE_MISTAKE("a SQL dialect tells the time: static constexpr std::string_view now, clock and static age(time)");
  } else if constexpr (!detail::HasSizes<D>) {
    RENDER_CACHE_MISTAKE("a SQL dialect knows sizes: static bytes(expression), static constexpr std::string_view table_bytes");
  } else if constexpr (!detail::HasChanges<D>) {
    RENDER_CACHE_MISTAKE("a SQL dialect changes rows: static upsert(table, rows), delete_from(table)");
  } else if constexpr (!detail::HasTables<D>) {
    RENDER_CACHE_MISTAKE(
        "a SQL dialect knows tables: static constraint(column), key_constraint(table) and static constexpr std::string_view "
        "table_options, table_exists, columns_query, unique_query");
  } else if constexpr (!detail::HasMigrations<D>) {
    RENDER_CACHE_MISTAKE(
        "a SQL dialect runs migrations: static constexpr bool transactional_ddl and static begin_migration(lock), "
        "end_migration(lock), abandon_migration(lock)");
  }
  return true;
}

}  // namespace render_cache
