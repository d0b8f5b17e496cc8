// What the migrator and the table check need of a database connection.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/sql/dialect.hpp>
#include <render_cache/sql/statement.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace render_cache {

/// A result, field by field as text; NULL is empty.
using Rows = std::vector<std::vector<std::optional<std::string>>>;

/// What the migrator and the table check need of a connection:
///
///     using Dialect = ...;
///     void run_script(const std::string& sql);   // statements separated by ';', `BEGIN` and `COMMIT` among them
///     Rows query(const std::string& sql, const std::vector<std::string>& parameters);   // one statement
///
/// Both throw a StoreError. Neither opens a transaction of its own.
template <class C>
concept SchemaConnection = SqlDialect<typename C::Dialect> &&
                           requires(C connection, const std::string& sql, const std::vector<std::string>& parameters) {
                             connection.run_script(sql);
                             { connection.query(sql, parameters) } -> std::same_as<Rows>;
                           };

namespace detail {

/// A statement with parameters $1, $2, ..., whatever the engine's are.
template <SchemaConnection Connection>
[[gnu::cold]] Rows query(Connection& connection, std::string_view text, const std::vector<std::string>& arguments) {
  const auto made = statement<typename Connection::Dialect>(text);
  if (Connection::Dialect::numbered_parameters) return connection.query(made.text, arguments);
  std::vector<std::string> in_order;
  for (const auto argument : made.order) in_order.push_back(arguments.at(argument));
  return connection.query(made.text, in_order);
}

}  // namespace detail
}  // namespace render_cache
