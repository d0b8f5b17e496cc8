// Runs the query by which an operator says which groups live.
#pragma once

#include <render_cache/sql/sweep.hpp>
#include <render_cache/store/sqlite/statement.hpp>

#include <sqlite3.h>

#include <chrono>
#include <string>

namespace render_cache::detail {

/// While it lives, statements of the connection are interrupted after the time-out; zero: never.
class SqliteTimeout {
  using Clock = std::chrono::steady_clock;

 public:
  SqliteTimeout(SqliteConnection& connection, std::chrono::milliseconds timeout)
      : connection_(connection), end_(Clock::now() + timeout) {
    if (timeout.count() > 0) sqlite3_progress_handler(connection.handle(), 10'000, &interrupt, this);
  }
  SqliteTimeout(const SqliteTimeout&) = delete;
  SqliteTimeout& operator=(const SqliteTimeout&) = delete;
  ~SqliteTimeout() { sqlite3_progress_handler(connection_.handle(), 0, nullptr, nullptr); }

  /// Whether a statement was interrupted.
  [[nodiscard]] bool interrupted() const noexcept { return interrupted_; }

 private:
  static int interrupt(void* object) noexcept {
    auto& self = *static_cast<SqliteTimeout*>(object);
    self.interrupted_ = Clock::now() >= self.end_;
    return self.interrupted_ ? 1 : 0;
  }

  SqliteConnection& connection_;
  const Clock::time_point end_;
  bool interrupted_ = false;
};

/// `each(run)` for every row. The connection must be one that can only read.
template <class Each>
void run_live_query(SqliteConnection& connection, const std::string& sql, std::chrono::milliseconds timeout, Each each) {
  const SqliteTimeout limit(connection, timeout);
  const auto attempt = [&](auto action) {
    try {
      return action();
    } catch (const StoreUnavailable&) {
      throw;
    } catch (const StoreError& error) {
      if (limit.interrupted()) give_up_live_query(timeout);
      refuse_live_query(error.what());
    }
  };
  auto statement = attempt([&] { return SqliteStatement(connection, sql); });
  auto run = statement.run();
  while (attempt([&] { return run.step(); })) each(run);
}

}  // namespace render_cache::detail
