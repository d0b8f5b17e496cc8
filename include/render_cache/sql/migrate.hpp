// Brings a database's tables up to date, once, however many nodes start at the same time.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/sql/connection.hpp>
#include <render_cache/sql/migration.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace render_cache {

/// One migration, and whether it was applied.
struct MigrationState {
  std::uint32_t version = 0;                ///< from 1 on
  std::string name;                         ///< as in its file's name
  std::optional<std::string> applied_at{};  ///< the database's text of the time; empty: pending
};

/// Applies migrations in the order of their versions and notes each, with its checksum, in the table `history`. Two
/// programs with tables of their own in one database give their histories different names.
///
/// Each migration and its note are one transaction. Before it the migrator takes a lock that all migrators of the
/// database share (PostgreSQL: a transaction-level advisory lock, which poolers and crashes cannot leave behind; SQLite:
/// BEGIN IMMEDIATE), so one node applies and the others wait and then find nothing to do. In an engine whose DDL is in no
/// transaction, a script that fails may leave a part of it, and the error says so.
///
/// Nodes are upgraded one by one, so the history may have gone on: migrations after all of ours, by a newer program, are left alone. Whether
/// the tables still fit is for the check of the table to say.
///
/// Each member throws MigrationError if the history does not begin as `migrations` do, or a script fails;
/// StoreUnavailable if the database cannot be reached. Not for several threads at once.
template <SchemaConnection Connection>
class Migrator {
  using Dialect = typename Connection::Dialect;

 public:
  /// For `up`: as far as there are migrations.
  static constexpr std::uint32_t newest = std::numeric_limits<std::uint32_t>::max();

  [[gnu::cold]] Migrator(Connection& connection, std::vector<Migration> migrations,
                         std::string history = "render_cache_migrations")
      : connection_(connection), migrations_(std::move(migrations)), history_(std::move(history)) {
    for (auto at = migrations_.begin(); at != migrations_.end(); ++at) {  // few: a better sort is more code than they are worth
      std::iter_swap(at, std::ranges::min_element(at, migrations_.end(), {}, &Migration::version));
    }
    if (std::ranges::adjacent_find(migrations_, {}, &Migration::version) != migrations_.end()) {
      throw MigrationError("two migrations have the same version");
    }
  }

  /// Every migration and when it was applied, those of a newer program at the end. Changes nothing.
  std::vector<MigrationState> status() {
    const auto applied = read_history();
    check(applied);
    std::vector<MigrationState> states;
    for (const auto& migration : migrations_) states.push_back({migration.version, migration.name});
    for (std::size_t index = states.size(); index < applied.size(); ++index) {
      states.push_back({applied[index].version, applied[index].name});
    }
    for (std::size_t index = 0; index < applied.size(); ++index) states[index].applied_at = applied[index].applied_at;
    return states;
  }

  /// Those that `up` would apply, in their order.
  std::vector<MigrationState> pending() {
    auto states = status();
    std::erase_if(states, [](const MigrationState& state) { return state.applied_at.has_value(); });
    return states;
  }

  /// Applies what is pending up to and including version `to`. Returns how many this call has applied.
  std::size_t up(std::uint32_t to = newest) {
    const auto next = [&](std::size_t applied) {
      return applied < migrations_.size() && migrations_[applied].version <= to ? &migrations_[applied] : nullptr;
    };
    const auto before = read_history();
    check(before);
    if (next(before.size()) == nullptr) return 0;  // the usual start of a node takes no lock
    std::size_t count = 0;
    for (bool more = true; more;) {
      try {
        more = locked([&](std::size_t applied) {
          const auto* migration = next(applied);
          if (migration == nullptr) return false;
          run(*migration, migration->up, "cannot be applied");
          query(
              "INSERT INTO " + table() + " (version, name, checksum) VALUES (" + std::to_string(migration->version) + ", $1, $2)",
              {migration->name, checksum(migration->up)});
          ++count;
          return true;
        });
      } catch (const StoreForbidden& error) {
        throw MigrationError(named(*next(before.size())) + " cannot be applied: " + error.what());
      }
    }
    return count;
  }

  /// Undoes all versions above `to`, the newest first. Returns how many. The data of the tables goes with them. Only the program that
  /// has applied the newest knows how.
  std::size_t down(std::uint32_t to) {
    std::size_t count = 0;
    for (bool more = true; more;) {
      more = locked([&](std::size_t applied) {
        if (applied > migrations_.size()) throw MigrationError(newer_database());
        if (applied == 0 || migrations_[applied - 1].version <= to) return false;
        const auto& migration = migrations_[applied - 1];
        if (migration.down.empty()) throw MigrationError(named(migration) + " has no way down");
        run(migration, migration.down, "cannot be undone");
        query("DELETE FROM " + table() + " WHERE version = " + std::to_string(migration.version), {});
        ++count;
        return true;
      });
    }
    return count;
  }

