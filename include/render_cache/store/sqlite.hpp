// A store in a SQLite file: for one machine, with no server, shared by all processes that open the file.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/sql/schema.hpp>  // first: a compiler says by which way it came to a mistake in one

#include <render_cache/concepts/store.hpp>
#include <render_cache/entry/text.hpp>
#include <render_cache/sql/bounds.hpp>
#include <render_cache/sql/statements.hpp>
#include <render_cache/sql/sweep.hpp>
#include <render_cache/store/sqlite/file.hpp>
#include <render_cache/store/sqlite/live_query.hpp>
#include <render_cache/store/sqlite/options.hpp>
#include <render_cache/store/sqlite/sweep_steps.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache {

/// Durable but for the last moments before a crash. Values are checked before they are sent; a file that is damaged, deleted
/// or replaced is noticed and begun anew, and counted in `stats()`; a full or failing disk gives StoreFull or
/// StoreUnavailable until it is well again. May not be used in a child of fork(): that throws StoreError.
///
/// The constructor throws what is wrong with the place (StoreUnavailable, StoreFull), the table (SchemaMismatch) or the
/// migrations (MigrationError). All members may be called from many threads at once; besides what is said above they throw
/// InvalidKey and InvalidValue.
template <class S>
class SqliteStore {
  static_assert(check_schema<S>());

  using Reader = detail::SqliteFile::Reader;
  using Writing = detail::SqliteFile::Writing;
  using Run = SqliteStatement::Run;
  using SqliteSql = Sql<SqliteDialect>;
  using LeaseSql = detail::LeaseSql<SqliteDialect>;

 public:
  using schema_type = S;  ///< the schema, as it was given
  using key_type = typename S::key_type;
  using value_type = typename S::value_type;

  explicit SqliteStore(SqliteOptions options) : bounds_(options.bounds), file_(table_of<S>(), std::move(options)) {}
  /// A path alone: the options have names.
  template <class Path>
    requires std::convertible_to<const Path&, std::filesystem::path>
  explicit SqliteStore(const Path&) : SqliteStore(SqliteOptions{}) {
    RENDER_CACHE_MISTAKE("name the option: SqliteStore<MySchema> store({.path = the_path})");
  }

  Lookup<value_type> lookup(const key_type& key, const Fingerprint& fingerprint) {
    check_key(key);
    return file_.look_up([&](Reader& reader) { return find(reader, key, fingerprint); });
  }

  std::vector<Lookup<value_type>> lookup_many(std::span<const Query<key_type>> queries) {
    for (const auto& query : queries) check_key(query.key);
    if (queries.empty()) return {};
    return file_.look_up([&](Reader& reader) {
      const SqliteTransaction one_snapshot(reader.connection, SqliteConnection::Access::read);
      std::vector<Lookup<value_type>> found;
      found.reserve(queries.size());
      for (const auto& query : queries) found.push_back(find(reader, query.key, query.fingerprint));
      return found;
    });
  }

  /// The age is by SQLite's clock, in milliseconds.
  std::optional<Aged<value_type>> lookup_stale(const key_type& key) {
    check_key(key);
    return file_.look_up([&](Reader& reader) -> std::optional<Aged<value_type>> {
      auto run = reader.statements[&SqliteSql::make_lookup_stale].run();
      run.bind_members(key);
      if (!run.step()) return {};
      auto found = read_lookup(run, key, Fingerprint::from_text(std::string(StoredText(run.column_text(0)).fingerprint())));
      if (!found.entry) return {};
      const auto age = run.column_integer(2 + static_cast<int>(file_.table().values.size()));
      return Aged<value_type>{std::move(found.entry), std::chrono::microseconds(std::max<std::int64_t>(age, 0))};
    });
  }

  void publish(const key_type& key, EntryPtr<value_type> entry) {
    check_key(key);
    const auto text = text_of(key, *entry);
    file_.write([&](Writing& writing) { send(writing, key, entry->value, text); });
  }

  bool replace(const key_type& key, EntryPtr<value_type> entry, const Seen& seen) {
    check_key(key);
    const auto text = text_of(key, *entry);
    return file_.write([&](Writing& writing) {
      using Over = ReplaceSql<SqliteDialect>;
      auto& statement = writing.statements[seen.text ? &Over::make_replace : &Over::make_insert_new];
      auto run = statement.run();
      run.bind_members(key).bind_members(entry->value).bind(text);
      if (seen.text) run.bind(*seen.text);
      run.step();
      return statement.changes() != 0;
    });
  }

