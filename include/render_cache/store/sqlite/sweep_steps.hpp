// What clean-ups ask of a SQLite file, batch by batch.
#pragma once

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/entry/prune.hpp>
#include <render_cache/entry/text.hpp>
#include <render_cache/sql/bounds.hpp>
#include <render_cache/sql/statements.hpp>
#include <render_cache/sql/sweep.hpp>
#include <render_cache/store/sqlite/file.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace render_cache::detail {

/// Of one clean-up, which begins when this is made.
template <class Key>
class SqliteSweepSteps {
  using Reader = SqliteFile::Reader;
  using Writing = SqliteFile::Writing;
  using Run = SqliteStatement::Run;
  using SqliteSql = Sql<SqliteDialect>;

 public:
  explicit SqliteSweepSteps(SqliteFile& file) : file_(file), start_(begin()) {}

  /// When it began, by SQLite's clock.
  [[nodiscard]] const std::string& start() const noexcept { return start_; }

  std::vector<SweptKey<Key>> keys(const Key* after, std::size_t limit) {
    return file_.read([&](Reader& reader) {
      auto run = reader.statements[after == nullptr ? &SqliteSql::make_sweep_first : &SqliteSql::make_sweep_next].run();
      if (after != nullptr) run.bind_members(*after);
      return read_keys(run, limit);
    });
  }

  std::vector<SweptKey<Key>> keys_of(const group_t<Key>& group, const Key* after, std::size_t limit) {
    return file_.read([&](Reader& reader) {
      auto run =
          reader.statements[after == nullptr ? &SqliteSql::make_sweep_group_first : &SqliteSql::make_sweep_group_next].run();
      after == nullptr ? run.bind(to_field(group)) : run.bind_members(*after);
      return read_keys(run, limit);
    });
  }

  std::vector<SurveyedKey<Key>> survey(const Key* after, std::size_t limit, bool with_bytes) {
    return file_.read([&](Reader& reader) {
      auto run = reader.statements[after == nullptr ? &SqliteSql::make_survey_first : &SqliteSql::make_survey_next].run();
      if (after != nullptr) run.bind_members(*after);
      run.bind(start_).bind(std::size_t{with_bytes}).bind(limit);
      std::vector<SurveyedKey<Key>> keys;
      while (run.step()) {
        auto& one = keys.emplace_back();
        const int column = read_key(run, one);
        Timestamp time;
        if (run.read(column, time).empty()) one.time = time;
        one.bytes = static_cast<std::uint64_t>(run.column_integer(column + 1));
      }
      return keys;
    });
  }

  std::vector<group_t<Key>> groups(const group_t<Key>* after, std::size_t limit) {
    return file_.read([&](Reader& reader) {
      std::vector<group_t<Key>> groups;
      auto run = reader.statements[after == nullptr ? &SqliteSql::make_groups_first : &SqliteSql::make_groups_next].run();
      if (after != nullptr) run.bind(to_field(*after));
      run.bind(limit);
      while (run.step()) {
        if (const auto wrong = run.read(0, groups.emplace_back()); !wrong.empty())
          unreadable_key(file_.table().keys[0].name, wrong);
      }
      return groups;
    });
  }

  /// In several transactions where one would take long.
  Erased erase_older(std::span<const Key> doomed) {
    Erased erased;
    file_.write_in_turns(next_turn_, [&](Writing& writing, const SqliteTurn& turn) {
      SqliteTransaction transaction(writing.connection, SqliteConnection::Access::write);
      auto& erase = writing.statements[&SqliteSql::make_erase_older];
      std::size_t seen = 0;
      Erased done;
      do {
        const auto& key = doomed[seen++];
        erase.run().bind_members(key).bind(start_).step();
        if (erase.changes() != 0) {
          ++done.removed;
        } else {
          done.newer +=
              writing.statements[&SqliteSql::make_lookup].run().bind_members(key).bind(std::string()).step() ? std::size_t{1} : 0;
        }
      } while (seen < doomed.size() && !turn.is_over());
      transaction.commit();
      doomed = doomed.subspan(seen);
      erased.removed += done.removed;
      erased.newer += done.newer;
      return !doomed.empty();
    });
    return erased;
  }

  /// Gives pages that became free back to the file system. What was erased stays so if this fails.
  void return_pages(const PruneOptions& options) {
    try {
      const auto free = file_.read([](Reader& reader) { return reader.connection.query("PRAGMA freelist_count"); });
      if (free.at(0).at(0) == "0") return;
      file_.write_in_turns(next_turn_, [&](Writing& writing, const SqliteTurn& turn) {
        return return_pages(writing, turn) && !options.stop.stop_requested();
      });
    } catch (const StoreError&) {
    }
  }

 private:
  /// Now. SQLite's clock has milliseconds: wait for the next one, so that what was published before is older.
  std::string begin() {
    const auto now = [&] {
      return file_.read([](Reader& reader) {
        auto run = reader.statements[&SqliteSql::make_sweep_start].run();
        run.step();
        return std::string(run.column_text(0));
      });
    };
    const auto before = now();
    auto start = now();
    for (; start == before; start = now()) std::this_thread::sleep_for(std::chrono::microseconds(200));
    return start;
  }

  std::vector<SweptKey<Key>> read_keys(Run& run, std::size_t limit) {
    run.bind(start_).bind(limit);
    std::vector<SweptKey<Key>> keys;
    while (run.step()) read_key(run, keys.emplace_back());
    return keys;
  }

  /// Its columns are the first ones; returns the next.
  int read_key(Run& run, SweptKey<Key>& swept) const {
    int column = 0;
    for_each_member(swept.key, [&](const char* name, auto& member) {
      if (const auto wrong = run.read(column++, member); !wrong.empty()) unreadable_key(name, wrong);
    });
    swept.newer = run.column_integer(column++) != 0;
    return column;
  }

  [[noreturn, gnu::cold]] void unreadable_key(std::string_view column, std::string_view wrong) const {
    throw StoreError(text({"'", column, "' ", wrong, " in a row of '", file_.table().name, "'"}));
  }

  /// As many as the turn allows; whether there are more.
  static bool return_pages(Writing& writing, const SqliteTurn& turn) {
    SqliteStatement statement(writing.connection, "PRAGMA incremental_vacuum");
    auto run = statement.run();
    while (run.step()) {
      if (turn.is_over()) return true;
    }
    return false;
  }

  SqliteFile& file_;
  const std::string start_;
  std::chrono::steady_clock::time_point next_turn_{};  // what is read meanwhile is no pause the less
};

}  // namespace render_cache::detail
