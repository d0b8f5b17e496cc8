#include "database_pages.hpp"
#include "migrate_on.hpp"

#include <render_cache/store/postgres.hpp>

namespace wiki {
namespace {

using render_cache::PostgresOptions;

class PostgresPages final : public DatabasePages<render_cache::PostgresStore<render_cache::WikiSchema>> {
 public:
  explicit PostgresPages(const PagesOptions& options)
      : DatabasePages(options, PostgresOptions{.conninfo = options.store.place,
                                               .migrations = render_cache::wiki_migrations<render_cache::PostgresDialect>()}) {}

  void prepare() override { cache_.store().far().check(); }

  nlohmann::json store_stats() const override {
    auto& tiers = cache_.store();
    const auto stats = tiers.far().stats();
    return {{"kind", "postgres"},
            {"memory", memory_to_json(tiers.near().store().stats())},
            {"connections", {{"open", stats.connections_open}, {"idle", stats.connections_idle}}},
            {"operations", stats.operations},
            {"retries", stats.retries},
            {"unreadable", stats.unreadable},
            {"damaged", stats.damaged},
            {"errors",
             {{"unavailable", stats.unavailable},
              {"full", stats.full},
              {"refused", stats.refused},
              {"mismatched", stats.mismatched},
              {"forbidden", stats.forbidden},
              {"other", stats.other}}}};
  }
};

}  // namespace

std::unique_ptr<Pages> open_postgres_pages(const PagesOptions& options) { return std::make_unique<PostgresPages>(options); }

void migrate_postgres(const MigrateOptions& options, std::ostream& out) {
  render_cache::PostgresConnection connection(PostgresOptions{.conninfo = options.store.place});
  migrate_on(connection, options, out);
}

}  // namespace wiki