  /// One transaction: all or nothing.
  void publish_many(std::span<const std::pair<key_type, EntryPtr<value_type>>> entries) {
    std::vector<std::string> texts;
    texts.reserve(entries.size());
    for (const auto& [key, entry] : entries) {
      check_key(key);
      texts.push_back(text_of(key, *entry));
    }
    if (entries.empty()) return;
    file_.write([&](Writing& writing) {
      SqliteTransaction transaction(writing.connection, SqliteConnection::Access::write);
      for (std::size_t i = 0; i < entries.size(); ++i) {  // the last one of a key stays
        send(writing, entries[i].first, entries[i].second->value, texts[i]);
      }
      transaction.commit();
    });
  }

  /// `none` where the file has no table for them (see `lease_migrations`) or is only read.
  LeaseAnswer acquire_lease(const key_type& key, const Fingerprint& fingerprint, const std::string& owner,
                            std::chrono::milliseconds time) {
    check_key(key);
    const auto name = detail::lease_name(S::table, key, fingerprint);
    try {
      return file_.write([&](Writing& writing) {
        if (!writing.keeps_leases) return LeaseAnswer::none;
        auto& acquire = writing.statements[&LeaseSql::make_acquire];
        acquire.run().bind(name).bind(owner).bind(Field(time.count())).step();
        return acquire.changes() != 0 ? LeaseAnswer::granted : LeaseAnswer::held;
      });
    } catch (const StoreForbidden&) {
      return LeaseAnswer::none;
    }
  }
  void renew_leases(std::span<const Query<key_type>> held, const std::string& owner, std::chrono::milliseconds time) {
    file_.write([&](Writing& writing) {
      if (!writing.keeps_leases) return;
      SqliteTransaction transaction(writing.connection, SqliteConnection::Access::write);
      for (const auto& [key, fingerprint] : held) {
        const auto name = detail::lease_name(S::table, key, fingerprint);
        writing.statements[&LeaseSql::make_renew].run().bind(name).bind(owner).bind(Field(time.count())).step();
      }
      writing.statements[&LeaseSql::make_clean_up].run().step();
      transaction.commit();
    });
  }
  void release_lease(const key_type& key, const Fingerprint& fingerprint, const std::string& owner) {
    const auto name = detail::lease_name(S::table, key, fingerprint);
    file_.write([&](Writing& writing) {
      if (writing.keeps_leases) writing.statements[&LeaseSql::make_release].run().bind(name).bind(owner).step();
    });
  }

  bool erase(const key_type& key) {
    check_key(key);
    return file_.write([&](Writing& writing) {
      auto& erase = writing.statements[&SqliteSql::make_erase];
      erase.run().bind_members(key).step();
      return erase.changes() != 0;
    });
  }

  std::size_t erase_group(const group_t<key_type>& group) {
    return file_.write([&](Writing& writing) {
      auto& erase = writing.statements[&SqliteSql::make_erase_group];
      erase.run().bind(detail::to_field(group)).step();
      return erase.changes();
    });
  }

  PruneReport prune(const KeepPredicate<key_type>& keep, const PruneOptions& options) {
    detail::SqliteSweepSteps<key_type> steps(file_);
    const auto report = sweep<key_type>(
        keep, options, [&](const key_type* after, std::size_t limit) { return steps.keys(after, limit); },
        [&](std::span<const key_type> doomed) { return steps.erase_older(doomed); });
    if (!options.dry_run) steps.return_pages(options);
    return report;
  }

  /// Erases the entries whose group is not among the rows of `live_query`, a SELECT of one column in this database
  /// file: `SELECT alias_name FROM global_repos`. NULLs among them are passed over. It is run once, by a connection that can
  /// only read, and as it is: never take it from a stranger. Throws StoreError for one that names no group, unless `when_none`
  /// says that this is meant, and for one of more rows than `max_live_groups`.
  PruneReport prune_groups(std::string_view live_query, const PruneOptions& options = {},
                           WhenNoneLive when_none = WhenNoneLive::refuse) {
    detail::SqliteSweepSteps<key_type> steps(file_);
    const auto lives = live_groups(live_query, options.query_timeout, when_none);
    const auto report = sweep_groups<key_type>(
        lives, options, [&](const group_t<key_type>* after, std::size_t limit) { return steps.groups(after, limit); },
        [&](const group_t<key_type>& group, const key_type* after, std::size_t limit) {
          return steps.keys_of(group, after, limit);
        },
        [&](std::span<const key_type> doomed) { return steps.erase_older(doomed); });
    if (!options.dry_run) steps.return_pages(options);
    return report;
  }

