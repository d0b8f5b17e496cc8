#include "support/catch.hpp"
#include "support/wiki_process.hpp"

#include <filesystem>

namespace cleaning_tests {

namespace fs = std::filesystem;
using namespace render_cache::test;

namespace {

/// Two repositories of two pages each, all of them in the store.
struct Warm {
  TemporaryDirectory files;
  Warm() {
    for (const std::string page : {"a/one.md", "a/two.md", "b/one.md", "b/two.md"}) files.write(page, "# Page\n");
    REQUIRE(run_wiki(with("warm", {})).code == 0);
  }
  [[nodiscard]] std::string root(const std::string& alias) const { return alias + "=" + (files / alias).string(); }
  [[nodiscard]] std::vector<std::string> with(const std::string& command, std::vector<std::string> more,
                                              const std::vector<std::string>& aliases = {"a", "b"}) const {
    more.insert(more.begin(), {command, "--store", "sqlite:" + (files / "cache.db").string()});
    for (const auto& alias : aliases) more.insert(more.end(), {"--root", root(alias)});
    return more;
  }
};

}  // namespace

TEST_CASE("prune removes the pages that are gone and nothing else", "[server]") {
  const Warm warm;
  fs::remove(warm.files / "a/two.md");
  CHECK_THAT(run_wiki(warm.with("prune", {"--dry-run"})).out, ContainsSubstring("4 entries examined, 1 would be removed"));
  CHECK_THAT(run_wiki(warm.with("prune", {})).out, ContainsSubstring("4 entries examined, 1 removed"));
  CHECK_THAT(run_wiki(warm.with("prune", {})).out, ContainsSubstring("3 entries examined, 0 removed"));
  CHECK_THAT(run_wiki(warm.with("warm", {})).out, ContainsSubstring("3 fresh in the store, 0 rendered"));
}

TEST_CASE("a dry run counts an entry once that would go for several reasons", "[server]") {
  const Warm warm;
  fs::remove(warm.files / "a/two.md");
  fs::remove(warm.files / "b/two.md");
  const std::vector<std::string> reasons{"--live-query", "SELECT 'a'", "--max-size", "1"};
  auto dry = reasons;
  dry.emplace_back("--dry-run");
  CHECK_THAT(run_wiki(warm.with("prune", {"--live-query", "SELECT 'a'", "--dry-run"})).out,
             ContainsSubstring("1 of 2 repositories do not live, 4 entries examined, 3 would be removed\n"));
  CHECK_THAT(run_wiki(warm.with("prune", dry)).out,
             ContainsSubstring("4 entries examined, 4 would be removed, 1 of them beyond the bounds"));
  CHECK_THAT(run_wiki(warm.with("prune", reasons)).out,
             ContainsSubstring("4 entries examined, 4 removed, 1 of them beyond the bounds"));
}

TEST_CASE("prune keeps the store within the bounds that are given", "[server]") {
  const Warm warm;
  CHECK_THAT(run_wiki(warm.with("prune", {})).out, ContainsSubstring("4 entries examined, 0 removed\n"));
  CHECK_THAT(run_wiki(warm.with("prune", {"--max-age", "1h", "--max-size", "1GiB"})).out,
             ContainsSubstring("4 entries examined, 0 removed\n"));
  CHECK_THAT(run_wiki(warm.with("prune", {"--max-age", "0", "--max-size", "0"})).out,
             ContainsSubstring("4 entries examined, 0 removed\n"));
  SECTION("of size") {
    CHECK_THAT(run_wiki(warm.with("prune", {"--max-size", "1"})).out,
               ContainsSubstring("4 entries examined, 4 removed, 4 of them beyond the bounds"));
  }
  SECTION("of age, which has a limit itself") {
    CHECK_THAT(run_wiki(warm.with("prune", {"--max-age", "3650d"})).out, ContainsSubstring("4 entries examined, 0 removed\n"));
    const auto beyond = run_wiki(warm.with("prune", {"--max-age", "315360001"}));
    CHECK(beyond.code != 0);
    CHECK_THAT(beyond.errors, ContainsSubstring("--max-age") && ContainsSubstring("315360001 not in range"));
  }
  SECTION("of age, and of nothing else") {
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    CHECK_THAT(run_wiki(warm.with("prune", {"--keep-others", "--max-age", "1s"}, {})).out,
               ContainsSubstring("4 entries examined, 4 removed, 4 of them beyond the bounds"));
  }
}

TEST_CASE("prune removes the repositories that are served no more, unless others share the store", "[server]") {
  const Warm warm;
  CHECK_THAT(run_wiki(warm.with("prune", {"--keep-others"}, {"a"})).out, ContainsSubstring("0 removed"));
  CHECK_THAT(run_wiki(warm.with("prune", {}, {"a"})).out, ContainsSubstring("2 removed"));
}

TEST_CASE("a folder that is empty or cannot be read is not taken for a repository without pages", "[server]") {
  const Warm warm;
  fs::rename(warm.files / "a", warm.files / "elsewhere");
  const auto gone = run_wiki(warm.with("prune", {}));
  CHECK_THAT(gone.out, ContainsSubstring("0 removed"));
  CHECK_THAT(gone.errors, ContainsSubstring("'a' is left alone"));
  fs::create_directory(warm.files / "a");
  const auto empty = run_wiki(warm.with("prune", {}));
  CHECK_THAT(empty.out, ContainsSubstring("0 removed"));
  CHECK_THAT(empty.errors, ContainsSubstring("is it mounted?"));
}

TEST_CASE("the server cleans up by itself", "[server]") {
  const Warm warm;
  auto arguments = warm.with("", {"--prune-every", "1s"});
  arguments.erase(arguments.begin());
  const WikiServer wiki(arguments);
  fs::remove(warm.files / "b/two.md");
  std::this_thread::sleep_for(std::chrono::seconds(3));
  CHECK_THAT(run_wiki(warm.with("prune", {"--dry-run"})).out, ContainsSubstring("3 entries examined, 0 would be removed"));
  CHECK(wiki.cache_status("/b/one.md") == "render_cache; hit");
}

TEST_CASE("the server keeps its store within bounds by itself", "[server]") {
  const Warm warm;
  auto arguments = warm.with("", {"--prune-every", "1s", "--max-age", "1s"});
  arguments.erase(arguments.begin());
  const WikiServer wiki(arguments);
  CHECK(eventually(
      [&] { return run_wiki(warm.with("prune", {"--dry-run"})).out.find("0 entries examined") != std::string::npos; }));
}

TEST_CASE("a repository whose folder is replaced is served from the new one", "[server]") {
  const Warm warm;
  const WikiServer wiki({"--root", warm.root("a")});
  CHECK(wiki.get("/a/one.md").status == 200);
  fs::rename(warm.files / "a", warm.files / "old");
  warm.files.write("new/three.md", "# Three\n");
  fs::rename(warm.files / "new", warm.files / "a");
  CHECK(eventually([&] { return wiki.get("/a/three.md").status == 200; }));
  CHECK(wiki.get("/a/one.md").status == 404);
}

}  // namespace cleaning_tests
