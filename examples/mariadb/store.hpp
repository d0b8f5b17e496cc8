// A store in a MariaDB table. tests/mariadb/ holds it to the laws.
#pragma once

#include "connection.hpp"

#include <render_cache/concepts/store.hpp>
#include <render_cache/entry/text.hpp>
#include <render_cache/sql/bounds.hpp>
#include <render_cache/sql/migrate.hpp>
#include <render_cache/sql/row.hpp>
#include <render_cache/sql/statements.hpp>
#include <render_cache/sql/sweep.hpp>
#include <render_cache/sql/table_check.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mariadb_example {

using namespace render_cache;

/// Durable. Connects when it is first used; then the pending migrations are applied, and the table is compared with the schema.
/// All members may be called from many threads at once: each has a connection of its own while it runs.
template <class S>
class MariaDbStore {
  static_assert(check_schema<S>());
  using Fields = std::vector<Field>;
  using Row = std::vector<std::optional<std::string>>;

 public:
  using schema_type = S;
  using key_type = typename S::key_type;
  using value_type = typename S::value_type;

  explicit MariaDbStore(MariaDbOptions options) : options_(std::move(options)) {}

  Lookup<value_type> lookup(const key_type& key, const Fingerprint& fingerprint) {
    check_key(key);
    const auto rows = run(sql_.lookup, fields(key, fingerprint.text())).rows;
    return rows.empty() ? Lookup<value_type>{} : read(rows[0], key, fingerprint);
  }

  /// The age is by the server's clock.
  std::optional<Aged<value_type>> lookup_stale(const key_type& key) {
    check_key(key);
    const auto rows = run(sql_.lookup_stale, fields(key)).rows;
    if (rows.empty() || !rows[0][0]) return {};
    std::int64_t age = 0;
    auto found = read(rows[0], key, Fingerprint::from_text(std::string(StoredText(*rows[0][0]).fingerprint())));
    if (!found.entry || !from_column(rows[0].back(), age).empty()) return {};
    return Aged<value_type>{std::move(found.entry), std::chrono::microseconds(std::max<std::int64_t>(age, 0))};
  }

  void publish(const key_type& key, EntryPtr<value_type> entry) {
    check_key(key);
    const auto text = stored_text<S, MariaDbDialect>(key, *entry);
    auto arguments = fields(key);
    add(arguments, entry->value);
    arguments.push_back(to_column(text));
    run(sql_.publish, arguments);
  }

  bool erase(const key_type& key) {
    check_key(key);
    return run(sql_.erase, fields(key)).changed != 0;
  }

  std::size_t erase_group(const group_t<key_type>& group) { return run(sql_.erase_group, {to_column(group)}).changed; }

  PruneReport prune(const KeepPredicate<key_type>& keep, const PruneOptions& options) {
    const std::string start = run(sql_.sweep_start, {}).rows.at(0).at(0).value();
    return sweep<key_type>(
        keep, options, [&](const key_type* after, std::size_t limit) { return page(after, start, limit); },
        [&](std::span<const key_type> doomed) { return erase_older(doomed, start); });
  }

  const Bounds& bounds() const noexcept { return options_.bounds; }

  PruneReport prune_to(const Bounds& bounds, const PruneOptions& options = {}, const KeepPredicate<key_type>& stays = {}) {
    const std::string start = run(sql_.sweep_start, {}).rows.at(0).at(0).value();
    return sweep_to_bounds<key_type>(
        bounds, options, stays, start,
        [&] {
          auto connection = take();
          const auto bytes = table_bytes(*connection, S::table);
          give_back(std::move(connection));
          return bytes;
        },
        [&](const key_type* after, std::size_t limit, bool bytes) { return survey(after, start, limit, bytes); },
        [&](std::span<const key_type> doomed) { return erase_older(doomed, start); });
  }

 private:
  using Connection = std::unique_ptr<MariaDbConnection>;

  // --- Rows ---

  template <class T>
  static void add(Fields& arguments, const T& object) {
    for_each_member(object, [&](const char*, const auto& member) { arguments.push_back(to_column(member)); });
  }
  /// A key, and texts that must outlive the fields.
  template <class... Text>
  static Fields fields(const key_type& key, const Text&... texts) {
    Fields arguments;
    add(arguments, key);
    (arguments.push_back(to_column(texts)), ...);
    return arguments;
  }

