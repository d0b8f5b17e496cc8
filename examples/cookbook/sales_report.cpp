// A report from a database, cached in a table of its own in that database, for all nodes. The fingerprint is a revision, which a
// trigger counts: one small query says whether the large one would give something else.
#include <render_cache/cache.hpp>
#include <render_cache/sql/create_table.hpp>
#include <render_cache/store/postgres.hpp>

#include <boost/hana/adapt_struct.hpp>
#include <pqxx/pqxx>

#include <cstdint>
#include <exception>
#include <iostream>
#include <string>

using namespace render_cache;

struct SalesKey {
  std::int32_t year;
  friend bool operator==(const SalesKey&, const SalesKey&) = default;
};
struct SalesReport {
  std::string table;
  std::int64_t orders;
};
BOOST_HANA_ADAPT_STRUCT(SalesKey, year);
BOOST_HANA_ADAPT_STRUCT(SalesReport, table, orders);

struct SalesSchema {
  using key_type = SalesKey;
  using value_type = SalesReport;
  static constexpr std::string_view table = "sales_report_cache";
  static constexpr std::string_view fingerprint_column = "fingerprint";
  static constexpr std::string_view rendered_at_column = "made_at";
};

constexpr const char* orders_and_their_revision = R"sql(
  CREATE TABLE IF NOT EXISTS orders (year integer, customer text, cents bigint);
  CREATE TABLE IF NOT EXISTS order_revisions (year integer PRIMARY KEY, revision bigint NOT NULL);

  CREATE OR REPLACE FUNCTION count_order_revision() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO order_revisions SELECT DISTINCT year, 1 FROM (SELECT OLD.year UNION SELECT NEW.year) AS changed
      WHERE year IS NOT NULL
      ON CONFLICT (year) DO UPDATE SET revision = order_revisions.revision + 1;
    RETURN NULL;
  END $$;

  CREATE OR REPLACE TRIGGER order_revision AFTER INSERT OR UPDATE OR DELETE ON orders
    FOR EACH ROW EXECUTE FUNCTION count_order_revision();
)sql";

/// The source: a database and a year. Each use makes a connection; a server would take one from a pool.
struct Sales {
  std::string conninfo;
  std::int32_t year;

  pqxx::result query(const std::string& sql) const {
    pqxx::connection connection(conninfo);
    pqxx::nontransaction transaction(connection);
    return transaction.exec(sql);
  }
};

struct SalesHasher {
  static constexpr bool source_can_move = true;  // orders come in while the report is made: sample again after it

  Fingerprint components(const Sales& sales) const {
    const auto rows = sales.query("SELECT revision FROM order_revisions WHERE year = " + std::to_string(sales.year));
    return std::move(Fingerprint().add("revision", rows.empty() ? 0 : rows[0][0].as<std::int64_t>()));
  }
};
static_assert(check_hasher<SalesHasher, Sales>());

struct SalesRenderer {
  std::string_view version() const { return "sales/1"; }
  SalesReport render(const SalesKey& key, const Sales& sales) const {
    SalesReport report{"", 0};
    for (const auto& row : sales.query("SELECT customer, sum(cents)::bigint, count(*) FROM orders WHERE year = " +
                                       std::to_string(key.year) + " GROUP BY customer ORDER BY 2 DESC")) {
      report.table += row[0].as<std::string>() + '\t' + row[1].as<std::string>() + '\n';
      report.orders += row[2].as<std::int64_t>();
    }
    return report;
  }
};
static_assert(check_renderer<SalesRenderer, SalesKey, Sales, SalesReport>());

int main(int argc, char** argv) try {
  if (argc != 2) return std::cerr << "usage: sales_report CONNINFO\n", 2;
  const Sales sales{argv[1], 2026};
  sales.query(orders_and_their_revision);

  PostgresStore<SalesSchema> store({.conninfo = sales.conninfo,
                                    .migrations = {create_table<SalesSchema, PostgresDialect>()},
                                    .migration_history = "sales_report_migrations"});
  RenderCache cache(SalesRenderer{}, SalesHasher{}, store);

  const auto show = [&] {
    const auto report = cache.get({sales.year}, sales);
    std::cout << report->orders << " orders: " << (report.hit() ? "hit" : "queried, for it was ")
              << (report.hit() ? "" : to_string(report.miss)) << ' ' << report.detail << '\n';
  };
  show();
  show();
  sales.query("INSERT INTO orders VALUES (2026, 'ACME', 1999)");
  show();
} catch (const std::exception& error) {
  return std::cerr << error.what() << '\n', 1;
}
