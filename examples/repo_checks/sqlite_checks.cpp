// On SQLite: the only translation unit that knows it.
#include "cached_checks.hpp"

#include <render_cache/store/sqlite.hpp>
#include <repo_checks/migrations.hpp>

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace repo_checks {
namespace {

class SqliteTables {
 public:
  using Store = render_cache::SqliteStore<DoiCacheSchema>;
  using Dialect = render_cache::SqliteDialect;

  explicit SqliteTables(render_cache::SqliteOptions options) : options_(std::move(options)) {}

  render_cache::Rows read(const std::string& sql, const std::vector<std::string>& parameters) {
    const std::lock_guard lock(mutex_);
    if (!reader_ || is_gone(*reader_)) {
      reader_.emplace(options_.path, render_cache::SqliteConnection::Access::read, options_.busy_timeout);
      version_.clear();
    }
    auto version = reader_->query("PRAGMA data_version");  // another one once anybody has written
    if (version != version_ || found_.size() == max_found) {
      found_.clear();
      version_ = std::move(version);
    }
    const Question question{sql, parameters};
    const auto known = found_.find(question);
    return known != found_.end() ? known->second : found_.emplace(question, reader_->query(sql, parameters)).first->second;
  }

  /// By a connection of its own that is closed again: writes are rare. It takes turns with the store's, as among processes.
  render_cache::Rows write(const std::string& sql, const std::vector<std::string>& parameters) {
    render_cache::SqliteWriter writer(options_);
    const render_cache::SqliteWriter::Turn turn(writer);
    return writer.connection().query(sql, parameters);
  }

  static std::uint64_t round_trips(const Store& store) { return store.stats().reads + store.stats().writes; }

 private:
  /// Whether the path no longer leads to the file that is open.
  static bool is_gone(const render_cache::SqliteConnection& connection) {
    int moved = 0;
    sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0;
  }

  const render_cache::SqliteOptions options_;
  std::mutex mutex_;
  std::optional<render_cache::SqliteConnection> reader_;

  using Question = std::pair<std::string, std::vector<std::string>>;
  static constexpr std::size_t max_found = 10'000;  // slugs are asked for by anybody
  render_cache::Rows version_;
  std::map<Question, render_cache::Rows> found_;  ///< what was found in the file of that version
};

}  // namespace

std::unique_ptr<Checks> open_sqlite_checks(const std::filesystem::path& file, ChecksOptions options) {
  render_cache::SqliteOptions place{.path = std::filesystem::absolute(file),
                                    .migrations = migrations<render_cache::SqliteDialect>(),
                                    .migration_history = migration_history,
                                    .disposable = false};  // the list of repositories is in it too
  return std::make_unique<CachedChecks<SqliteTables>>(std::make_unique<SqliteTables>(place), place, std::move(options));
}

}  // namespace repo_checks
