// How a PostgresStore reaches its server, and how long it may take.
#pragma once

#include <render_cache/entry/prune.hpp>
#include <render_cache/sql/migration.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace render_cache {

/// How a PostgresStore reaches its server, and how long it may take.
struct PostgresOptions {
  /// A libpq connection string, `host=/run/postgresql dbname=wiki` or `postgresql://...`. What it does not say is taken from
  /// `postgres_defaults`. For failover name all hosts: `host=a,b target_session_attrs=read-write`.
  std::string conninfo{};
  /// Applied when the store first connects, however many nodes do so at once. Empty: the table must be there.
  std::vector<Migration> migrations{};
  /// The table that records them.
  std::string migration_history = "render_cache_migrations";
  /// The most connections that are open at once. They are opened when needed.
  std::size_t pool_size = 8;
  /// How long an operation waits for a connection that is ready and free before it reports `StoreUnavailable`.
  std::chrono::milliseconds acquire_timeout{1000};
  /// How long a look-up takes at most, waiting for a connection and for the answer together; one of many keys a millisecond
  /// longer for each. Where the entries that were found and stored of late took longer to render on average, it waits as long as
  /// that, though no longer than a publish for its answer.
  std::chrono::milliseconds lookup_timeout{250};
  /// The server cancels a statement that takes longer. If it does not within a second more, it is taken for dead. Zero: no
  /// limit but the server's own.
  std::chrono::milliseconds statement_timeout{5000};
  /// Off, a commit does not wait for the disk: a crash of the server may lose the last entries, and corrupts nothing.
  bool synchronous_commit = false;
  /// Whether a session is the store's own, as long as the connection: then it sets the session up (`statement_timeout`,
  /// `synchronous_commit`). By default unless a pooler stands between, which may give the next transaction to another session.
  std::optional<bool> own_sessions{};
  /// Whether statements are prepared. By default in sessions of its own; PgBouncer 1.21 and newer can do it for shared ones.
  std::optional<bool> prepared_statements{};
  /// What the table is kept within when it is cleaned up; none by default, for a server has somebody who looks after its disk.
  Bounds bounds{};
};

/// A dead server is noticed within seconds, not within the hours of TCP's own limits. In the connection string's syntax.
inline constexpr std::string_view postgres_defaults =
    "application_name=render_cache connect_timeout=2 tcp_user_timeout=3000 "
    "keepalives_idle=10 keepalives_interval=5 keepalives_count=3";

namespace detail {

/// The connection string with the defaults before it, so that what it says itself comes later and wins. Texts
/// travel as UTF-8 whatever the database's own encoding.
inline std::string complete_conninfo(std::string_view conninfo) {
  if (!conninfo.starts_with("postgresql://") && !conninfo.starts_with("postgres://")) {
    return std::string(postgres_defaults).append(" ").append(conninfo).append(" client_encoding=UTF8");
  }
  std::string query(postgres_defaults);
  for (char& c : query) c = c == ' ' ? '&' : c;
  const auto mark = conninfo.find('?');
  std::string complete(conninfo.substr(0, mark));
  complete.append("?").append(query);
  if (mark != conninfo.npos && mark + 1 < conninfo.size()) complete.append("&").append(conninfo.substr(mark + 1));
  return complete.append("&client_encoding=UTF8");
}

/// The statement that sets up a session; of one whose process is not `backend` it leaves all as it is and has no row. A pooler tells
/// its clients of processes that are none, or of none (0), for it answers for several. Without one: whatever the process.
inline std::string session_settings(const PostgresOptions& options, std::optional<int> backend = {}) {
  std::string settings = "SELECT set_config('extra_float_digits', '1', false)";  // a floating-point number's text is exact
  if (!options.synchronous_commit) settings += ", set_config('synchronous_commit', 'off', false)";
  if (options.statement_timeout.count() > 0) {
    settings += ", set_config('statement_timeout', '" + std::to_string(options.statement_timeout.count()) + "', false)";
  }
  if (backend) settings += " WHERE pg_backend_pid() = " + std::to_string(*backend);
  return settings;
}

/// When a server that does not answer is given up, if it cancels statements after a time-out; zero: never.
inline std::chrono::milliseconds answer_timeout(std::chrono::milliseconds statement_timeout) {
  return statement_timeout.count() == 0 ? std::chrono::milliseconds::max() : statement_timeout + std::chrono::seconds(1);
}

}  // namespace detail
}  // namespace render_cache
