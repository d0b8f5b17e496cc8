// A node that is stopped at the worst moment and goes on when the world has moved: what it then stores replaces nothing that is newer.
#include <render_cache/hasher/sha256.hpp>
#include <render_cache/render_cache.hpp>
#include <render_cache/store/postgres.hpp>
#include <render_cache/store/sqlite.hpp>
#include <render_cache/wiki.hpp>

#include "cluster/node.hpp"
#include "cluster/stores.hpp"
#include "support/catch.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <signal.h>

namespace late_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using test::OnPostgres;
using test::OnSqlite;

namespace {

struct Counted {
  std::atomic<int> renders{0}, conflicts{0}, published{0}, wrong{0};
  std::atomic<bool> stopped{false};
};

struct Pages {
  Counted* seen;
  [[nodiscard]] std::string version() const { return "1"; }
  [[nodiscard]] WikiPage render(const WikiKey&, const std::string& source) const {
    ++seen->renders;
    return {"<p>" + source + "</p>", {"{}"}};
  }
};

/// Stops its own process when it is about to store something for the first time: all checks are behind it.
template <class Store>
class StoppingStore : public Store {
 public:
  template <class Options>
  StoppingStore(const Options& options, Counted* seen) : Store(options), seen_(seen) {}
  bool replace(const WikiKey& key, EntryPtr<WikiPage> entry, const render_cache::Seen& what) {
    if (!seen_->stopped.exchange(true)) ::raise(SIGSTOP);
    return Store::replace(key, std::move(entry), what);
  }

 private:
  Counted* seen_;
};

const WikiKey key{"docs", "a.md"};

/// Reads the page once, and reports.
template <class Cluster, class Store>
void read(Store& store, Counted* seen, const test::TemporaryDirectory& files, const std::string& expected) {
  const CacheOptions options{.single_flight = SingleFlight::cluster, .lease_time = 500ms};
  RenderCache cache(Pages{seen}, FileHasher<Sha256Hasher>(), store, options);
  const auto root = std::make_shared<const DocumentRoot>(files.path());
  if (cache.get(key, FileSource{root, "a.md"}).value()->rendered_html != expected) ++seen->wrong;
  const auto stats = cache.stats();
  seen->conflicts += static_cast<int>(stats.publish_conflicts);
  seen->published += static_cast<int>(stats.published);
}

}  // namespace

TEMPLATE_TEST_CASE("late: a node that was stopped before it stored an older state stores it no more, and says so", "", OnPostgres,
                   OnSqlite) {
  TestType cluster;
  test::TemporaryDirectory files;
  files.write("a.md", "one");
  test::Shared<Counted> seen;
  test::Node late([&, s = seen.get()] {
    StoppingStore<typename TestType::Store> store(cluster.options(), s);
    read<TestType>(store, s, files, "<p>one</p>");
  });
  late.wait_until_stopped();
  files.write("a.md", "two");
  test::Node other([&, s = seen.get()] {
    typename TestType::Store store(cluster.options());
    read<TestType>(store, s, files, "<p>two</p>");
  });
  CHECK(other.ended_well());
  CHECK(seen->published == 1);
  late.send(SIGCONT);
  CHECK(late.ended_well());
  CHECK(seen->wrong == 0);
  CHECK(seen->conflicts == 1);
  CHECK(seen->published == 1);

  // A third node finds what is newer, and need not render it.
  test::Node third([&, s = seen.get()] {
    typename TestType::Store store(cluster.options());
    read<TestType>(store, s, files, "<p>two</p>");
  });
  CHECK(third.ended_well());
  CHECK(seen->renders == 2);
  CHECK(seen->wrong == 0);
  CHECK(cluster.leases() == 0);
}

TEMPLATE_TEST_CASE("late: a node that was stopped past its lease finds what another has stored in its place", "", OnPostgres,
                   OnSqlite) {
  TestType cluster;
  test::TemporaryDirectory files;
  files.write("a.md", "one");
  test::Shared<Counted> seen;
  test::Node late([&, s = seen.get()] {
    StoppingStore<typename TestType::Store> store(cluster.options(), s);
    read<TestType>(store, s, files, "<p>one</p>");
  });
  late.wait_until_stopped();
  CHECK(cluster.leases() == 1);
  test::Node other([&, s = seen.get()] {
    typename TestType::Store store(cluster.options());
    read<TestType>(store, s, files, "<p>one</p>");
  });
  CHECK(other.ended_well());  // when the lease had ended
  CHECK(seen->renders == 2);
  const auto stored_at = cluster.value("SELECT rendered_at FROM wiki_cache");
  late.send(SIGCONT);
  CHECK(late.ended_well());
  CHECK(cluster.value("SELECT rendered_at FROM wiki_cache") == stored_at);
  CHECK(seen->wrong == 0);
  CHECK(cluster.leases() == 0);
}

}  // namespace late_tests