 private:
  struct Applied {
    std::uint32_t version;
    std::string name, checksum, applied_at;
  };

  static std::string named(const Migration& migration) {
    return "migration " + std::to_string(migration.version) + " '" + migration.name + "'";
  }
  [[nodiscard]] std::string newer_database() const {
    return "this program is older than the database: use a newer one" +
           (migrations_.empty() ? "" : " (the newest migration it knows is " + named(migrations_.back()) + ")");
  }
  [[nodiscard]] std::string table() const { return detail::quoted<Dialect>(history_); }

  Rows query(std::string_view text, const std::vector<std::string>& arguments) {
    return detail::query(connection_, text, arguments);
  }

  std::vector<Applied> read_history() {
    if (query(Dialect::table_exists, {history_}).empty()) return {};
    std::vector<Applied> applied;
    for (auto& row : query("SELECT version, name, checksum, applied_at FROM " + table() + " ORDER BY version", {})) {
      applied.push_back(read_row(std::move(row)));
    }
    return applied;
  }

  /// The table may be somebody else's, or changed by hand.
  Applied read_row(std::vector<std::optional<std::string>> row) const {
    for (const auto& field : row) {
      if (!field) throw MigrationError("the history " + table() + " has a row with a NULL, which no migration has written");
    }
    const std::string& text = *row.at(0);
    std::uint32_t version = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error != std::errc{} || end != text.data() + text.size()) {
      throw MigrationError("the history " + table() + " has a version that is no whole number, which no migration has written");
    }
    return {version, std::move(*row.at(1)), std::move(*row.at(2)), std::move(*row.at(3))};
  }

  /// The history must be what the first of our migrations made, or all of them and then a newer program's.
  [[gnu::cold]] void check(std::span<const Applied> applied) const {
    for (std::size_t index = 0; index < applied.size(); ++index) {
      const auto& done = applied[index];
      const auto known = std::ranges::find(migrations_, done.version, &Migration::version);
      const std::string text = "the database's migration " + std::to_string(done.version) + " '" + done.name + "' ";
      if (known == migrations_.end()) {
        if (index >= migrations_.size()) return;
        throw MigrationError(text + "is unknown here, and " + named(migrations_[index]) +
                             " was never applied: " + newer_database());
      }
      if (known->name != done.name || checksum(known->up) != done.checksum) {
        throw MigrationError(text + "was applied with checksum " + done.checksum + "; this program has '" + known->name +
                             "' with checksum " + checksum(known->up) + ": never change a migration once applied, add a new one");
      }
      if (known != migrations_.begin() + static_cast<std::ptrdiff_t>(index)) {
        throw MigrationError(named(migrations_[index]) + " was never applied, and " + text +
                             "was: a new migration needs a version above all applied ones");
      }
    }
  }

  /// Runs `step(number of applied migrations)` in a transaction, under the lock.
  template <class Step>
  bool locked(Step step) {
    const auto lock = checksum(history_);
    connection_.run_script(Dialect::begin_migration(lock));
    try {
      const Column applied_at{.name = "applied_at", .kind = Kind::timestamp};
      connection_.run_script("CREATE TABLE IF NOT EXISTS " + table() +
                             " (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at " +
                             Dialect::type_name(applied_at) + " NOT NULL DEFAULT (" + std::string(Dialect::now) + "))");
      const auto applied = read_history();
      check(applied);
      const bool done = step(applied.size());
      connection_.run_script(Dialect::end_migration(lock));
      return done;
    } catch (...) {
      try {
        connection_.run_script(Dialect::abandon_migration(lock));
      } catch (const StoreError&) {
        // a connection that is gone has rolled back by itself
      }
      throw;
    }
  }

  void run(const Migration& migration, const std::string& script, std::string_view failure) {
    try {
      connection_.run_script(script);
    } catch (const StoreUnavailable&) {
      throw;
    } catch (const StoreFull&) {
      throw;
    } catch (const StoreError& error) {
      throw MigrationError(named(migration) + " " + std::string(failure) + ": " + error.what() +
                           (Dialect::transactional_ddl ? "" : "; what it has done until then stays: undo that by hand"));
    }
  }

  Connection& connection_;
  std::vector<Migration> migrations_;
  std::string history_;
};

}  // namespace render_cache
