// Requests that are malformed or that try to be taken for two: what each is answered, and that nothing behind it is.
#include "server/support/wiki_process.hpp"
#include "support/catch.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace requests_tests {

using namespace render_cache::test;

namespace {

struct Attack {
  std::string sent;
  unsigned status;  ///< of the one reply; the connection is closed behind it
};

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

void check_each(const WikiServer& wiki, const std::vector<Attack>& attacks) {
  for (const auto& [sent, status] : attacks) {
    CAPTURE(sent);
    HttpClient client(wiki.port());
    client.send(sent);
    const auto all = client.receive_all();
    CHECK_THAT(all, Catch::Matchers::StartsWith("HTTP/1.1 " + std::to_string(status) + " "));
    CHECK_THAT(all, ContainsSubstring("\r\nConnection: close\r\n"));
    CHECK(count(all, "HTTP/1.1 ") == 1);
    CHECK(wiki.get("/-/health").status == 200);
  }
}

}  // namespace

TEST_CASE("a body is never taken for the next request", "[server]") {
  const TemporaryDirectory files;
  files.write("root/README.md", "# Fine\n");
  const WikiServer wiki({"--root", "site=" + (files / "root").string()});
  const std::string inner = "GET /-/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const auto with = [&](const std::string& fields, const std::string& version = "1.1", const std::string& method = "GET") {
    return method + " /site/README.md HTTP/" + version + "\r\nHost: localhost\r\n" + fields + "\r\n" + inner;
  };
  const std::string length = "Content-Length: " + std::to_string(inner.size()) + "\r\n";
  const std::string keep = "Connection: keep-alive\r\n";
  std::vector<Attack> attacks;
  // RFC 9112, section 6.3: where chunked is not the last coding, nobody can tell where the body ends.
  for (const std::string coding : {"xchunked", "chunkedx", "identity", "gzip", "chunked, gzip", "chunked, identity",
                                   "chunked;q=0, gzip", "", " ", ",", "\"chunked\"", "chunked\v", "\vchunked", "chu nked",
                                   "ch\tunked", "chunked\xc2\xa0", "gzip;chunked", "chunked, chunked, x"}) {
    attacks.push_back({with("Transfer-Encoding: " + coding + "\r\n"), 400});
    attacks.push_back({with("transfer-encoding:" + coding + "\r\n", "1.1", "POST"), 400});
  }
  // Section 6.1: a coding that is not understood, with an end that could be told.
  for (const std::string coding : {"gzip, chunked", "identity,chunked", "x, y, Chunked"}) {
    attacks.push_back({with("Transfer-Encoding: " + coding + "\r\n"), 501});
  }
  for (const std::string fields : {
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: gzip\r\nTransfer-Encoding: identity\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
           "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n",
           "Content-Length: 0\r\nTransfer-Encoding: identity\r\n",
           "Transfer-Encoding:\r\n gzip\r\n",
           "Transfer-Encoding : chunked\r\n",
           " Transfer-Encoding: chunked\r\n",
           "Transfer-Encoding\t: chunked\r\n",
           "Content-Length: 5\r\nContent-Length: 6\r\n",
           "Content-Length: 0\r\nContent-Length: 6\r\n",
           "Content-Length: 5, 6\r\n",
           "Content-Length: -1\r\n",
           "Content-Length: +5\r\n",
           "Content-Length: 0x5\r\n",
           "Content-Length: 5 5\r\n",
           "Content-Length: \r\n",
           "Content-Length: 18446744073709551615\r\n",
           "Content-Length: 18446744073709551616\r\n",
           "X: a\r\n b\r\n",
           "X:\r\n\tb\r\n",
           "Content-Length: 5\r\n\tContent-Length: 6\r\n",
           "Content-Length : 5\r\n",
       }) {
    attacks.push_back({with(fields), 400});
  }
  // A message of HTTP/1.0 has no codings, whatever it says.
  attacks.push_back({with(keep + "Transfer-Encoding: chunked\r\n", "1.0"), 400});
  attacks.push_back({with(keep + "Transfer-Encoding: gzip, chunked\r\n", "1.0"), 400});
  // A body that is framed well is not read, so nothing behind it is either.
  attacks.push_back({with(length), 200});
  attacks.push_back({with(keep + length, "1.0"), 200});
  attacks.push_back({with(length + length), 200});
  attacks.push_back({with("Transfer-Encoding: chunked\r\n"), 200});
  attacks.push_back({with("Transfer-Encoding: CHUNKED \r\n"), 200});
  attacks.push_back({with("Expect: 100-continue\r\n" + length), 200});
  attacks.push_back({with(length, "1.1", "POST"), 405});
  attacks.push_back({with("Transfer-Encoding: chunked\r\n", "1.1", "PUT"), 405});
  check_each(wiki, attacks);

  HttpClient honest(wiki.port());  // the control: what has no body leaves the connection open
  honest.send(with("Content-Length: 0\r\n"));
  CHECK(honest.receive().status == 200);
  CHECK(honest.receive().status == 200);
}

