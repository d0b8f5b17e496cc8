// What a failure of PostgreSQL means for the store: one mapping from libpqxx's exceptions and SQLSTATEs to the library's errors.
#pragma once

#include <render_cache/entry/error.hpp>

#include <pqxx/pqxx>

#include <stdexcept>
#include <string>
#include <string_view>

namespace render_cache {

/// The connection is gone, or of no more use (server stopped, backend terminated).
struct PostgresConnectionLost : StoreUnavailable {
  using StoreUnavailable::StoreUnavailable;
};

/// The server rolled the statement back in favour of another one (deadlock, serialization): run it again.
struct PostgresRolledBack : StoreUnavailable {
  using StoreUnavailable::StoreUnavailable;
};

/// The server takes no changes: it is a replica, or has become one. Reads are as good as before.
struct PostgresReadOnly : StoreForbidden {
  using StoreForbidden::StoreForbidden;
};

namespace detail {

/// The server's message without its line end, and the SQLSTATE, which its documentation explains.
inline std::string postgres_message(std::string_view text, std::string_view sqlstate) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  std::string message = "PostgreSQL: " + std::string(text);
  if (!sqlstate.empty()) message.append(" (SQLSTATE ").append(sqlstate).append(")");
  return message;
}

/// Throws what an SQLSTATE means. Codes: PostgreSQL documentation, appendix A.
[[noreturn]] inline void throw_for_sqlstate(std::string_view state, std::string_view text) {
  const auto message = postgres_message(text, state);
  const auto is = [&](auto... codes) { return (state.starts_with(codes) || ...); };
  // Without an SQLSTATE the error is libpq's own: the conversation with the server has ended.
  // 57P01-57P05: the backend is being shut down. 25P03: it closed an idle transaction.
  if (state.empty() || is("08", "57P", "25P03")) throw PostgresConnectionLost(message);
  if (is("25006")) throw PostgresReadOnly(message);
  if (is("42501")) throw StoreForbidden(message);
  if (is("40001", "40P01")) throw PostgresRolledBack(message);
  if (is("53100", "54000")) throw StoreFull(message);
  if (is("53", "57014", "55P03")) throw StoreUnavailable(message);  // too many, out of memory, time-out, lock
  if (is("22", "23")) throw InvalidValue(message);                  // texts, JSON, lengths; constraints of the table
  if (is("26000", "42P05")) {
    throw StoreError(message +
                     "; a pooler stands between that knows no prepared statements: do not ask for them in "
                     "prepared_statements");
  }
  // 0A000: a prepared statement's plan no longer fits the table. 42P01, 42703, 42804, 42P10, 3F000: table, column, type, key.
  if (is("0A000", "42P01", "42703", "42804", "42883", "42P10", "3F000")) throw SchemaMismatch(message);
  throw StoreError(message);
}

/// Whether a statement alone is to blame, and no other can be expected to fail: what it names, computes or would change.
inline bool is_statements_fault(const pqxx::sql_error& error) {
  if (dynamic_cast<const pqxx::insufficient_privilege*>(&error) != nullptr) return true;  // libpqxx 6.4 knows no SQLSTATE of it
  const std::string state = error.sqlstate();
  return state.starts_with("42") || state.starts_with("22") || state.starts_with("0A") || state == "25006";
}

/// Called in a catch block: throws the store's error for the exception that is being handled.
[[noreturn]] inline void throw_store_error() {
  try {
    throw;
  } catch (const pqxx::transaction_rollback& error) {  // an sql_error from libpqxx 7 on, so it comes first
    throw PostgresRolledBack(postgres_message(error.what(), ""));
  } catch (const pqxx::insufficient_privilege& error) {  // libpqxx 6 gives it no SQLSTATE
    throw_for_sqlstate("42501", error.what());
  } catch (const pqxx::sql_error& error) {
    throw_for_sqlstate(error.sqlstate(), error.what());
  } catch (const pqxx::broken_connection& error) {
    throw PostgresConnectionLost(postgres_message(error.what(), ""));
  } catch (const pqxx::failure& error) {  // in_doubt_error; libpqxx 6 says here that it cannot tell the encoding
    throw PostgresConnectionLost(postgres_message("the connection was lost: " + std::string(error.what()), ""));
  } catch (const std::logic_error& error) {  // misuse of libpqxx; what is not its own passes through
    throw StoreError("libpqxx: " + std::string(error.what()));
  }
}

}  // namespace detail
}  // namespace render_cache
