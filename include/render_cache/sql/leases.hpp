// The table of leases: what an engine must say of it, its migration, and its statements.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/fingerprint.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/sql/connection.hpp>
#include <render_cache/sql/migrate.hpp>
#include <render_cache/sql/row_digest.hpp>
#include <render_cache/sql/statement.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace render_cache {

/// A dialect of an engine that keeps leases:
///
///   std::string create_lease_table(std::string_view table);   with `name`, which is unique, `owner` and `deadline`, a number of 64
///                                          bits. It need not survive a crash
///   std::string_view clock_milliseconds;   what time it is, since 1970
///   std::string_view skip_locked;          what ends a SELECT that passes over rows which somebody else changes now
template <class Dialect>
concept HasLeaseTable = requires(std::string_view name) {
  { Dialect::create_lease_table(name) } -> std::same_as<std::string>;
  { Dialect::clock_milliseconds } -> std::convertible_to<std::string_view>;
  { Dialect::skip_locked } -> std::convertible_to<std::string_view>;
};

/// One table for all caches of a database, with a row for each render that goes on.
inline constexpr std::string_view lease_table = "render_cache_lease";
/// The table that records its migrations.
inline constexpr std::string_view lease_history = "render_cache_lease_migrations";

/// The history of the table: see `migrate_leases`.
template <HasLeaseTable Dialect>
std::vector<Migration> lease_migrations() {
  return {{.version = 1,
           .name = "leases",
           .up = Dialect::create_lease_table(lease_table),
           .down = detail::text({"DROP TABLE ", lease_table})}};
}

/// Makes the table, once, however many nodes do so at the same time. A store that is given migrations does it after them, for it may
/// make tables then; who migrates by hand calls it himself. Where the table is missing there are no leases. Throws as `Migrator` does.
template <SchemaConnection Connection>
void migrate_leases(Connection& connection) {
  Migrator(connection, lease_migrations<typename Connection::Dialect>(), std::string(lease_history)).up();
}

namespace detail {

/// What a lease is called: 128 bits over the table, the key and the fingerprint. If two had one name, one render would wait for the
/// other, and nothing else.
template <Key K>
std::string lease_name(std::string_view table, const K& key, const Fingerprint& fingerprint) {
  RowDigest digest(nullptr);
  digest.add("|table", table);
  digest.add(key);
  digest.add("|fingerprint", fingerprint.text());
  return digest.text();
}

/// The statements, each made by the function before it; the table of the values is not in them. The comments name the parameters in
/// their order.
template <HasLeaseTable Dialect>
struct LeaseSql {
  explicit LeaseSql(const Table& table)
      : acquire(make_acquire(table)), renew(make_renew(table)), release(make_release(table)), clean_up(make_clean_up(table)) {}

  /// (name, owner, milliseconds): a row is written if nobody else holds the lease. What has ended is anybody's.
  static Statement make_acquire(const Table&) {
    return statement<Dialect>(text({"INSERT INTO ", lease_table, " AS l (name, owner, deadline) VALUES ($1, $2, ", end("$3"),
                                    ") ON CONFLICT (name) DO UPDATE SET owner = EXCLUDED.owner, deadline = EXCLUDED.deadline",
                                    " WHERE l.owner = EXCLUDED.owner OR l.deadline <= ", Dialect::clock_milliseconds}));
  }
  Statement acquire;

  /// (name, owner, milliseconds): not another's, who has taken it over meanwhile.
  static Statement make_renew(const Table&) {
    return statement<Dialect>(text({"UPDATE ", lease_table, " SET deadline = ", end("$3"), " WHERE name = $1 AND owner = $2"}));
  }
  Statement renew;

  /// (name, owner): nor that.
  static Statement make_release(const Table&) {
    return statement<Dialect>(text({"DELETE FROM ", lease_table, " WHERE name = $1 AND owner = $2"}));
  }
  Statement release;

  /// (): those that ended a minute ago, some at a time. Nobody waits for anybody.
  static Statement make_clean_up(const Table&) {
    return statement<Dialect>(
        text({"DELETE FROM ", lease_table, " WHERE name IN (SELECT name FROM ", lease_table, " WHERE deadline < ",
              Dialect::clock_milliseconds, " - 60000 LIMIT 1000", Dialect::skip_locked, ")"}));
  }
  Statement clean_up;

 private:
  static std::string end(std::string_view milliseconds) {
    return text({Dialect::clock_milliseconds, " + CAST(", milliseconds, " AS bigint)"});
  }
};

/// Whether the table is there.
template <SchemaConnection Connection>
bool has_lease_table(Connection& connection) {
  return !query(connection, Connection::Dialect::table_exists, {std::string(lease_table)}).empty();
}

}  // namespace detail
}  // namespace render_cache
