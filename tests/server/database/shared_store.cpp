#include "support/catch.hpp"
#include "support/database.hpp"
#include "support/postgres_server.hpp"
#include "support/wiki_process.hpp"

#include <filesystem>

namespace shared_store_tests {

namespace fs = std::filesystem;
using namespace render_cache::test;

namespace {

void write_pages(const TemporaryDirectory& files, const std::string& folder) {
  files.write(folder + "/README.md", "# Start\n");
  files.write(folder + "/other.md", "# Other\n");
}

std::string root(const TemporaryDirectory& files, const std::string& folder) { return "site=" + (files / folder).string(); }

}  // namespace

TEST_CASE("what one server has rendered is a hit in another, whose checkout has other file times", "[server]") {
  const TestDatabase database;
  const TemporaryDirectory files;
  for (const std::string folder : {"checkout_a", "checkout_b"}) write_pages(files, folder);
  fs::last_write_time(files / "checkout_b/README.md", fs::file_time_type::clock::now() - std::chrono::hours(1000));
  const auto store = "postgres:" + database.conninfo();
  const WikiServer a({"--root", root(files, "checkout_a"), "--store", store});
  const WikiServer b({"--root", root(files, "checkout_b"), "--store", store});
  CHECK(a.cache_status("/site/README.md") == "render_cache; fwd=uri-miss; stored");
  CHECK(b.cache_status("/site/README.md") == "render_cache; hit");
  CHECK(b.stats()["pages"]["renders"] == 0);

  // And each serves what its own checkout says.
  files.write("checkout_b/README.md", "# Changed\n");
  CHECK_THAT(b.get("/site/README.md").body, ContainsSubstring("Changed"));
  CHECK_THAT(a.get("/site/README.md").body, ContainsSubstring("Start"));
}

TEST_CASE("servers that start together on an empty database all serve", "[server]") {
  const TestDatabase database;
  const TemporaryDirectory files;
  write_pages(files, "root");
  const auto store = "postgres:" + database.conninfo();
  std::vector<std::unique_ptr<WikiServer>> servers;
  for (int i = 0; i < 4; ++i) {
    servers.push_back(std::make_unique<WikiServer>(std::vector<std::string>{"--root", root(files, "root"), "--store", store}));
  }
  for (const auto& server : servers) CHECK(server->get("/site/README.md").status == 200);
}

TEST_CASE("pages are served while PostgreSQL is down, and stored again when it is back", "[server]") {
  PostgresServer postgres;
  const TemporaryDirectory files;
  write_pages(files, "root");
  const WikiServer wiki({"--root", root(files, "root"), "--store", "postgres:" + postgres.conninfo()});
  CHECK(wiki.cache_status("/site/README.md") == "render_cache; fwd=uri-miss; stored");
  postgres.stop();
  const auto meanwhile = wiki.get("/site/other.md");
  CHECK(meanwhile.status == 200);
  CHECK_THAT(meanwhile.field("cache-status"), ContainsSubstring("fwd=miss") && ContainsSubstring("store_failed"));
  CHECK(wiki.get("/site/README.md").status == 200);
  const auto stats = wiki.stats();
  CHECK(stats["pages"]["store_errors"]["unavailable"].get<int>() > 0);
  CHECK(stats["pages"]["store_available"] == false);
  postgres.start();
  pqxx::connection connection(postgres.conninfo());
  int edit = 0;
  CHECK(eventually([&] {
    const auto text = "edit number " + std::to_string(++edit) + ".";
    files.write("root/other.md", text);
    CHECK_THAT(wiki.get("/site/other.md").body, ContainsSubstring(text));
    return pqxx::nontransaction(connection).exec("SELECT 1 FROM wiki_cache WHERE rendered_html LIKE '%" + text + "%'").size() ==
           1;
  }));
  CHECK(wiki.stats()["pages"]["store_available"] == true);
}

TEST_CASE("a server that starts before its PostgreSQL serves, and prepares the tables once it is there", "[server]") {
  PostgresServer postgres;
  postgres.stop();
  const TemporaryDirectory files;
  write_pages(files, "root");
  WikiServer wiki({"--root", root(files, "root"), "--store", "postgres:" + postgres.conninfo()});
  CHECK_THAT(wiki.process().errors(), ContainsSubstring("the store cannot be reached"));
  CHECK(wiki.get("/site/README.md").status == 200);
  postgres.start();
  CHECK(eventually([&] {
    files.write("root/README.md", "# " + std::to_string(std::chrono::steady_clock::now().time_since_epoch().count()) + "\n");
    return wiki.cache_status("/site/README.md").find("; stored") != std::string::npos &&
           wiki.process().errors().find("can be reached now") != std::string::npos;
  }));
}

TEST_CASE("a node leaves the entries of repositories that it does not know alone", "[server]") {
  TestDatabase database;
  const TemporaryDirectory files;
  write_pages(files, "root");
  const auto store = "postgres:" + database.conninfo();
  const auto others = "other=" + (files / "root").string();
  REQUIRE(run_wiki({"warm", "--store", store, "--root", others}).code == 0);
  const auto before = database.value("SELECT count(*) FROM wiki_cache");
  {
    const WikiServer wiki({"--root", root(files, "root"), "--store", store, "--prune-every", "1s"});
    std::this_thread::sleep_for(std::chrono::seconds(3));
  }
  const auto pruned = run_wiki({"prune", "--store", store, "--root", root(files, "root")});
  CHECK_THAT(pruned.out, ContainsSubstring("0 removed"));
  CHECK_THAT(pruned.errors, ContainsSubstring("--remove-others"));
  CHECK(database.value("SELECT count(*) FROM wiki_cache") == before);
  CHECK_THAT(run_wiki({"prune", "--store", store, "--root", root(files, "root"), "--remove-others"}).out,
             ContainsSubstring(before + " removed"));
}

TEST_CASE("a query in the database says which repositories live", "[server]") {
  TestDatabase database;
  const TemporaryDirectory files;
  write_pages(files, "root");
  const auto store = "postgres:" + database.conninfo();
  for (const std::string alias : {"site", "dead", "elsewhere"}) {
    REQUIRE(run_wiki({"warm", "--store", store, "--root", alias + "=" + (files / "root").string()}).code == 0);
  }
  database.execute("CREATE TABLE global_repos (alias_name TEXT); INSERT INTO global_repos VALUES ('site'), ('elsewhere')");
  fs::remove(files / "root/other.md");
  const std::vector<std::string> prune{
      "prune", "--store", store, "--root", root(files, "root"), "--live-query", "SELECT alias_name FROM global_repos"};
  auto dry = prune;
  dry.push_back("--dry-run");
  CHECK(run_wiki(dry).code == 0);
  CHECK(database.value("SELECT count(*) FROM wiki_cache") == "6");
  CHECK_THAT(run_wiki(prune).out, ContainsSubstring("3 removed"));
  CHECK(database.value("SELECT string_agg(DISTINCT repo_alias, ',' ORDER BY repo_alias) FROM wiki_cache") == "elsewhere,site");
  CHECK(database.value("SELECT count(*) FROM wiki_cache WHERE repo_alias = 'elsewhere'") == "2");
}

}  // namespace shared_store_tests