  /// The groups that `live_query` names, for a predicate that has to know them. Throws as `prune_groups` does.
  LiveGroups<key_type> live_groups(std::string_view live_query, std::chrono::milliseconds timeout,
                                   WhenNoneLive when_none = WhenNoneLive::refuse) {
    const auto sql = live_groups_sql<SqliteDialect>(file_.table(), live_query, max_live_groups + 1);
    return file_.read([&](Reader& reader) {
      LiveGroups<key_type> groups;
      std::size_t rows = 0;
      detail::run_live_query(reader.connection, sql, timeout, [&](Run& run) {
        ++rows;
        group_t<key_type> group;
        const auto wrong = run.read(0, group);
        if (!wrong.empty()) refuse_live_query("a group " + std::string(wrong));
        groups.add(group);
      });
      groups.check(rows, when_none);
      return groups;
    });
  }

  /// What the options say: `RenderCache::prune` keeps to it.
  [[nodiscard]] const Bounds& bounds() const noexcept { return bounds_; }

  /// Erases what is older than `max_age`, and then the oldest entries until the rest takes `max_bytes`. Rows whose time is none, or yet
  /// to come, are the oldest. Reads no row where the file's pages are fewer and no age is set; else each key once or twice. Entries for
  /// whose keys `stays` says false count as gone: in a dry run, those that another sweep would remove. Throws StoreError for a bound of zero.
  PruneReport prune_to(const Bounds& bounds, const PruneOptions& options = {}, const KeepPredicate<key_type>& stays = {}) {
    detail::SqliteSweepSteps<key_type> steps(file_);
    const auto report = sweep_to_bounds<key_type>(
        bounds, options, stays, steps.start(),
        [&] { return file_.read([&](Reader& reader) { return table_bytes(reader.connection, S::table); }); },
        [&](const key_type* after, std::size_t limit, bool bytes) { return steps.survey(after, limit, bytes); },
        [&](std::span<const key_type> doomed) { return steps.erase_older(doomed); });
    if (!options.dry_run && report.removed > 0) steps.return_pages(options);
    return report;
  }

  /// The moment's numbers.
  [[nodiscard]] SqliteStats stats() const {
    auto stats = file_.stats();
    stats.unreadable = unreadable_.load(std::memory_order_relaxed);
    stats.damaged = damaged_.load(std::memory_order_relaxed);
    return stats;
  }

 private:
  std::string text_of(const key_type& key, const Entry<value_type>& entry) {
    auto text = stored_text<S, SqliteDialect>(key, entry);
    file_.note_render_cost(entry.render_cost);
    return text;
  }

  static void send(Writing& writing, const key_type& key, const value_type& value, const std::string& text) {
    writing.statements[&SqliteSql::make_publish].run().bind_members(key).bind_members(value).bind(text).step();
  }

  Lookup<value_type> find(Reader& reader, const key_type& key, const Fingerprint& fingerprint) {
    auto run = reader.lookup.run();
    run.bind_members(key).bind(fingerprint.text());
    return run.step() ? read_lookup(run, key, fingerprint) : Lookup<value_type>{};
  }

  Lookup<value_type> read_lookup(Run& run, const key_type& key, const Fingerprint& wanted) {
    const auto stored = run.is_null(0) ? std::nullopt : std::optional(run.column_text(0));
    auto found = render_cache::read_lookup<S, SqliteDialect>(
        stored, key, wanted, [&](std::size_t column, auto& member) { return run.read(static_cast<int>(column), member); });
    if (!found.unreadable.empty()) (found.damaged ? damaged_ : unreadable_).fetch_add(1, std::memory_order_relaxed);
    file_.note_render_cost(found.entry ? found.entry->render_cost : found.seen.render_cost);
    return found;
  }

  const Bounds bounds_;
  detail::SqliteFile file_;
  std::atomic<std::uint64_t> unreadable_{0}, damaged_{0};
};

}  // namespace render_cache
