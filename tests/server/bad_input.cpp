#include "support/catch.hpp"
#include "support/wiki_process.hpp"

#include <sys/stat.h>

#include <filesystem>

namespace bad_input_tests {

namespace fs = std::filesystem;
using namespace render_cache::test;

namespace {

/// A root with a secret beside it.
struct Site {
  TemporaryDirectory files;
  std::string secret = "what nobody may read";
  Site() {
    files.write("secret.md", "# " + secret);
    files.write("root/README.md", "# Fine\n");
    files.write("root/.git/config", secret);
    files.write("outside/page.md", "# " + secret);
    fs::create_symlink("../secret.md", files / "root/link.md");
    fs::create_symlink(files / "secret.md", files / "root/absolute.md");
    fs::create_symlink("../outside", files / "root/folder");
    fs::create_symlink(".git", files / "root/notes");
    fs::create_symlink(".git/config", files / "root/config.md");
    fs::create_symlink("README.md", files / "root/within.md");
    fs::create_symlink("loop.md", files / "root/loop.md");
  }
  [[nodiscard]] std::string root() const { return "site=" + (files / "root").string(); }
};

}  // namespace

TEST_CASE("nothing outside a root is served", "[server]") {
  const Site site;
  const WikiServer wiki({"--root", site.root()});
  for (const std::string path : {"../secret.md",
                                 "%2e%2e/secret.md",
                                 "%2E%2E%2Fsecret.md",
                                 "x/../../secret.md",
                                 "..%2fsecret.md",
                                 "%2e%2e%5csecret.md",
                                 "link.md",
                                 "absolute.md",
                                 "folder/page.md",
                                 "folder/",
                                 "folder",
                                 "folder/page",
                                 "loop.md",
                                 ".git/config",
                                 "notes/config",
                                 "notes/",
                                 "notes",
                                 "config.md",
                                 ".%67it/config",
                                 "%00",
                                 "README.md%00",
                                 "README.md%00.png",
                                 "//etc/passwd",
                                 "%2fetc%2fpasswd",
                                 "....//secret.md",
                                 "..;/secret.md",
                                 "%c0%ae%c0%ae/secret.md",
                                 "%252e%252e/secret.md",
                                 "link.md/",
                                 "/",
                                 "./README.md",
                                 "%",
                                 "%4",
                                 "%zz",
                                 "%ff.md"}) {
    CAPTURE(path);
    const auto reply = wiki.get("/site/" + path);
    CHECK((reply.status == 400 || reply.status == 404 || reply.status == 302));
    if (reply.status == 302) CHECK(wiki.get(reply.field("location")).status == 404);
    CHECK(reply.body.find(site.secret) == std::string::npos);
    CHECK(reply.body.find(site.files.path().string()) == std::string::npos);
  }
  for (const std::string target :
       {"/../secret.md", "/%2e%2e/secret.md", "/..", "/site/..", "/site/../..", "http://localhost/../secret.md"}) {
    CAPTURE(target);
    CHECK(wiki.get(target).status == 400);
  }
  // Nor is it told whether there is something: a folder outside would be a redirect to its address with '/'.
  CHECK(wiki.get("/site/folder").status == 404);
  CHECK(wiki.get("/site/notes").status == 404);
  CHECK(wiki.get("/site/within.md").status == 200);  // a link that stays inside is a page like any other
  CHECK(wiki.stats()["pages"]["published"] == 1);
}

TEST_CASE("a page that becomes a link out of the root is served no more", "[server]") {
  const Site site;
  const auto page = site.files.write("root/page.md", "# Mine\n");
  const WikiServer wiki({"--root", site.root()});
  CHECK(wiki.get("/site/page.md").status == 200);
  fs::remove(page);
  fs::create_symlink("../secret.md", page);
  CHECK(wiki.get("/site/page.md").status == 404);
}

TEST_CASE("a folder that is moved out of the root and linked back is served no more", "[server]") {
  const Site site;
  site.files.write("root/moving/page.md", "# Mine\n");
  const WikiServer wiki({"--root", site.root()});
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));  // until what is remembered of the file is trusted
  CHECK(wiki.get("/site/moving/page.md").status == 200);
  CHECK(wiki.cache_status("/site/moving/page.md") == "render_cache; hit");
  fs::rename(site.files / "root/moving", site.files / "outside/moving");
  fs::create_symlink("../outside/moving", site.files / "root/moving");
  CHECK(wiki.get("/site/moving/page.md").status == 404);
}

