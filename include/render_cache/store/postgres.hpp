// The store that all nodes of a cluster share: one table in PostgreSQL.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/sql/schema.hpp>  // first: a compiler says by which way it came to a mistake in one

#include <render_cache/concepts/store.hpp>
#include <render_cache/entry/text.hpp>
#include <render_cache/sql/bounds.hpp>
#include <render_cache/sql/leases.hpp>
#include <render_cache/sql/migrate.hpp>
#include <render_cache/sql/statements.hpp>
#include <render_cache/sql/sweep.hpp>
#include <render_cache/sql/table_check.hpp>
#include <render_cache/store/postgres/client.hpp>
#include <render_cache/store/postgres/rows.hpp>
#include <render_cache/store/postgres/statements.hpp>
#include <render_cache/store/postgres/sweep_steps.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache {

/// A durable store. Connects when it is first used, so that a program starts without its server; then the migrations
/// that are pending are applied and the table is compared with the schema. What is wrong with it is reported by each
/// operation (MigrationError, SchemaMismatch) until it is repaired. Look-ups and publishes of any number of keys take
/// one round trip. All members may be called from many threads at once.
///
/// An operation whose connection breaks is run once more on a new one, and then reported as `StoreUnavailable`.
template <class S>
class PostgresStore {
  static_assert(check_schema<S>());

 public:
  using schema_type = S;  ///< the schema, as it was given
  using key_type = typename S::key_type;
  using value_type = typename S::value_type;
  /// One element of what `publish_many` takes.
  using KeyedEntry = std::pair<key_type, EntryPtr<value_type>>;

  explicit PostgresStore(PostgresOptions options) : bounds_(options.bounds), client_(options, make_ready(options)) {}

  /// Connects now, applies the migrations and compares the table with the schema. For start-up and health checks.
  void check() { client_.check(); }

  Lookup<value_type> lookup(const key_type& key, const Fingerprint& fingerprint) {
    check_key(key);
    PostgresParameters parameters;
    detail::add_parameters(parameters, key);
    parameters.add(text_to_find(fingerprint));
    const auto rows = look_up(statements_.lookup, parameters);
    return rows.empty() ? Lookup<value_type>{} : read_lookup(rows[0], 0, key, fingerprint);
  }

  std::vector<Lookup<value_type>> lookup_many(std::span<const Query<key_type>> queries) {
    std::vector<Lookup<value_type>> found(queries.size());
    if (queries.empty()) return found;
    detail::MemberArrays<key_type> keys;
    detail::ArrayLiteral fingerprints;
    for (const auto& one : queries) {
      check_key(one.key);
      keys.add(one.key);
      fingerprints.add(text_to_find(one.fingerprint));
    }
    PostgresParameters parameters;
    keys.move_to(parameters);
    parameters.add_owned(fingerprints.take());
    for (const auto& row : look_up(statements_.lookup_many, parameters, std::chrono::milliseconds(queries.size()))) {
      const auto number = from_text<std::size_t>(row[0].c_str()).value();  // from 1 on
      found[number - 1] = read_lookup(row, 1, queries[number - 1].key, queries[number - 1].fingerprint);
    }
    return found;
  }

  /// What is stored, whatever its fingerprint; nothing if that cannot be read. The age is by the database's clock.
  std::optional<Aged<value_type>> lookup_stale(const key_type& key) {
    check_key(key);
    PostgresParameters parameters;
    detail::add_parameters(parameters, key);
    const auto rows = look_up(statements_.lookup_stale, parameters);
    if (rows.empty() || rows[0][0].is_null()) return {};
    const StoredText stored(detail::text_of(rows[0][0]));
    const auto found = read_lookup(rows[0], 0, key, Fingerprint::from_text(std::string(stored.fingerprint())));
    const auto age = from_text<std::int64_t>(detail::text_of(rows[0][rows[0].size() - 1]));
    if (!found.entry || !age) return {};
    return Aged<value_type>{found.entry, std::chrono::microseconds(std::max<std::int64_t>(*age, 0))};
  }

