#include "support/catch.hpp"
#include "support/wiki_process.hpp"

#include <chrono>
#include <filesystem>
#include <future>
#include <thread>

namespace lifecycle_tests {

namespace fs = std::filesystem;
using namespace render_cache::test;

namespace {

struct Site {
  TemporaryDirectory files;
  Site() { files.write("root/README.md", "# Fine\n"); }
  [[nodiscard]] std::string root() const { return "site=" + (files / "root").string(); }
  [[nodiscard]] std::string store() const { return "sqlite:" + (files / "cache.db").string(); }
};

}  // namespace

TEST_CASE("mistakes on the command line are told in words", "[server]") {
  const Site site;
  const auto message = [](const std::vector<std::string>& arguments) {
    const auto run = run_wiki(arguments);
    CHECK(run.code != 0);
    return run.errors;
  };
  CHECK_THAT(message({"serve"}), ContainsSubstring("--root"));
  CHECK_THAT(message({"serve", "--root", "a/b=" + site.root()}), ContainsSubstring("alias"));
  CHECK_THAT(message({"serve", "--root", "site=/nonexistent"}), ContainsSubstring("/nonexistent"));
  CHECK_THAT(message({"serve", "--root", site.root(), "--root", site.root()}), ContainsSubstring("two repositories"));
  CHECK_THAT(message({"serve", "--root", site.root(), "--store", "mysql:x"}), ContainsSubstring("sqlite:PATH"));
  CHECK_THAT(message({"serve", "--root", site.root(), "--store", "sqlite:/nonexistent/cache.db"}),
             ContainsSubstring("/nonexistent"));
  CHECK_THAT(message({"serve", "--root", site.root(), "--listen", "nowhere"}), ContainsSubstring("HOST:PORT"));
  CHECK_THAT(message({"serve", "--root", site.root(), "--memory", "much"}), ContainsSubstring("--memory"));
  CHECK_THAT(message({"serve", "--root", site.root(), "--render-limit", "2"}), ContainsSubstring("--render-limit"));
  CHECK_THAT(message({"serve", "--root", site.root(), "--read-only"}),
             ContainsSubstring("--read-only needs --store sqlite:PATH"));
  CHECK_THAT(message({"serve", "--root", site.root(), "--store", site.store(), "--read-only"}),
             ContainsSubstring("there is no file"));
  CHECK_THAT(message({"warm", "--root", site.root(), "--store", "postgres:host=/nonexistent"}),
             ContainsSubstring("/nonexistent"));
  CHECK_THAT(message({"prune", "--store", "memory"}), ContainsSubstring("--root"));

  const WikiServer wiki({"--root", site.root()});
  CHECK_THAT(message({"serve", "--root", site.root(), "--listen", "127.0.0.1:" + std::to_string(wiki.port())}),
             ContainsSubstring("in use"));
}

TEST_CASE("the program tells its version, and what each command takes", "[server]") {
  CHECK_THAT(run_wiki({"--version"}).out, ContainsSubstring("wiki "));
  for (const std::string command : {"serve", "warm", "prune", "migrate"}) {
    const auto help = run_wiki({command, "--help"});
    CHECK(help.code == 0);
    CHECK_THAT(help.out, ContainsSubstring("--store"));
  }
}

TEST_CASE("told to stop, the server finishes what it is doing and exits with 0", "[server]") {
  const Site site;
  WikiServer wiki({"--root", site.root()});
  HttpClient idle(wiki.port()), half(wiki.port());
  idle.ask("/site/README.md");
  half.send("GET /site/README.md HTTP/1.1\r\n");
  CHECK(eventually([&] { return wiki.stats()["server"]["open"] == 3; }));  // with the one that asks
  wiki.process().signal(SIGTERM);
  CHECK(idle.receive_all().empty());
  CHECK(eventually([&] {
    try {
      wiki.get("/-/health");
      return false;
    } catch (const std::exception&) {
      return true;
    }
  }));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // each of the server's threads is told for itself
  half.send("Host: localhost\r\n\r\n");
  const auto reply = half.receive();
  CHECK(reply.status == 200);
  CHECK(reply.field("connection") == "close");
  CHECK(wiki.process().wait() == 0);
}

TEST_CASE("a request whose beginning has come when the server is told to stop is answered, also if nothing of it was read yet",
          "[server]") {
  const Site site;
  for (int round = 0; round < 10; ++round) {
    WikiServer wiki({"--root", site.root()});
    {
      HttpClient half(wiki.port());
      CHECK(eventually([&] { return wiki.stats()["server"]["open"] == 2; }));
      wiki.process().signal(SIGSTOP);  // what has come and that it is told are then seen at once, in any order
      half.send("GET /site/README.md HTTP/1.1\r\n");
      wiki.process().signal(SIGTERM);
      wiki.process().signal(SIGCONT);
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      half.send("Host: localhost\r\n\r\n");
      CHECK(half.receive().status == 200);
    }
    CHECK(wiki.process().wait() == 0);
  }
}

TEST_CASE("a request that never ends does not keep the server from stopping", "[server]") {
  const Site site;
  WikiServer wiki({"--root", site.root(), "--grace", "1s"});
  HttpClient half(wiki.port());
  half.send("GET / HTTP/1.1\r\n");
  CHECK(eventually([&] { return wiki.stats()["server"]["open"] == 2; }));
  const auto start = std::chrono::steady_clock::now();
  CHECK(wiki.stop() == 0);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(8));
}

