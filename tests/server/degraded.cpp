#include "support/catch.hpp"
#include "support/wiki_process.hpp"

#include <sys/mount.h>

#include <filesystem>

namespace degraded_tests {

namespace fs = std::filesystem;
using namespace render_cache::test;

namespace {

constexpr int pages = 40;

struct Site {
  TemporaryDirectory files;
  Site() {
    for (int page = 0; page < pages; ++page) {
      files.write("root/page" + std::to_string(page) + ".md", "# Page\n\n" + std::string(20'000, 'x') + "\n");
    }
  }
  [[nodiscard]] std::string root() const { return "site=" + (files / "root").string(); }
};

bool all_are_served(const WikiServer& wiki) {
  for (int page = 0; page < pages; ++page) {
    if (wiki.get("/site/page" + std::to_string(page) + ".md").status != 200) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("a SQLite file that is deleted while serving is made anew", "[server]") {
  const Site site;
  const auto database = site.files / "cache.db";
  const WikiServer wiki({"--root", site.root(), "--store", "sqlite:" + database.string(), "--memory", "0"});
  CHECK(all_are_served(wiki));
  for (const std::string suffix : {"", "-wal", "-shm"}) fs::remove(database.string() + suffix);
  CHECK(all_are_served(wiki));
  CHECK(eventually([&] { return all_are_served(wiki) && wiki.stats()["store"]["reopened"] == 1; }));
  CHECK(eventually([&] { return wiki.cache_status("/site/page1.md") == "render_cache; hit"; }));
  CHECK(fs::exists(database));
}

TEST_CASE("on a full disk pages are rendered and served, and the errors counted", "[server]") {
  const Site site;
  const auto disk = site.files / "disk";
  fs::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=400k") != 0) {
    WARN("not tested: a small disk can only be mounted by root");
    return;
  }
  {
    const WikiServer wiki({"--root", site.root(), "--store", "sqlite:" + (disk / "cache.db").string(), "--memory", "0"});
    CHECK(all_are_served(wiki));
    const auto stats = wiki.stats();
    CHECK(stats["pages"]["store_errors"]["full"].get<int>() + stats["pages"]["store_errors"]["unavailable"].get<int>() > 0);
    CHECK(stats["pages"]["renders"] == pages);
    REQUIRE(::mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=40m") == 0);
    CHECK(eventually([&] { return wiki.cache_status("/site/page39.md") == "render_cache; hit"; }));
  }
  ::umount(disk.c_str());
}

}  // namespace degraded_tests