  void publish(const key_type& key, EntryPtr<value_type> entry) {
    PostgresParameters parameters;
    add_row(parameters, key, *entry);
    send(statements_.publish, parameters);
  }

  bool replace(const key_type& key, EntryPtr<value_type> entry, const Seen& seen) {
    PostgresParameters parameters;
    add_row(parameters, key, *entry);
    if (!seen.text) return send(statements_.insert_new, parameters) > 0;
    // A database without an encoding (SQL_ASCII) may hold what no parameter can be. It is nobody's newer entry.
    if (find_invalid_text(*seen.text) != std::string::npos) return send(statements_.publish, parameters) > 0;
    parameters.add(*seen.text);
    return send(statements_.replace, parameters) > 0;
  }

  /// All or nothing, in one statement; of a key that repeats the last one is kept.
  void publish_many(std::span<const KeyedEntry> entries) {
    if (entries.empty()) return;
    detail::MemberArrays<key_type> keys;
    detail::MemberArrays<value_type> values;
    detail::ArrayLiteral texts;
    for (const auto* one : last_of_each_key(entries)) {
      check_key(one->first);
      client_.note_render_cost(one->second->render_cost);
      texts.add(stored_text<S, PostgresDialect>(one->first, *one->second));
      keys.add(one->first);
      values.add(one->second->value);
    }
    PostgresParameters parameters;
    keys.move_to(parameters);
    values.move_to(parameters);
    parameters.add_owned(texts.take());
    send(statements_.publish_many, parameters);
  }

  /// `none` where the database has no table for them (see `lease_migrations`) or takes no changes: there is nothing to wait for.
  LeaseAnswer acquire_lease(const key_type& key, const Fingerprint& fingerprint, const std::string& owner,
                            std::chrono::milliseconds time) {
    check_key(key);
    PostgresParameters parameters;
    add_lease(parameters, key, fingerprint, owner);
    parameters.add_owned(std::to_string(time.count()));
    try {
      return client_.look_up([&](PostgresConnection& connection) {
        if (!keeps_leases_) return LeaseAnswer::none;
        return connection.run(statements_.acquire_lease, parameters).affected_rows() != 0 ? LeaseAnswer::granted
                                                                                          : LeaseAnswer::held;
      });
    } catch (const StoreForbidden&) {
      return LeaseAnswer::none;
    }
  }
  void renew_leases(std::span<const Query<key_type>> held, const std::string& owner, std::chrono::milliseconds time) {
    if (!keeps_leases_) return;
    for (const auto& [key, fingerprint] : held) {
      PostgresParameters parameters;
      add_lease(parameters, key, fingerprint, owner);
      parameters.add_owned(std::to_string(time.count()));
      look_up(statements_.renew_lease, parameters);
    }
    look_up(statements_.clean_up_leases, {});
  }
  void release_lease(const key_type& key, const Fingerprint& fingerprint, const std::string& owner) {
    if (!keeps_leases_) return;
    PostgresParameters parameters;
    add_lease(parameters, key, fingerprint, owner);
    look_up(statements_.release_lease, parameters);
  }

  bool erase(const key_type& key) {
    check_key(key);
    PostgresParameters parameters;
    detail::add_parameters(parameters, key);
    return client_.run(statements_.erase, parameters).affected_rows() > 0;
  }

  std::size_t erase_group(const group_t<key_type>& group) {
    if constexpr (std::convertible_to<const group_t<key_type>&, std::string_view>) {
      detail::check_text<InvalidKey>(table_.keys.front().name, group);  // cut at a NUL it would be another group
    }
    PostgresParameters parameters;
    detail::add_parameter(parameters, group);
    return client_.run(statements_.erase_group, parameters).affected_rows();
  }

