// Values of one's own in a table of one's own: monthly reports, rendered again when the ledger changes.
#include <render_cache/cache.hpp>
#include <render_cache/sql/create_table.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/store/sqlite.hpp>
#include <render_cache/store/tiered.hpp>

#include <boost/hana/adapt_struct.hpp>

#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace render_cache;

struct ReportKey {
  std::string customer;
  std::int64_t month;
  friend bool operator==(const ReportKey&, const ReportKey&) = default;
};
struct Report {
  std::string html;
  double total;
  std::optional<Json> warnings;
};
BOOST_HANA_ADAPT_STRUCT(ReportKey, customer, month);
BOOST_HANA_ADAPT_STRUCT(Report, html, total, warnings);

struct ReportSchema {
  using key_type = ReportKey;
  using value_type = Report;
  static constexpr std::string_view table = "report_cache";
  static constexpr std::string_view fingerprint_column = "fingerprint";
  static constexpr std::string_view rendered_at_column = "made_at";
};

struct Ledger {
  std::vector<double> amounts;
};

struct LedgerHasher {
  Fingerprint components(const Ledger& ledger) const {
    double sum = 0;
    for (const double amount : ledger.amounts) sum += amount;
    return std::move(Fingerprint().add("entries", ledger.amounts.size()).add("sum", sum));
  }
};
static_assert(check_hasher<LedgerHasher, Ledger>());

struct ReportRenderer {
  std::string_view version() const { return "report/3"; }
  Report render(const ReportKey& key, const Ledger& ledger) const {
    Report report{"<h1>" + key.customer + ", month " + std::to_string(key.month) + "</h1>", 0, std::nullopt};
    for (const double amount : ledger.amounts) report.total += amount;
    if (report.total < 0) report.warnings = Json{R"(["in the red"])"};
    return report;
  }
};
static_assert(check_renderer<ReportRenderer, ReportKey, Ledger, Report>());

int main(int argc, char** argv) {
  if (argc != 2) return std::cerr << "usage: reports CACHE.db\n", 2;

  MemoryStore<ReportSchema> memory({.capacity = std::size_t{256} << 20});
  SqliteStore<ReportSchema> file({.path = argv[1], .migrations = {create_table<ReportSchema, SqliteDialect>()}});
  TieredStore store(memory, file);
  RenderCache cache(ReportRenderer{}, LedgerHasher{}, store);

  const std::vector<Wanted<ReportKey, Ledger>> wanted{{{"ACME", 1}, {{100, -20}}}, {{"ACME", 2}, {{5, -30}}}};
  for (const auto& answer : cache.get_many(wanted, {.parallel = 8})) {
    if (answer) {
      const auto& report = *answer.outcome();
      std::cout << report.html << ' ' << report.total << (report.warnings ? ' ' + report.warnings->text : "")
                << (answer.outcome().stored ? "" : " (not stored)") << '\n';
    }
  }
  cache.erase_group("ACME");
}