  static Lookup<value_type> read(const Row& row, const key_type& key, const Fingerprint& wanted) {
    return read_lookup<S, MariaDbDialect>(row[0], key, wanted,
                                          [&](std::size_t column, auto& member) { return from_column(row.at(column), member); });
  }

  std::vector<SweptKey<key_type>> page(const key_type* after, const std::string& start, std::size_t limit) {
    auto arguments = after == nullptr ? Fields{} : fields(*after);
    arguments.push_back(to_column(start));
    arguments.emplace_back(limit);
    std::vector<SweptKey<key_type>> keys;
    for (const auto& row : run(after == nullptr ? sql_.sweep_first : sql_.sweep_next, arguments).rows) {
      read_key(row, keys.emplace_back());
    }
    return keys;
  }

  std::vector<SurveyedKey<key_type>> survey(const key_type* after, const std::string& start, std::size_t limit, bool with_bytes) {
    auto arguments = after == nullptr ? Fields{} : fields(*after);
    arguments.push_back(to_column(start));
    arguments.emplace_back(std::size_t{with_bytes});
    arguments.emplace_back(limit);
    std::vector<SurveyedKey<key_type>> keys;
    for (const auto& row : run(after == nullptr ? sql_.survey_first : sql_.survey_next, arguments).rows) {
      auto& one = keys.emplace_back();
      const auto column = read_key(row, one);
      if (row.at(column)) one.time = from_text<Timestamp>(*row[column]);
      one.bytes = from_text<std::uint64_t>(row.at(column + 1).value()).value();
    }
    return keys;
  }

  /// Its columns are the first ones; returns the next.
  static std::size_t read_key(const Row& row, SweptKey<key_type>& swept) {
    std::size_t column = 0;
    for_each_member(swept.key, [&](const char* name, auto& member) {
      const auto wrong = from_column(row.at(column++), member);
      if (!wrong.empty()) throw StoreError("'" + std::string(name) + "' " + std::string(wrong));
    });
    swept.newer = row.at(column++) == "1";
    return column;
  }

  Erased erase_older(std::span<const key_type> doomed, const std::string& start) {
    Erased erased;
    for (const auto& key : doomed) {
      if (run(sql_.erase_older, fields(key, start)).changed != 0) {
        ++erased.removed;
      } else {
        erased.newer += run(sql_.lookup, fields(key, std::string())).rows.size();
      }
    }
    return erased;
  }

  // --- Connections ---

  /// A connection that has failed is closed. Once more on a new one where it was lost, some times where others were in the way.
  MariaDbConnection::Result run(const Statement& statement, const Fields& arguments) {
    for (int lost = 0, rolled_back = 0;;) {
      try {
        auto connection = take();
        auto result = connection->run(statement, arguments);
        give_back(std::move(connection));
        return result;
      } catch (const MariaDbLost&) {
        close_idle();  // of the same time, and so probably lost too
        if (++lost == 2) throw;
      } catch (const MariaDbRolledBack&) {
        if (++rolled_back == 5) throw;
      } catch (const SchemaMismatch&) {
        close_idle();
        ready_ = false;  // the next use looks at the table
        throw;
      }
    }
  }

  Connection take() {
    if (!ready_) make_ready();
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        return connection;
      }
    }
    return std::make_unique<MariaDbConnection>(options_, options_.answer_timeout);
  }
  void give_back(Connection connection) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
  }
  void close_idle() {
    std::vector<Connection> closed;  // after the mutex is free again
    const std::lock_guard lock(mutex_);
    closed.swap(idle_);
  }

  /// On a connection of its own: a migration may take its time, and wait for another node's.
  void make_ready() {
    MariaDbConnection connection(options_, std::chrono::seconds(0));
    if (!options_.migrations.empty()) Migrator(connection, options_.migrations, options_.migration_history).up();
    check_table<S>(connection);
    ready_ = true;
  }

  const MariaDbOptions options_;
  const Sql<MariaDbDialect> sql_{table_of<S>()};  // outlives the connections
  std::atomic<bool> ready_ = false;
  std::mutex mutex_;
  std::vector<Connection> idle_;
};

}  // namespace mariadb_example