  /// No connection is held while the predicate runs, so that it may use the store itself.
  PruneReport prune(const KeepPredicate<key_type>& keep, const PruneOptions& options) {
    detail::PostgresSweepSteps<key_type> steps(client_, statements_, table_);
    return sweep<key_type>(
        keep, options, [&](const key_type* after, std::size_t limit) { return steps.keys(after, limit); },
        [&](std::span<const key_type> doomed) { return steps.erase_older(doomed); });
  }

  /// Erases the entries whose group is not among the rows of `live_query`, a SELECT of one column in this database:
  /// `SELECT alias_name FROM global_repos`. NULLs among them are passed over. It is run once, in a transaction that can only
  /// read, and as it is: never take it from a stranger. Throws StoreError for one that names no group, unless `when_none` says
  /// that this is meant, and for one of more rows than `max_live_groups`.
  PruneReport prune_groups(std::string_view live_query, const PruneOptions& options = {},
                           WhenNoneLive when_none = WhenNoneLive::refuse) {
    detail::PostgresSweepSteps<key_type> steps(client_, statements_, table_);
    const auto lives = live_groups(live_query, options.query_timeout, when_none);
    return sweep_groups<key_type>(
        lives, options, [&](const group_t<key_type>* after, std::size_t limit) { return steps.groups(after, limit); },
        [&](const group_t<key_type>& group, const key_type* after, std::size_t limit) {
          return steps.keys_of(group, after, limit);
        },
        [&](std::span<const key_type> doomed) { return steps.erase_older(doomed); });
  }

  /// The groups that `live_query` names, for a predicate that has to know them. Throws as `prune_groups` does.
  LiveGroups<key_type> live_groups(std::string_view live_query, std::chrono::milliseconds timeout,
                                   WhenNoneLive when_none = WhenNoneLive::refuse) {
    const auto sql = live_groups_sql<PostgresDialect>(table_, live_query, max_live_groups + 1);
    const auto rows =
        client_.run([&](PostgresConnection& connection) { return connection.run_live_query(sql, timeout); }, timeout);
    LiveGroups<key_type> groups;
    for (const auto& row : rows) {
      group_t<key_type> group;
      const auto wrong = detail::read_field(row[0], group);
      if (!wrong.empty()) refuse_live_query("a group " + wrong);
      groups.add(group);
    }
    groups.check(rows.size(), when_none);
    return groups;
  }

  /// What the options say: `RenderCache::prune` keeps to it.
  [[nodiscard]] const Bounds& bounds() const noexcept { return bounds_; }

  /// Erases what is older than `max_age`, and then the oldest entries until the rest takes `max_bytes`. Rows whose time is none, or yet
  /// to come, are the oldest. Reads no row where the table's pages are fewer and no age is set; else each key once or twice. Entries for
  /// whose keys `stays` says false count as gone: in a dry run, those that another sweep would remove. Throws StoreError for a bound of zero.
  PruneReport prune_to(const Bounds& bounds, const PruneOptions& options = {}, const KeepPredicate<key_type>& stays = {}) {
    detail::PostgresSweepSteps<key_type> steps(client_, statements_, table_);
    return sweep_to_bounds<key_type>(
        bounds, options, stays, steps.start(),
        [&] { return client_.run([&](PostgresConnection& connection) { return table_bytes(connection, S::table); }); },
        [&](const key_type* after, std::size_t limit, bool bytes) { return steps.survey(after, limit, bytes); },
        [&](std::span<const key_type> doomed) { return steps.erase_older(doomed); });
  }

  /// The moment's numbers.
  [[nodiscard]] PostgresStats stats() const {
    auto stats = client_.stats();
    stats.unreadable = unreadable_;
    stats.damaged = damaged_;
    return stats;
  }

 private:
  PostgresPool::MakeReady make_ready(const PostgresOptions& options) {
    return [this, migrations = options.migrations, history = options.migration_history](PostgresConnection& connection) {
      if (!migrations.empty()) {
        migrate(connection, migrations, history);
        make_lease_table(connection);
      }
      const auto watch = connection.expect_answer();
      check_table<S>(connection);
      keeps_leases_ = detail::has_lease_table(connection);
    };
  }

