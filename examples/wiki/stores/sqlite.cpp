#include "database_pages.hpp"
#include "migrate_on.hpp"

#include <render_cache/store/sqlite.hpp>

namespace wiki {
namespace {

class SqlitePages final : public DatabasePages<render_cache::SqliteStore<render_cache::WikiSchema>> {
 public:
  explicit SqlitePages(const PagesOptions& options)
      : DatabasePages(options,
                      render_cache::SqliteOptions{.path = options.store.place,
                                                  .migrations = render_cache::wiki_migrations<render_cache::SqliteDialect>(),
                                                  .read_only = options.store.read_only}) {}

  nlohmann::json store_stats() const override {
    auto& tiers = cache_.store();
    const auto stats = tiers.far().stats();
    return {{"kind", "sqlite"},
            {"memory", memory_to_json(tiers.near().store().stats())},
            {"reads", stats.reads},
            {"writes", stats.writes},
            {"unreadable", stats.unreadable},
            {"damaged", stats.damaged},
            {"reopened", stats.reopened},
            {"corrupt", stats.corrupt}};
  }
};

}  // namespace

std::unique_ptr<Pages> open_sqlite_pages(const PagesOptions& options) { return std::make_unique<SqlitePages>(options); }

void migrate_sqlite(const MigrateOptions& options, std::ostream& out) {
  render_cache::SqliteConnection connection(options.store.place, render_cache::SqliteConnection::Access::write,
                                            std::chrono::seconds(30));
  migrate_on(connection, options, out);
}

}  // namespace wiki
