// Runs work on a connection of the pool: one retry where that can help, failures counted.
#pragma once

#include <render_cache/store/lookup_limit.hpp>
#include <render_cache/store/postgres/pool.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace render_cache {

/// What a store on PostgreSQL has done so far.
struct PostgresStats {
  std::size_t connections_open = 0;
  std::size_t connections_idle = 0;
  std::uint64_t operations = 0;   ///< one round trip each, unless the connection had to be opened or a statement prepared
  std::uint64_t retries = 0;      ///< operations that were run again: connection lost, rolled back, table changed
  std::uint64_t unreadable = 0;   ///< rows that could not be read
  std::uint64_t damaged = 0;      ///< rows that were not what was stored
  std::uint64_t unavailable = 0;  ///< operations that failed, by the kind of their error
  std::uint64_t full = 0;
  std::uint64_t refused = 0;
  std::uint64_t mismatched = 0;
  std::uint64_t forbidden = 0;
  std::uint64_t other = 0;
};

/// Thread-safe. Connects when it is first used.
class PostgresClient {
 public:
  PostgresClient(const PostgresOptions& options, PostgresPool::MakeReady make_ready)
      : acquire_timeout_(options.acquire_timeout), statement_timeout_(options.statement_timeout),
        lookup_limit_(options.lookup_timeout, detail::answer_timeout(options.statement_timeout)),
        pool_(options, std::move(make_ready)) {}

  /// What `work(connection)` returns. The database is made ready before the first work, and again after each mismatch.
  template <class Work>
  auto run(Work work) -> decltype(work(std::declval<PostgresConnection&>())) {
    return run(work, statement_timeout_);
  }
  /// The result of a statement.
  pqxx::result run(const PostgresStatement& statement, const PostgresParameters& parameters) {
    return run([&](PostgresConnection& connection) { return connection.run(statement, parameters); });
  }
  /// The same for work that sets a statement time-out of its own; zero: none.
  template <class Work>
  auto run(Work work, std::chrono::milliseconds statement_timeout) -> decltype(work(std::declval<PostgresConnection&>())) {
    return counted([&] { return run_or_retry(work, limit(statement_timeout), PostgresPool::Use::any); });
  }
  /// The same within `lookup_timeout`, or what an entry has cost to render if that is longer, its second try included, and what a
  /// large answer takes beyond that.
  template <class Work>
  auto look_up(Work work, std::chrono::milliseconds more = {}) -> decltype(work(std::declval<PostgresConnection&>())) {
    return counted([&] { return run_or_retry(work, {lookup_limit_.get(), more}, PostgresPool::Use::any); });
  }
  /// What an entry that was found or stored has taken to render.
  void note_render_cost(std::optional<std::chrono::nanoseconds> cost) noexcept { lookup_limit_.note(cost); }
  /// The same on one of the connections for publishes.
  template <class Work>
  auto publish(Work work) -> decltype(work(std::declval<PostgresConnection&>())) {
    return counted([&] { return run_or_retry(work, limit(statement_timeout_), PostgresPool::Use::publish); });
  }

  /// Connects and makes the database ready, whether or not that was done before, however long that takes.
  void check() {
    counted([this] {
      pool_.recheck();
      pool_.acquire(detail::from_now(std::chrono::milliseconds::max()));
    });
  }

  [[nodiscard]] PostgresStats stats() const {
    return {pool_.open(), pool_.idle(), operations_, retries_,    0,          0,
            unavailable_, full_,        refused_,    mismatched_, forbidden_, other_};
  }

 private:
  template <class Operation>
  auto counted(Operation operation) -> decltype(operation()) {
    try {
      ++operations_;
      return operation();
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
    } catch (const StoreForbidden&) {
      ++forbidden_;
      throw;
    } catch (...) {
      ++other_;
      throw;
    }
  }

  /// How long an operation waits for a connection, and what it has beyond that for all else. A second try has no more time.
  struct Limit {
    std::chrono::milliseconds connection, answer;
  };

  [[nodiscard]] Limit limit(std::chrono::milliseconds statement_timeout) const {
    return {acquire_timeout_, detail::answer_timeout(statement_timeout)};
  }

  template <class Work>
  auto run_or_retry(Work& work, Limit limit, PostgresPool::Use use) -> decltype(work(std::declval<PostgresConnection&>())) {
    const auto end =
        detail::from_now(limit.connection) + std::min<std::chrono::milliseconds>(limit.answer, std::chrono::years(100));
    for (bool may_retry = true;; may_retry = false) {
      // A server that refuses connections is not asked twice.
      const auto connection = pool_.acquire(std::min(end, detail::from_now(limit.connection)), use);
      const auto watch = connection->expect_answer(end);
      try {
        return work(*connection);
      } catch (const PostgresConnectionLost&) {
        if (watch->is_over()) {  // it was slow: others need not be
          connection.discard();
          const auto waited = std::to_string((limit.connection + limit.answer).count()) + " ms";
          detail::throw_not_in_time(connection.others_answered(), "PostgreSQL has not answered within " + waited);
        }
        if (!may_retry) throw;
      } catch (const PostgresRolledBack&) {
        if (!may_retry) throw;
      } catch (const PostgresReadOnly&) {
        // After a failover a new session finds the new primary. A replica is asked for one once in a while and not each time.
        if (!may_retry || !connection->is_older_than(std::chrono::seconds(1))) throw;
        connection.discard();
      } catch (const SchemaMismatch&) {
        connection.recheck();  // the statement's plan is older than the table, or the table was changed: a new check tells
        if (!may_retry) throw;
      }
      ++retries_;
    }
  }

  const std::chrono::milliseconds acquire_timeout_, statement_timeout_;
  detail::LookupLimit lookup_limit_;
  PostgresPool pool_;
  std::atomic<std::uint64_t> operations_ = 0, retries_ = 0, unavailable_ = 0, full_ = 0, refused_ = 0, mismatched_ = 0,
                             forbidden_ = 0, other_ = 0;
};

}  // namespace render_cache