  /// A role or a standby that may not make a table, after somebody else has made the others, is no reason not to serve.
  static void make_lease_table(PostgresConnection& connection) {
    try {
      migrate(connection, lease_migrations<PostgresDialect>(), std::string(lease_history));
    } catch (const MigrationError&) {
    } catch (const StoreForbidden&) {
    }
  }

  /// Whether there is something to do is answered soon; doing it takes as long as it takes.
  static void migrate(PostgresConnection& connection, const std::vector<Migration>& migrations, const std::string& history) {
    Migrator migrator(connection, migrations, history);
    {
      const auto watch = connection.expect_answer();
      if (migrator.pending().empty()) return;
    }
    migrator.up();
  }

  Lookup<value_type> read_lookup(const pqxx::row& row, pqxx::row::size_type first, const key_type& key,
                                 const Fingerprint& wanted) {
    const auto stored = row[first].is_null() ? std::nullopt : std::optional(detail::text_of(row[first]));
    auto found = render_cache::read_lookup<S, PostgresDialect>(stored, key, wanted, [&](std::size_t column, auto& member) {
      return detail::read_field(row[first + static_cast<pqxx::row::size_type>(column)], member);
    });
    client_.note_render_cost(found.entry ? found.entry->render_cost : found.seen.render_cost);
    if (!found.unreadable.empty()) ++(found.damaged ? damaged_ : unreadable_);
    return found;
  }

  /// What a publish sends; refers to both.
  void add_row(PostgresParameters& parameters, const key_type& key, const Entry<value_type>& entry) {
    check_key(key);
    client_.note_render_cost(entry.render_cost);
    auto text = stored_text<S, PostgresDialect>(key, entry);
    detail::add_parameters(parameters, key);
    detail::add_parameters(parameters, entry.value);
    parameters.add_owned(std::move(text));
  }

  static void add_lease(PostgresParameters& parameters, const key_type& key, const Fingerprint& fingerprint,
                        const std::string& owner) {
    parameters.add_owned(detail::lease_name(S::table, key, fingerprint));
    parameters.add(owner);
  }

  /// No row has a fingerprint that is no text, and the server would refuse the whole statement for one.
  static const std::string& text_to_find(const Fingerprint& fingerprint) {
    static const std::string none;
    return find_invalid_text(fingerprint.text()) == std::string::npos ? fingerprint.text() : none;
  }

  static std::vector<const KeyedEntry*> last_of_each_key(std::span<const KeyedEntry> entries) {
    std::vector<const KeyedEntry*> sorted;
    sorted.reserve(entries.size());
    for (const auto& one : entries) sorted.push_back(&one);
    std::ranges::reverse(sorted);  // unique() keeps the first of equals
    std::ranges::stable_sort(sorted, [](const auto* a, const auto* b) { return detail::comes_before(a->first, b->first); });
    const auto rest = std::ranges::unique(sorted, [](const auto* a, const auto* b) { return a->first == b->first; });
    sorted.erase(rest.begin(), rest.end());
    return sorted;
  }

  pqxx::result look_up(const PostgresStatement& statement, const PostgresParameters& parameters,
                       std::chrono::milliseconds more = {}) {
    return client_.look_up([&](PostgresConnection& connection) { return connection.run(statement, parameters); }, more);
  }
  /// How many rows that has written.
  std::size_t send(const PostgresStatement& statement, const PostgresParameters& parameters) {
    return client_.publish([&](PostgresConnection& connection) { return connection.run(statement, parameters).affected_rows(); });
  }

  const Table table_ = table_of<S>();
  const detail::PostgresStatements statements_{table_};  // outlives the connections, which remember what they have prepared
  const Bounds bounds_;
  std::atomic<bool> keeps_leases_ = false;
  PostgresClient client_;
  std::atomic<std::uint64_t> unreadable_ = 0, damaged_ = 0;
};

}  // namespace render_cache