TEST_CASE("who sends a body that nobody reads gets the answer all the same", "[server]") {
  const TemporaryDirectory files;
  files.write("root/README.md", "# Fine\n");
  const WikiServer wiki({"--root", "site=" + (files / "root").string()});
  for (int time = 0; time < 10; ++time) {
    HttpClient client(wiki.port());
    client.send("POST /site/README.md HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n");
    for (int piece = 0; piece < 9; ++piece) client.send(std::string(100'000, 'x'));
    CHECK(client.receive().status == 405);
  }
}

TEST_CASE("what is no request is refused, and nothing behind it is answered", "[server]") {
  const TemporaryDirectory files;
  files.write("root/README.md", "# Fine\n");
  const WikiServer wiki({"--root", "site=" + (files / "root").string()});
  const std::string host = "Host: localhost\r\n", inner = "GET /-/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const auto with_line = [&](const std::string& line) { return line + "\r\n" + host + "\r\n" + inner; };
  const auto with_field = [&](const std::string& field) { return "GET / HTTP/1.1\r\n" + host + field + "\r\n\r\n" + inner; };
  std::vector<Attack> attacks;
  for (const std::string line : {"nonsense",
                                 "GET",
                                 "GET /",
                                 "GET / ",
                                 "GET  / HTTP/1.1",
                                 "GET /  HTTP/1.1",
                                 " GET / HTTP/1.1",
                                 "GET\t/\tHTTP/1.1",
                                 "GET / HTTP/1.1 ",
                                 "GET / http/1.1",
                                 "GET / HTTP/1",
                                 "GET / HTTP/1.",
                                 "GET / HTTP/.1",
                                 "GET / HTTP/11",
                                 "GET / HTTP/1.1.1",
                                 "GET / HTTP/1.11",
                                 "GET / HTTP/-1.1",
                                 "GET / HTTP 1.1",
                                 "GET / XTTP/1.1",
                                 "GET /a b HTTP/1.1",
                                 "G@T / HTTP/1.1",
                                 "G\x01T / HTTP/1.1",
                                 "/ HTTP/1.1",
                                 "\x16\x03\x01\x02",
                                 "SSH-2.0-x",
                                 "*1",
                                 "{}",
                                 "EHLO localhost"}) {
    attacks.push_back({with_line(line), 400});
  }
  for (const std::string line : {"GET / HTTP/2.0", "GET / HTTP/0.9", "GET / HTTP/9.9", "GET / HTTP/1.2", "PRI * HTTP/2.0"}) {
    attacks.push_back({with_line(line), 505});
  }
  for (const std::string field : {"no colon",
                                  ": no name",
                                  "X",
                                  "X\x01: a",
                                  "X Y: a",
                                  "X : a",
                                  "X\t: a",
                                  "X(: a",
                                  "X,: a",
                                  "\"X\": a",
                                  "X\xff: a",
                                  "X: a\x01",
                                  "X: a\x7f",
                                  "X: a\rb",
                                  "X: a\nb c",
                                  "Connection: a b,\x01",
                                  "Connection: ,;=",
                                  "Content-Length: 1 2",
                                  "Host: localhost",
                                  "host: other",
                                  "HOST:",
                                  "X: a\r\r\n"}) {
    attacks.push_back({with_field(field), 400});
  }
  const auto nul = [](std::string text) {
    for (auto& c : text) c = c == '@' ? '\0' : c;
    return text;
  };
  for (const std::string bytes : {"GET /@ HTTP/1.1\r\nHost: localhost\r\n\r\n", "G@ET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHo@st: localhost\r\n\r\n", "GET / HTTP/1.1\r\nHost: local@host\r\n\r\n",
                                  "GET / HTTP/1.1\r\nHost: localhost\r\nX: a@b\r\n\r\n", "@@@@@@@@\r\n\r\n"}) {
    attacks.push_back({nul(bytes) + inner, 400});
  }
  // A host that is none, or is not said (RFC 9112, section 3.2).
  for (const std::string value : {"local host", "local/host", "a@localhost", "localhost:x", "localhost:80:80", "localhost:999999",
                                  "[::1", "[::1]x", "[]", "a,localhost", "<b>", "local\\host", "localhost?", "#"}) {
    attacks.push_back({"GET / HTTP/1.1\r\nHost: " + value + "\r\n\r\n" + inner, 400});
  }
  attacks.push_back({"GET / HTTP/1.1\r\n\r\n" + inner, 400});
  attacks.push_back({"GET http://localhost/ HTTP/1.1\r\n\r\n" + inner, 400});
  // Too long, in each part.
  attacks.push_back({with_line("GET /" + std::string(8'200, 'a') + " HTTP/1.1"), 414});
  attacks.push_back({with_line("GET /" + std::string(70'000, 'a') + " HTTP/1.1"), 414});
  attacks.push_back({with_line("GET /?" + std::string(70'000, 'a') + " HTTP/1.1"), 414});
  attacks.push_back({with_line(std::string(70'000, 'G') + " / HTTP/1.1"), 414});
  attacks.push_back({with_line(std::string(70'000, ' ')), 400});
  attacks.push_back({with_field("X: " + std::string(70'000, 'a')), 431});
  attacks.push_back({with_field(std::string(70'000, 'X') + ": a"), 431});
  std::string many;
  for (int i = 0; i < 4'000; ++i) many += "X: " + std::to_string(i) + "\r\n";
  attacks.push_back({with_field(many + "Y: a"), 431});
  attacks.push_back({with_field("Cookie: " + std::string(16'384, 'c')), 431});
  // Addresses that are none.
  for (const std::string target : {"*", "http:", "?", "#", "x", "site/README.md", "/%", "/%4", "/%zz", "/%ff", "/%c0%ae", "/..",
                                   "/site/..", "/site/%2e%2e/x", "/./site", "\\site", "/%00", "/a%0d%0aX: y"}) {
    attacks.push_back({"GET " + target + " HTTP/1.1\r\nConnection: close\r\n" + host + "\r\n", 400});
  }
  for (const std::string method :
       {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "MKCOL", "get", "GETX", "HEADS"}) {
    attacks.push_back({method + " / HTTP/1.1\r\nConnection: close\r\n" + host + "\r\n", 405});
  }
  check_each(wiki, attacks);
  CHECK(attacks.size() >= 110);
}

TEST_CASE("on loopback the server answers for its own names only", "[server]") {
  const TemporaryDirectory files;
  files.write("root/README.md", "# Fine\n");
  const std::string root = "site=" + (files / "root").string();
  const auto status = [](const WikiServer& wiki, const std::string& host, const std::string& target = "/site/README.md") {
    HttpClient client(wiki.port());
    client.send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
    return client.receive().status;
  };
  const WikiServer wiki({"--root", root, "--host", "wiki.example.org"});
  for (const std::string host :
       {"localhost", "LocalHost", "localhost.", "localhost:1", "wiki.localhost", "127.0.0.1", "127.0.0.1:80", "127.1.2.3",
        "[::1]", "[::1]:80", "wiki.example.org", "WIKI.example.org.", "wiki.example.org:443"}) {
    CAPTURE(host);
    CHECK(status(wiki, host) == 200);
  }
  for (const std::string host :
       {"evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "evillocalhost",
        "xwiki.example.org", "wiki.example.org.evil.example", "192.0.2.1", "0.0.0.0", "[2001:db8::1]", "127.1", "2130706433",
        "0x7f.1", "", ".", "localhost..", ".localhost", "xn--localhost"}) {
    CAPTURE(host);
    CHECK(status(wiki, host) == 421);
    CHECK(status(wiki, host, "/-/stats") == 421);
    CHECK(status(wiki, host, "/-/health") == 200);
  }
  // The absolute form's host is the one that counts.
  CHECK(status(wiki, "localhost", "http://evil.example/site/README.md") == 421);
  CHECK(status(wiki, "localhost", "file:///etc/passwd") == 421);
  CHECK(status(wiki, "evil.example", "http://localhost/site/README.md") == 200);
  HttpClient client(wiki.port());
  client.send("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  CHECK_THAT(client.receive().body, ContainsSubstring("--host NAME"));

  const WikiServer open({"--root", root, "--listen", "0.0.0.0:0"});
  CHECK(status(open, "any.example") == 200);
  const WikiServer named({"--root", root, "--listen", "0.0.0.0:0", "--host", "wiki.example.org"});
  CHECK(status(named, "any.example") == 421);
  CHECK(status(named, "wiki.example.org") == 200);
  CHECK(status(named, "192.0.2.1") == 200);  // an address is nobody's name
}

TEST_CASE("every reply says what browsers may do with it", "[server]") {
  const TemporaryDirectory files;
  files.write("root/README.md", "# Fine\n");
  files.write("root/evil.html", "<script>alert(1)</script>");
  const WikiServer wiki({"--root", "site=" + (files / "root").string()});
  for (const std::string target : {"/", "/site/README.md", "/site/evil.html", "/site/none.md", "/site", "/-/style.css",
                                   "/-/icon.svg", "/-/stats", "/-/health", "/%", "/..", "/site/README.md?x"}) {
    for (const std::string method : {"GET", "HEAD", "POST"}) {
      CAPTURE(target, method);
      const auto reply = HttpClient(wiki.port()).ask(target, {{"Connection", "close"}}, method);
      CHECK(reply.field("x-content-type-options") == "nosniff");
      CHECK(reply.field("cross-origin-resource-policy") == "same-origin");
      CHECK(reply.field("referrer-policy") == "same-origin");
      CHECK_THAT(reply.field("content-security-policy"), Catch::Matchers::StartsWith("default-src 'none'"));
      CHECK(reply.field("access-control-allow-origin").empty());
      CHECK(reply.field("set-cookie").empty());
      CHECK(reply.field("server").empty());
    }
  }
}

TEST_CASE("pages, files and all else have the headers that docs/security.md lists", "[server]") {
  const TemporaryDirectory files;
  files.write("root/README.md", "# Fine\n");
  files.write("root/picture.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
  const WikiServer wiki({"--root", "site=" + (files / "root").string(), "--root", "other=" + (files / "root").string()});
  const std::string of_pages =
      "default-src 'none'; style-src 'self'; img-src 'self' https: http: data:; media-src 'self'; base-uri 'none'; "
      "form-action 'none'; frame-ancestors 'self'";
  const std::string of_files = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox";
  const std::string of_the_rest = "default-src 'none'; frame-ancestors 'none'";
  struct Sent {
    std::string target, policy, opener, cached;
  };
  for (const auto& [target, policy, opener, cached] :
       std::vector<Sent>{{"/site/README.md", of_pages, "same-origin", "no-cache"},
                         {"/site/?page=1", of_pages, "same-origin", "no-cache"},
                         {"/", of_pages, "same-origin", "no-cache"},
                         {"/site/none.md", of_pages, "same-origin", "no-cache"},
                         {"/%", of_pages, "same-origin", "no-cache"},
                         {"/site/picture.svg", of_files, "", "no-cache"},
                         {"/-/style.css", of_the_rest, "", "public, max-age=86400"},
                         {"/-/icon.svg", of_the_rest, "", "public, max-age=86400"},
                         {"/-/stats", of_the_rest, "", "no-store"},
                         {"/-/metrics", of_the_rest, "", "no-store"},
                         {"/-/health", of_the_rest, "", "no-store"}}) {
    CAPTURE(target);
    const auto reply = wiki.get(target);
    CHECK(reply.field("content-security-policy") == policy);
    CHECK(reply.field("cross-origin-opener-policy") == opener);
    CHECK(reply.field("cache-control") == cached);
  }
}

}  // namespace requests_tests
