// The registry in SQL: the same statements for both databases.
#pragma once

#include "registry.hpp"

#include <render_cache/entry/text_form.hpp>
#include <render_cache/sql/connection.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace repo_checks {

/// `Database` runs one statement; from many threads at once:
///   `using Dialect = ...;`, a render_cache::SqlDialect
///   `render_cache::Rows read(const std::string& sql, const std::vector<std::string>& parameters)`
///   `render_cache::Rows write(...)`   the same
/// Parameters are `$1`, `$2`, in the order in which they appear, since SQLite counts them so.
template <class Database>
class SqlRegistry : public Registry {
 public:
  explicit SqlRegistry(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  void add(const std::string& slug, const std::string& path) override {
    check_slug(slug);
    if (write("INSERT INTO managed_repos (slug, path) VALUES ($1, $2) ON CONFLICT (slug) DO NOTHING RETURNING id", {slug, path})
            .empty()) {
      throw RegistryError("there is a repository '" + slug + "' already, at '" + find(slug).path.string() + "'");
    }
  }
  void remove(const std::string& slug) override {
    write_to(slug, "DELETE FROM managed_repos WHERE slug = $1 RETURNING id", {slug});
  }
  void touch(const std::string& slug) override {
    write_to(slug, "UPDATE managed_repos SET updated_at = " + now() + " WHERE slug = $1 RETURNING id", {slug});
  }
  void record(const std::string& slug, Event event) override {
    write_to(slug, "INSERT INTO repo_events (repo_id, kind) SELECT id, $1 FROM managed_repos WHERE slug = $2 RETURNING id",
             {std::string(to_string(event)), slug});
  }

  std::vector<Repository> list() const override {
    std::vector<Repository> all;
    for (const auto& row : read(select() + " ORDER BY r.slug", {})) all.push_back(repository_of(row));
    return all;
  }
  Repository find(const std::string& slug) const override {
    const auto rows = read(select() + " WHERE r.slug = $1", {slug});
    if (rows.empty()) throw UnknownSlug(slug);
    return repository_of(rows[0]);
  }
  std::optional<Record> record_of(const render_cache::Uuid& id) const override {
    const auto rows = read(select() + " WHERE r.id = $1", {render_cache::to_text(id)});
    return rows.empty() ? std::nullopt : std::optional(repository_of(rows[0]).record);
  }

  /// How many have been run.
  [[nodiscard]] std::uint64_t statements() const noexcept { return statements_; }

 private:
  using Dialect = typename Database::Dialect;

  static std::string now() { return std::string(Dialect::now); }
  static std::string utc(const std::string& time) {
    return Dialect::output({.name = "updated_at", .kind = render_cache::Kind::timestamp}, time);
  }
  static std::string newest(Event event) {
    return utc("(SELECT max(e.recorded_at) FROM repo_events AS e WHERE e.repo_id = r.id AND e.kind = '" +
               std::string(to_string(event)) + "')");
  }
  static std::string select() {
    return "SELECT r.id, r.slug, r.path, " + utc("r.updated_at") + ", " + newest(Event::snapshot) + ", " + newest(Event::goal) +
           ", r.revision FROM managed_repos AS r";
  }

  using Row = render_cache::Rows::value_type;

  static Repository repository_of(const Row& row) {
    const std::string slug = row.at(1).value_or("");
    return {required<render_cache::Uuid>(row, 0, "id", slug),
            slug,
            row.at(2).value_or(""),
            {required<render_cache::Timestamp>(row, 3, "updated_at", slug),
             optional<render_cache::Timestamp>(row, 4, "recorded_at", slug),
             optional<render_cache::Timestamp>(row, 5, "recorded_at", slug), required<std::int64_t>(row, 6, "revision", slug)}};
  }
  template <class T>
  static T required(const Row& row, std::size_t column, const std::string& name, const std::string& slug) {
    auto value = render_cache::from_text<T>(row.at(column).value_or(""));
    if (!value) {
      throw render_cache::StoreError("the rows of repository '" + slug + "' make no sense: " + name + " is '" +
                                     row.at(column).value_or("NULL") + "'; correct or remove it in the database");
    }
    return *value;
  }
  template <class T>
  static std::optional<T> optional(const Row& row, std::size_t column, const std::string& name, const std::string& slug) {
    return row.at(column) ? std::optional(required<T>(row, column, name, slug)) : std::nullopt;
  }

  render_cache::Rows read(const std::string& sql, const std::vector<std::string>& parameters) const {
    ++statements_;
    return database_->read(sql, parameters);
  }
  render_cache::Rows write(const std::string& sql, const std::vector<std::string>& parameters) {
    ++statements_;
    return database_->write(sql, parameters);
  }
  void write_to(const std::string& slug, const std::string& sql, const std::vector<std::string>& parameters) {
    if (write(sql, parameters).empty()) throw UnknownSlug(slug);
  }

  std::unique_ptr<Database> database_;
  mutable std::atomic<std::uint64_t> statements_{0};
};

}  // namespace repo_checks