TEST_CASE("folders, pipes, and files that may not be read each get a fitting answer", "[server]") {
  const Site site;
  fs::create_directories(site.files / "root/folder.md");
  REQUIRE(::mkfifo((site.files / "root/pipe.md").c_str(), 0600) == 0);
  REQUIRE(::mkfifo((site.files / "root/pipe.png").c_str(), 0600) == 0);
  REQUIRE(::chmod(site.files.write("root/private.md", "# " + site.secret).c_str(), 0) == 0);
  REQUIRE(::chmod(site.files.write("root/private.png", site.secret).c_str(), 0) == 0);
  WikiServer wiki({"--root", site.root()}, Rights::ordinary);
  CHECK(wiki.get("/site/folder.md").status == 404);
  CHECK(wiki.get("/site/pipe.md").status == 404);
  CHECK(wiki.get("/site/pipe.png").status == 404);
  const auto refused = wiki.get("/site/private.md");
  CHECK(refused.status == 403);
  CHECK_THAT(refused.body, ContainsSubstring("may not read"));
  CHECK(wiki.get("/site/private.png").status == 403);
  CHECK(wiki.stats()["errors"]["forbidden"] == 2);
  // Whoever runs the server reads the cause in its log, once in ten seconds.
  CHECK_THAT(wiki.process().errors(), ContainsSubstring("403 for 'site/private.md': ") &&
                                          ContainsSubstring("Permission denied") && !ContainsSubstring("private.png"));
}

TEST_CASE("a page beyond a limit says which, by a status that fits, and costs nothing while its source is the same", "[server]") {
  const Site site;
  site.files.write("root/large.md", std::string(10'000'000, 'x'));
  std::string nested;
  for (int level = 0; level < 500; ++level) nested += "> ";
  site.files.write("root/deep.md", nested + "x\n");
  const WikiServer wiki({"--root", site.root()});
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));  // until the files' times are trusted
  const auto large = wiki.get("/site/large.md"), deep = wiki.get("/site/deep.md");
  CHECK(large.status == 413);
  CHECK_THAT(large.body, ContainsSubstring("the page has 10000000 bytes; the limit is"));
  CHECK(deep.status == 422);
  CHECK_THAT(deep.body, ContainsSubstring("levels of nesting; the limit is"));
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));  // longer than other failures are remembered
  CHECK(wiki.get("/site/large.md").status == 413);
  CHECK(wiki.get("/site/deep.md").status == 422);
  CHECK(wiki.stats()["pages"]["render_failures"] == 2);
  CHECK(wiki.stats()["pages"]["published"] == 0);
  CHECK(wiki.get("/site/README.md").status == 200);
  site.files.write("root/deep.md", "# Flat\n");
  CHECK(wiki.get("/site/deep.md").status == 200);
}

TEST_CASE("a page that takes too long is refused for a moment", "[server]") {
  const Site site;
  std::string slow;
  for (int line = 0; line < 5000; ++line) slow += "*some* `words` and [a link](page.md)\n\n";
  site.files.write("root/slow.md", slow);
  const WikiServer wiki({"--root", site.root(), "--render-limit", "1ms"});
  const auto reply = wiki.get("/site/slow.md");
  CHECK(reply.status == 503);
  CHECK(reply.field("retry-after") == "2");
  CHECK_THAT(reply.body, ContainsSubstring("took longer to render than 1 ms"));
  CHECK(WikiServer({"--root", site.root()}).get("/site/slow.md").status == 200);
}

TEST_CASE("bytes that are no text are shown as such, and the page is kept", "[server]") {
  const Site site;
  site.files.write("root/bytes.md", std::string("# A\0B \xff\xfe end\n\nafter\n", 20));
  const WikiServer wiki({"--root", site.root(), "--store", "sqlite:" + (site.files / "cache.db").string()});
  const auto reply = wiki.get("/site/bytes.md");
  CHECK(reply.status == 200);
  CHECK(reply.body.find('\0') == std::string::npos);
  CHECK_THAT(reply.body, ContainsSubstring("\xef\xbf\xbd"));
  CHECK(wiki.cache_status("/site/bytes.md") == "render_cache; hit");
}