TEST_CASE("what one run has rendered is a hit in the next", "[server]") {
  const Site site;
  for (const std::string expected : {"render_cache; fwd=uri-miss; stored", "render_cache; hit"}) {
    WikiServer wiki({"--root", site.root(), "--store", site.store()});
    CHECK(wiki.cache_status("/site/README.md") == expected);
    CHECK(wiki.stop() == 0);
  }
}

TEST_CASE("warm renders everything, and the second time nothing", "[server]") {
  const Site site;
  for (int page = 0; page < 50; ++page) site.files.write("root/page" + std::to_string(page) + ".md", "# Page\n");
  const auto first = run_wiki({"warm", "--root", site.root(), "--store", site.store(), "--parallel", "4"});
  CHECK(first.code == 0);
  CHECK_THAT(first.out, ContainsSubstring("51 pages: 0 fresh in the store, 51 rendered, 0 failed"));
  CHECK_THAT(run_wiki({"warm", "--root", site.root(), "--store", site.store()}).out,
             ContainsSubstring("51 pages: 51 fresh in the store, 0 rendered, 0 failed"));
  const WikiServer wiki({"--root", site.root(), "--store", site.store()});
  CHECK(wiki.cache_status("/site/page7.md") == "render_cache; hit");
}

TEST_CASE("warm names the page that cannot be rendered and renders the others", "[server]") {
  const Site site;
  site.files.write("root/large.md", std::string(10'000'000, 'x'));
  const auto run = run_wiki({"warm", "--root", site.root(), "--store", site.store()});
  CHECK(run.code == 1);
  CHECK_THAT(run.errors, ContainsSubstring("site/large.md: the page has 10000000 bytes"));
  CHECK_THAT(run.out, ContainsSubstring("1 rendered, 1 failed"));
}

TEST_CASE("what a file is called does not steer the terminal of whoever reads of it", "[server]") {
  const Site site;
  site.files.write("root/\x1b]0;owned\a\nwiki: all is well.md", std::string(10'000'000, 'x'));
  const auto run = run_wiki({"warm", "--root", site.root(), "--store", site.store()});
  CHECK_THAT(run.errors, ContainsSubstring("site/\\x1b]0;owned\\x07\\x0awiki: all is well.md: the page has 10000000 bytes"));
  CHECK(run.errors.find_first_of("\x1b\a") == std::string::npos);
}

TEST_CASE("a store that was made before is only read, if that is said", "[server]") {
  const Site site;
  CHECK(run_wiki({"warm", "--root", site.root(), "--store", site.store()}).code == 0);
  site.files.write("root/new.md", "# New\n");
  const auto written = fs::last_write_time(site.files / "cache.db");
  WikiServer wiki({"--root", site.root(), "--store", site.store(), "--read-only"});
  CHECK(wiki.cache_status("/site/README.md") == "render_cache; hit");
  CHECK(wiki.cache_status("/site/new.md") == "render_cache; fwd=uri-miss");
  CHECK(wiki.cache_status("/site/new.md") == "render_cache; hit");  // from memory
  const auto stats = wiki.stats();
  CHECK(stats["pages"]["store_errors"]["forbidden"] == 1);
  CHECK(stats["pages"]["store_errors"]["unavailable"] == 0);
  CHECK(stats["store"]["writes"] == 0);
  CHECK(wiki.stop() == 0);
  CHECK(fs::last_write_time(site.files / "cache.db") == written);
}

TEST_CASE("migrate shows, applies and undoes", "[server]") {
  const Site site;
  CHECK_THAT(run_wiki({"migrate", "--store", site.store(), "--status"}).out, ContainsSubstring("wiki_cache  pending"));
  CHECK_THAT(run_wiki({"migrate", "--store", site.store()}).out, ContainsSubstring("applied"));
  CHECK_THAT(run_wiki({"migrate", "--store", site.store(), "--status"}).out, ContainsSubstring("wiki_cache  applied"));
  CHECK_THAT(run_wiki({"migrate", "--store", site.store(), "--down"}).out, ContainsSubstring("undone"));
  CHECK_THAT(run_wiki({"migrate", "--store", site.store(), "--status"}).out, ContainsSubstring("wiki_cache  pending"));
}

TEST_CASE("without memory in front every page still is what its source is", "[server]") {
  const Site site;
  const WikiServer wiki({"--root", site.root(), "--store", site.store(), "--memory", "0"});
  CHECK(wiki.cache_status("/site/README.md") == "render_cache; fwd=uri-miss; stored");
  CHECK(wiki.cache_status("/site/README.md") == "render_cache; hit");
  CHECK(wiki.stats()["response_memory"]["entries"] == 0);
}

}  // namespace lifecycle_tests
