// Runs work on a connection of the pool: the database made ready first, one retry where that can help, failures counted.
#pragma once

#include <render_cache/store/postgres/pool.hpp>
#include <render_cache/store/postgres/watchdog.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace render_cache {

/// What a store on PostgreSQL has done so far.
struct PostgresStats {
  std::size_t connections_open = 0;
  std::size_t connections_idle = 0;
  std::uint64_t operations = 0;   ///< one round trip each, unless the connection had to be opened or a statement prepared
  std::uint64_t retries = 0;      ///< operations that were run again: connection lost, rolled back, table changed
  std::uint64_t unreadable = 0;   ///< rows that could not be read
  std::uint64_t unavailable = 0;  ///< operations that failed, by the kind of their error
  std::uint64_t full = 0;
  std::uint64_t refused = 0;
  std::uint64_t mismatched = 0;
  std::uint64_t other = 0;
};

/// Thread-safe. Connects when it is first used.
class PostgresClient {
 public:
  /// Applies what migrations are pending, and throws `SchemaMismatch` if the table is not what the schema says.
  using MakeReady = std::function<void(PostgresConnection&)>;

  PostgresClient(const PostgresOptions& options, MakeReady make_ready)
      : statement_timeout_(options.statement_timeout), watchdog_(detail::answer_timeout(statement_timeout_)), pool_(options),
        make_ready_(std::move(make_ready)) {}

  /// What `work(connection)` returns. The database is made ready before the first work, and again after each mismatch.
  template <class Work>
  auto run(Work work) -> decltype(work(std::declval<PostgresConnection&>())) {
    return run(work, statement_timeout_);
  }
  /// The same for work that sets a time-out of its own; zero: none.
  template <class Work>
  auto run(Work work, std::chrono::milliseconds timeout) -> decltype(work(std::declval<PostgresConnection&>())) {
    try {
      ++operations_;
      return run_or_retry(work, detail::answer_timeout(timeout));
    } catch (const StoreUnavailable&) {
      ++unavailable_;
      throw;
    } catch (const StoreFull&) {
      ++full_;
      throw;
    } catch (const InvalidValue&) {
      ++refused_;
      throw;
    } catch (const SchemaMismatch&) {
      ++mismatched_;
      throw;
    } catch (...) {
      ++other_;
      throw;
    }
  }

  /// Connects and makes the database ready, whether or not that was done before.
  void check() {
    ready_ = false;
    run([](PostgresConnection&) { return true; });
  }

  [[nodiscard]] PostgresStats stats() const {
    return {pool_.open(), pool_.idle(), operations_, retries_, 0, unavailable_, full_, refused_, mismatched_, other_};
  }

 private:
  template <class Work>
  auto run_or_retry(Work& work, std::chrono::milliseconds limit) -> decltype(work(std::declval<PostgresConnection&>())) {
    for (bool may_retry = true;; may_retry = false) {
      auto connection = pool_.acquire();  // a server that refuses connections is not asked twice
      const bool was_ready = ready_;
      try {
        if (!was_ready) make_ready(*connection);
        const PostgresWatchdog::Watch watch(watchdog_, *connection, limit);
        return work(*connection);
      } catch (const PostgresConnectionLost&) {
        if (!may_retry) throw;
      } catch (const PostgresRolledBack&) {
        if (!may_retry) throw;
      } catch (const SchemaMismatch&) {
        // A statement's: its plan is older than the table, or the table was changed. A new connection and a new check tell.
        connection->discard();
        ready_ = false;
        if (!was_ready || !may_retry) throw;
      }
      ++retries_;
    }
  }

  void make_ready(PostgresConnection& connection) {
    try {
      make_ready_(connection);
      ready_ = true;
    } catch (...) {
      connection.discard();  // it may be in the middle of a migration
      throw;
    }
  }

  const std::chrono::milliseconds statement_timeout_;
  PostgresWatchdog watchdog_;
  PostgresPool pool_;
  const MakeReady make_ready_;
  std::atomic<bool> ready_ = false;
  std::atomic<std::uint64_t> operations_ = 0, retries_ = 0, unavailable_ = 0, full_ = 0, refused_ = 0, mismatched_ = 0,
                             other_ = 0;
};

}  // namespace render_cache
