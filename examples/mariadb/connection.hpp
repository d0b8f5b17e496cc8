// One connection to a MariaDB server, by its C library: statements, fields and errors.
#pragma once

#include "dialect.hpp"

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/field.hpp>
#include <render_cache/entry/prune.hpp>
#include <render_cache/sql/connection.hpp>
#include <render_cache/sql/migration.hpp>

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mariadb_example {

using namespace render_cache;

/// How a server is reached. What is empty is left to libmariadb.
struct MariaDbOptions {
  std::string socket{}, host{}, user{}, password{}, database{};
  unsigned port = 0;
  /// Applied when the store first connects, however many nodes do so at once. Empty: the table must be there.
  std::vector<Migration> migrations{};
  std::string migration_history = "render_cache_migrations";
  std::chrono::seconds connect_timeout{2};
  std::chrono::seconds answer_timeout{5};  ///< of each statement but migrations
  Bounds bounds{};  ///< none by default
};

/// The connection is gone.
struct MariaDbLost : StoreUnavailable {
  using StoreUnavailable::StoreUnavailable;
};
/// The server has undone the statement in favour of another.
struct MariaDbRolledBack : StoreUnavailable {
  using StoreUnavailable::StoreUnavailable;
};

/// Throws what an error means to a store.
[[noreturn]] inline void throw_mariadb_error(unsigned number, std::string_view state, const std::string& text) {
  const auto message = "MariaDB: " + text + " (error " + std::to_string(number) + ", SQLSTATE " + std::string(state) + ")";
  switch (number) {
    case ER_DISK_FULL:
    case ER_RECORD_FILE_FULL:
    case ER_NET_PACKET_TOO_LARGE: throw StoreFull(message);
    case ER_CON_COUNT_ERROR:
    case ER_OPTION_PREVENTS_STATEMENT:  // read-only
    case ER_LOCK_WAIT_TIMEOUT:
    case ER_STATEMENT_TIMEOUT: throw StoreUnavailable(message);
    case ER_CONNECTION_KILLED: throw MariaDbLost(message);
    case ER_LOCK_DEADLOCK:
    case ER_CHECKREAD: throw MariaDbRolledBack(message);
    case ER_NO_SUCH_TABLE:
    case ER_BAD_FIELD_ERROR: throw SchemaMismatch(message);
    case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD: throw InvalidValue(message);
    default: break;
  }
  if (number >= CR_MIN_ERROR && number <= CR_MAX_ERROR) throw MariaDbLost(message);  // the client's own: it is alone
  if (state.starts_with("08")) throw MariaDbLost(message);
  if (state.starts_with("22") || state.starts_with("23")) throw InvalidValue(message);  // values; constraints
  throw StoreError(message);
}

/// Belongs to one thread at a time. A SchemaConnection: migrations and the table check run on it.
class MariaDbConnection {
 public:
  using Dialect = MariaDbDialect;

  /// No time-out where it is zero.
  MariaDbConnection(const MariaDbOptions& options, std::chrono::seconds answer_timeout) : handle_(mysql_init(nullptr)) {
    const auto connect = static_cast<unsigned>(options.connect_timeout.count()),
               answer = static_cast<unsigned>(answer_timeout.count());
    const unsigned off = 0;
    set(MYSQL_OPT_CONNECT_TIMEOUT, &connect);
    set(MYSQL_OPT_READ_TIMEOUT, &answer);
    set(MYSQL_OPT_WRITE_TIMEOUT, &answer);
    set(MYSQL_OPT_LOCAL_INFILE, &off);  // a server could ask for any file of this machine
    set(MYSQL_SET_CHARSET_NAME, "utf8mb4");
    const auto given = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
    check(mysql_real_connect(handle(), given(options.host), given(options.user), given(options.password), given(options.database),
                             options.port, given(options.socket), CLIENT_MULTI_STATEMENTS) == nullptr);
    // Strict: what does not fit is an error and not cut. Rows are sorted by the whole of their keys. In a weaker isolation two could
    // insert one key at once (MDEV-37199).
    run_script(
        "SET sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', max_sort_length = 8192; "
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    max_packet_ = std::stoull(query("SELECT @@max_allowed_packet", {}).at(0).at(0).value());
  }

  /// Statements separated by ';'. Results are dropped.
  void run_script(const std::string& sql) {
    check(mysql_real_query(handle(), sql.data(), sql.size()));
    do {
      mysql_free_result(mysql_store_result(handle()));
      check(mysql_errno(handle()) != 0);
    } while (next_result());
  }

  /// One statement that is run once, its parameters and its result as text.
  Rows query(const std::string& sql, const std::vector<std::string>& texts) {
    std::vector<Field> arguments;
    for (const auto& text : texts) arguments.push_back(Field::refer(text));
    const auto statement = prepare(sql);
    execute(*statement, arguments, {});
    return rows_of(*statement);
  }

  struct Result {
    Rows rows;  ///< as text
    std::size_t changed = 0;  ///< how many rows the statement has changed
  };
  /// A statement that is run again and again. It must outlive the connection.
  Result run(const Statement& sql, const std::vector<Field>& arguments) {
    auto& statement = prepared_[&sql];
    if (!statement) statement = prepare(sql.text);
    execute(*statement, arguments, sql.order);
    const auto changed = mysql_stmt_affected_rows(statement.get());
    auto rows = rows_of(*statement);
    return {std::move(rows), static_cast<std::size_t>(changed)};
  }

 private:
  struct Close {
    void operator()(MYSQL* connection) const noexcept { mysql_close(connection); }
    void operator()(MYSQL_STMT* statement) const noexcept { mysql_stmt_close(statement); }
  };
  using Prepared = std::unique_ptr<MYSQL_STMT, Close>;

  [[nodiscard]] MYSQL* handle() const noexcept { return handle_.get(); }
  void set(mysql_option option, const void* value) { check(mysql_options(handle(), option, value)); }
  void check(int failed) {
    if (failed != 0) throw_mariadb_error(mysql_errno(handle()), mysql_sqlstate(handle()), mysql_error(handle()));
  }
  static void check(MYSQL_STMT& statement, int failed) {
    if (failed != 0)
      throw_mariadb_error(mysql_stmt_errno(&statement), mysql_stmt_sqlstate(&statement), mysql_stmt_error(&statement));
  }
  bool next_result() {
    const int more = mysql_next_result(handle());  // -1: there is none
    check(more > 0);
    return more == 0;
  }

  Prepared prepare(const std::string& sql) {
    Prepared statement(mysql_stmt_init(handle()));
    check(*statement, mysql_stmt_prepare(statement.get(), sql.data(), sql.size()));
    return statement;
  }

  /// `order` says which argument each parameter takes; empty: each its own.
  void execute(MYSQL_STMT& statement, const std::vector<Field>& arguments, const std::vector<std::size_t>& order) {
    using Form = Field::Form;
    const auto count = mysql_stmt_param_count(&statement);
    std::vector<MYSQL_BIND> parameters(count);
    std::vector<std::int64_t> integers(count);
    std::vector<double> reals(count);
    std::size_t bytes = 1024;
    for (std::size_t at = 0; at < count; ++at) {
      const auto& field = arguments.at(order.empty() ? at : order.at(at));
      auto& parameter = parameters[at];
      switch (field.form()) {
        case Form::null: parameter.buffer_type = MYSQL_TYPE_NULL; break;
        case Form::integer:
        case Form::boolean:
          integers[at] = field.integer();
          parameter.buffer_type = MYSQL_TYPE_LONGLONG;
          parameter.buffer = &integers[at];
          break;
        case Form::real:
          reals[at] = field.real();
          parameter.buffer_type = MYSQL_TYPE_DOUBLE;
          parameter.buffer = &reals[at];
          break;
        case Form::text:
        case Form::bytes:
        case Form::list:  // `to_column` has made a text of it
          parameter.buffer_type = field.form() == Form::bytes ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
          // An empty vector of bytes has no address, which would mean NULL. NOLINTNEXTLINE: it is read only
          parameter.buffer = const_cast<char*>(field.text().empty() ? "" : field.text().data());
          parameter.buffer_length = field.text().size();
          bytes += field.text().size() + 16;
      }
    }
    // The server would break the connection off.
    if (bytes > max_packet_) {
      throw StoreFull("MariaDB: " + std::to_string(bytes) + " bytes are more than its max_allowed_packet, " +
                      std::to_string(max_packet_));
    }
    check(statement, mysql_stmt_bind_param(&statement, parameters.data()));
    check(statement, mysql_stmt_execute(&statement));
  }

  /// Every column as text, of whatever type it is.
  static Rows rows_of(MYSQL_STMT& statement) {
    Rows rows;
    const auto count = mysql_stmt_field_count(&statement);
    if (count == 0) return rows;
    std::vector<MYSQL_BIND> columns(count);
    std::vector<unsigned long> lengths(count);
    std::vector<my_bool> nulls(count);
    for (std::size_t at = 0; at < count; ++at) {
      columns[at].buffer_type = MYSQL_TYPE_STRING;
      columns[at].length = &lengths[at];
      columns[at].is_null = &nulls[at];
    }
    check(statement, mysql_stmt_bind_result(&statement, columns.data()));
    check(statement, mysql_stmt_store_result(&statement));
    int fetched = 0;  // each column is cut, for none has a buffer yet
    while ((fetched = mysql_stmt_fetch(&statement)) == 0 || fetched == MYSQL_DATA_TRUNCATED) {
      auto& row = rows.emplace_back();
      for (unsigned at = 0; at < count; ++at) {
        if (nulls[at] != 0) {
          row.emplace_back();
          continue;
        }
        auto& text = row.emplace_back(std::in_place, lengths[at], '\0').value();
        auto column = columns[at];
        column.buffer = text.data();
        column.buffer_length = lengths[at];
        check(statement, mysql_stmt_fetch_column(&statement, &column, at, 0));
      }
    }
    check(statement, fetched != MYSQL_NO_DATA);
    mysql_stmt_free_result(&statement);
    return rows;
  }

  std::unique_ptr<MYSQL, Close> handle_;
  std::map<const Statement*, Prepared> prepared_;  // closed before the connection
  std::size_t max_packet_ = 1u << 20;
};

static_assert(SchemaConnection<MariaDbConnection>);

}  // namespace mariadb_example