TEST_CASE("names with quotes, signs, spaces and emoji are names like any other", "[server]") {
  const Site site;
  const WikiServer wiki({"--root", site.root(), "--store", "sqlite:" + (site.files / "cache.db").string()});
  const std::pair<std::string, std::string> names[] = {{"it's \"so\".md", "it's%20%22so%22.md"},
                                                       {"100%.md", "100%25.md"},
                                                       {"back\\slash.md", "back%5Cslash.md"},
                                                       {"\xF0\x9F\x98\x80.md", "%F0%9F%98%80.md"},
                                                       {"a?b#c.md", "a%3Fb%23c.md"}};
  for (const auto& [name, address] : names) {
    CAPTURE(name);
    site.files.write("root/" + name, "# Odd\n");
    CHECK(wiki.cache_status("/site/" + address) == "render_cache; fwd=uri-miss; stored");
    CHECK(wiki.cache_status("/site/" + address) == "render_cache; hit");
  }
}

TEST_CASE("addresses and header fields have limits", "[server]") {
  const Site site;
  const WikiServer wiki({"--root", site.root()});
  CHECK(wiki.get("/site/" + std::string(9'000, 'a') + ".md").status == 414);
  CHECK(wiki.get("/site/" + std::string(60'000, 'a') + ".md").status == 414);
  CHECK(wiki.get("/", {{"X-Long", std::string(60'000, 'a')}}).status == 431);
  CHECK(wiki.get("/site/" + std::string(4'000, 'a') + ".md").status == 404);  // no file system has such a name
}

TEST_CASE("a path of more bytes than a key may have is refused by name", "[server]") {
  const Site site;
  std::string path;
  for (int level = 0; level < 12; ++level) path += std::string(200, static_cast<char>('a' + level)) + "/";
  site.files.write("root/" + path + "page.md", "# Deep\n");
  const WikiServer wiki({"--root", site.root(), "--store", "sqlite:" + (site.files / "cache.db").string()});
  const auto reply = wiki.get("/site/" + path + "page.md");
  CHECK(reply.status == 414);
  CHECK_THAT(reply.body, ContainsSubstring("too long"));
}

TEST_CASE("only GET and HEAD are answered, and nothing is read from a body", "[server]") {
  const Site site;
  const WikiServer wiki({"--root", site.root()});
  const auto post = wiki.get("/site/README.md", {{"Content-Length", "5"}}, "POST");
  CHECK(post.status == 405);
  CHECK(post.field("allow") == "GET, HEAD");
  CHECK(post.field("connection") == "close");
  const auto with_body = wiki.get("/site/README.md", {{"Transfer-Encoding", "chunked"}});
  CHECK(with_body.status == 200);
  CHECK(with_body.field("connection") == "close");  // what follows might be taken for a request
}

TEST_CASE("what is not HTTP gets 400", "[server]") {
  const Site site;
  const WikiServer wiki({"--root", site.root()});
  for (const std::string bytes :
       {"nonsense\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nbroken\r\n\r\n", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    CAPTURE(bytes);
    HttpClient client(wiki.port());
    client.send(bytes);
    CHECK(client.receive().status == 400);
  }
  HttpClient old(wiki.port());
  old.send("GET /-/health HTTP/1.0\r\n\r\n");
  CHECK_THAT(old.receive_all(), ContainsSubstring("200 OK") && ContainsSubstring("Connection: close"));
}

TEST_CASE("a client that dawdles is let go, and the others are served meanwhile", "[server]") {
  const Site site;
  const WikiServer wiki({"--root", site.root(), "--head-limit", "1s", "--idle-limit", "1s"});
  HttpClient slow(wiki.port()), silent(wiki.port());
  slow.send("GET / HTTP/1.1\r\nHost:");
  CHECK(wiki.get("/site/README.md").status == 200);
  CHECK_THAT(slow.receive_all(), ContainsSubstring("408 Request Timeout"));
  CHECK(silent.receive_all().empty());
  CHECK(wiki.stats()["server"]["timeouts"] == 2);
}

TEST_CASE("where there are too many connections, the idle ones make room", "[server]") {
  const Site site;
  const WikiServer wiki({"--root", site.root(), "--max-connections", "2"});
  HttpClient first(wiki.port()), second(wiki.port()), third(wiki.port());
  CHECK(first.ask("/-/health").status == 200);
  CHECK(second.ask("/-/health").status == 200);
  CHECK(third.ask("/-/health").status == 200);
}

TEST_CASE("a client that goes away in the middle of a file harms nobody", "[server]") {
  const Site site;
  site.files.write("root/large.bin", std::string(50'000'000, 'x'));
  const WikiServer wiki({"--root", site.root()});
  for (int i = 0; i < 3; ++i) {
    HttpClient client(wiki.port());
    client.send("GET /site/large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  CHECK(eventually([&] { return wiki.stats()["server"]["open"] == 1; }));
  CHECK(wiki.get("/site/large.bin").body.size() == 50'000'000);
}

}  // namespace bad_input_tests
