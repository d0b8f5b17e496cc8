// Requests that are malformed or that try to be taken for two: what each is answered, and that nothing behind it is.
#include "server/support/wiki_process.hpp"
#include "support/catch.hpp"

#include <string>
#include <string_view>
#include <vector>

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
