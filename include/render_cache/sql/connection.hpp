// What the migrator and the table check need of a database connection.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/sql/statements.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <vector>

namespace render_cache {

/// A result, field by field as text; NULL is empty.
using Rows = std::vector<std::vector<std::optional<std::string>>>;

/// What the migrator and the table check need of a connection:
///
///     static constexpr Dialect dialect;
///     void run_script(const std::string& sql);   // statements separated by ';', `BEGIN` and `COMMIT` among them
///     Rows query(const std::string& sql, const std::vector<std::string>& parameters);   // one statement
///
/// Both throw a StoreError. Neither opens a transaction of its own.
template <class C>
concept SchemaConnection = requires(C connection, const std::string& sql, const std::vector<std::string>& parameters) {
  { C::dialect } -> std::convertible_to<Dialect>;
  connection.run_script(sql);
  { connection.query(sql, parameters) } -> std::same_as<Rows>;
};

}  // namespace render_cache
