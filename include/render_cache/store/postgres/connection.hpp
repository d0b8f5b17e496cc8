// One connection: it runs a statement in one round trip and throws the library's errors.
#pragma once

#include <render_cache/entry/deadline.hpp>
#include <render_cache/sql/connection.hpp>
#include <render_cache/sql/dialect/postgres.hpp>
#include <render_cache/sql/migration.hpp>
#include <render_cache/sql/sweep.hpp>
#include <render_cache/store/postgres/errors.hpp>
#include <render_cache/store/postgres/libpqxx.hpp>
#include <render_cache/store/postgres/options.hpp>
#include <render_cache/store/postgres/watchdog.hpp>

#include <pqxx/pqxx>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache {

/// A statement that is run again and again. It must outlive the connections. It is prepared under a name that no other
/// text has: behind a pooler that knows nothing of prepared statements, a session may have been another store's before.
struct PostgresStatement {
  PostgresStatement(std::string_view purpose, std::string_view text)
      : name(std::string(purpose) + "_" + checksum(text)), sql(text) {}

  std::string name;  ///< its purpose and a digest of its text
  std::string sql;   ///< with parameters $1, $2, ...
};

namespace detail {

/// A descriptor of a connection's socket that stays this one's while the object lives: libpq closes its own when it likes, and the
/// number may then be another file's.
class SocketCopy {
 public:
  explicit SocketCopy(int socket) : copy_(::fcntl(socket, F_DUPFD_CLOEXEC, 0)) {}
  SocketCopy(const SocketCopy&) = delete;
  SocketCopy& operator=(const SocketCopy&) = delete;
  ~SocketCopy() {
    if (copy_ >= 0) ::close(copy_);
  }
  [[nodiscard]] int get() const noexcept { return copy_; }

 private:
  const int copy_;
};

}  // namespace detail

/// Belongs to one thread at a time. Throws what errors.hpp maps. A SchemaConnection: migrations run on one of their own.
class PostgresConnection {
 public:
  using Dialect = PostgresDialect;

  /// Connects and sets up the session. Throws `PostgresConnectionLost` where the server cannot be reached. A watchdog sees to it that
  /// what `expect_answer` watches ends; without one the server may be waited for without end. It must outlive the connection.
  explicit PostgresConnection(const PostgresOptions& options, PostgresWatchdog* watchdog = nullptr)
      : watchdog_(watchdog),
        patience_(std::max({std::chrono::milliseconds(2000), options.acquire_timeout, options.lookup_timeout})),
        connection_(attempt([&] { return pqxx::connection(detail::complete_conninfo(options.conninfo)); })),
        silence_(connection_), socket_(connection_.sock()) {
    const auto watch = expect_answer();
    const bool own_session = options.own_sessions.value_or(true) && set_up(options);
    prepares_ = options.prepared_statements.value_or(own_session);
  }
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  /// One round trip (two when it is prepared on the way), its own transaction.
  pqxx::result run(const PostgresStatement& statement, const PostgresParameters& parameters) {
    if (!prepares_) return run(statement.sql, parameters);
    return attempt([&] {
      if (std::ranges::find(prepared_, &statement) == prepared_.end()) {
        connection_.prepare(statement.name, statement.sql);
        prepared_.push_back(&statement);
      }
      pqxx::nontransaction transaction(connection_);
      return detail::run_prepared(transaction, statement.name, parameters);
    });
  }

  /// A statement that is run once: one round trip, its own transaction.
  pqxx::result run(const std::string& sql, const PostgresParameters& parameters) {
    return attempt([&] {
      pqxx::nontransaction transaction(connection_);
      return detail::run_text(transaction, sql, parameters);
    });
  }

  /// An operator's query, in a transaction that can change nothing, with a time-out of its own; zero: none.
  pqxx::result run_live_query(const std::string& sql, std::chrono::milliseconds timeout) {
    return attempt([&] {
      pqxx::read_transaction transaction(connection_);
      transaction.exec("SET LOCAL statement_timeout = " + std::to_string(timeout.count()));
      try {
        return detail::run_text(transaction, sql, {});
      } catch (const pqxx::sql_error& error) {
        if (detail::is_statements_fault(error)) refuse_live_query(detail::postgres_message(error.what(), error.sqlstate()));
        if (error.sqlstate() == "57014") give_up_live_query(timeout);
        throw;
      }
    });
  }

  /// Statements without parameters, separated by ';': one round trip, and one transaction if they do not say otherwise.
  void run_script(const std::string& sql) {
    attempt([&] {
      pqxx::nontransaction transaction(connection_);
      transaction.exec(sql);
    });
  }

  /// For the migrator and the table check.
  Rows query(const std::string& sql, const std::vector<std::string>& texts) {
    PostgresParameters parameters;
    for (const auto& text : texts) parameters.add(text);
    Rows rows;
    for (const auto& row : run(sql, parameters)) {
      auto& fields = rows.emplace_back();
      for (const auto& field : row) {
        fields.push_back(field.is_null() ? std::nullopt : std::optional(std::string(field.c_str(), field.size())));
      }
    }
    return rows;
  }

  /// Whether the connection can be used again.
  [[nodiscard]] bool usable() const noexcept { return usable_; }
  /// Whether it was opened longer ago than that.
  [[nodiscard]] bool is_older_than(std::chrono::milliseconds age) const {
    return std::chrono::steady_clock::now() - opened_ > age;
  }

  /// While what it returns lives, the server is expected to answer by `end`: then it is a lost connection.
  [[nodiscard]] std::optional<PostgresWatchdog::Watch> expect_answer(std::chrono::steady_clock::time_point end) const {
    if (watchdog_ == nullptr) return std::nullopt;
    return std::optional<PostgresWatchdog::Watch>(std::in_place, *watchdog_, socket_.get(), end);
  }
  /// The same for what a server answers at once if it is there, settings and questions about tables: within two seconds, or as long
  /// as a caller waits for a connection.
  [[nodiscard]] std::optional<PostgresWatchdog::Watch> expect_answer() const {
    return expect_answer(detail::from_now(patience_));
  }

 private:
  template <class Action>
  auto attempt(Action action) -> decltype(action()) {
    try {
      return action();
    } catch (...) {
      try {
        detail::throw_store_error();
      } catch (const PostgresConnectionLost&) {
        usable_ = false;
        throw;
      }
    }
  }

  /// Whether the session is this connection's own.
  bool set_up(const PostgresOptions& options) {
    const auto backend = options.own_sessions ? std::nullopt : std::optional(connection_.backendpid());
    return !run(detail::session_settings(options, backend), {}).empty();
  }

  bool usable_ = true;
  bool prepares_ = false;
  PostgresWatchdog* const watchdog_;
  const std::chrono::milliseconds patience_;
  pqxx::connection connection_;
  detail::SilentNotices silence_;
  const detail::SocketCopy socket_;
  const std::chrono::steady_clock::time_point opened_ = std::chrono::steady_clock::now();
  std::vector<const PostgresStatement*> prepared_;
};

static_assert(SchemaConnection<PostgresConnection>);

}  // namespace render_cache
