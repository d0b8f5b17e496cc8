// What clean-ups ask of PostgreSQL, batch by batch.
#pragma once

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/entry/text.hpp>
#include <render_cache/sql/bounds.hpp>
#include <render_cache/sql/columns.hpp>
#include <render_cache/sql/sweep.hpp>
#include <render_cache/store/postgres/client.hpp>
#include <render_cache/store/postgres/rows.hpp>
#include <render_cache/store/postgres/statements.hpp>

#include <pqxx/pqxx>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace render_cache::detail {

/// Of one clean-up, which begins when this is made.
template <class Key>
class PostgresSweepSteps {
 public:
  PostgresSweepSteps(PostgresClient& client, const PostgresStatements& statements, const Table& table)
      : client_(client), statements_(statements), table_(table), start_(text_of(client.run(statements.sweep_start, {})[0][0])) {}

  /// When it began, by the database's clock.
  [[nodiscard]] const std::string& start() const noexcept { return start_; }

  std::vector<SweptKey<Key>> keys(const Key* after, std::size_t limit) {
    PostgresParameters parameters;
    if (after != nullptr) add_parameters(parameters, *after);
    return read_keys(after != nullptr ? statements_.sweep_next : statements_.sweep_first, parameters, limit);
  }

  std::vector<SweptKey<Key>> keys_of(const group_t<Key>& group, const Key* after, std::size_t limit) {
    PostgresParameters parameters;
    after != nullptr ? add_parameters(parameters, *after) : add_parameter(parameters, group);
    return read_keys(after != nullptr ? statements_.sweep_group_next : statements_.sweep_group_first, parameters, limit);
  }

  std::vector<SurveyedKey<Key>> survey(const Key* after, std::size_t limit, bool with_bytes) {
    PostgresParameters parameters;
    if (after != nullptr) add_parameters(parameters, *after);
    parameters.add(start_);
    parameters.add_owned(with_bytes ? "1" : "0");
    parameters.add_owned(std::to_string(limit));
    std::vector<SurveyedKey<Key>> keys;
    for (const auto& row : client_.run(after != nullptr ? statements_.survey_next : statements_.survey_first, parameters)) {
      auto& one = keys.emplace_back();
      const auto column = read_key(row, one);
      one.time = from_text<Timestamp>(text_of(row[column]));
      one.bytes = from_text<std::uint64_t>(text_of(row[column + 1])).value();
    }
    return keys;
  }

  std::vector<group_t<Key>> groups(const group_t<Key>* after, std::size_t limit) {
    PostgresParameters parameters;
    if (after != nullptr) add_parameter(parameters, *after);
    parameters.add_owned(std::to_string(limit));
    std::vector<group_t<Key>> groups;
    for (const auto& row : client_.run(after != nullptr ? statements_.groups_next : statements_.groups_first, parameters)) {
      const auto wrong = read_field(row[0], groups.emplace_back());
      if (!wrong.empty()) unreadable_key(text({"'", table_.keys.front().name, "' ", wrong}));
    }
    return groups;
  }

  Erased erase_older(std::span<const Key> doomed) {
    PostgresParameters parameters;
    add_keys(parameters, doomed);
    parameters.add(start_);
    Erased erased{.removed = static_cast<std::size_t>(client_.run(statements_.erase_older, parameters).affected_rows())};
    if (erased.removed < doomed.size()) {  // a node has published, or erased, some of them meanwhile
      PostgresParameters remaining;
      add_keys(remaining, doomed);
      ArrayLiteral fingerprints;
      for (std::size_t i = 0; i < doomed.size(); ++i) fingerprints.add("");
      remaining.add_owned(fingerprints.take());
      erased.newer = static_cast<std::size_t>(client_.run(statements_.lookup_many, remaining).size());
    }
    return erased;
  }

 private:
  static void add_keys(PostgresParameters& parameters, std::span<const Key> some) {
    MemberArrays<Key> keys;
    for (const auto& key : some) keys.add(key);
    keys.move_to(parameters);
  }

  std::vector<SweptKey<Key>> read_keys(const PostgresStatement& statement, PostgresParameters& parameters, std::size_t limit) {
    parameters.add(start_);
    parameters.add_owned(std::to_string(limit));
    std::vector<SweptKey<Key>> keys;
    for (const auto& row : client_.run(statement, parameters)) read_key(row, keys.emplace_back());
    return keys;
  }

  /// Its columns are the first ones; returns the next.
  pqxx::row::size_type read_key(const pqxx::row& row, SweptKey<Key>& swept) const {
    const auto wrong = read_fields(row, 0, swept.key);
    if (!wrong.empty()) unreadable_key(wrong);
    const auto newer = static_cast<pqxx::row::size_type>(table_.keys.size());
    swept.newer = text_of(row[newer]) == "t";
    return newer + 1;
  }

  [[noreturn]] void unreadable_key(const std::string& wrong) const {
    throw StoreError(wrong + " in a row of '" + std::string(table_.name) + "'");
  }

  PostgresClient& client_;
  const PostgresStatements& statements_;
  const Table& table_;
  const std::string start_;
};

}  // namespace render_cache::detail
