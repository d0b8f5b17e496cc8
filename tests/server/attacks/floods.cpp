// Clients by the hundred that ask slowly, take slowly or only stand there: what they cost the others.
#include "server/support/wiki_process.hpp"
#include "support/catch.hpp"
#include "support/sanitized.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace floods_tests {

using namespace render_cache::test;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

struct Site {
  TemporaryDirectory files;
  Site() {
    files.write("root/README.md", "# Fine\n");
    files.write("root/large.bin", std::string(20'000'000, 'x'));
    files.write("root/large.md", std::string(1'500'000, 'x'));
  }
  [[nodiscard]] std::string root() const { return "site=" + (files / "root").string(); }
};

/// Connections that do only what they are told to, from an address of their own on this machine.
class Crowd {
 public:
  Crowd(std::uint16_t port, std::size_t count, const char* from = "127.0.0.1") {
    while (sockets_.size() < count) {
      const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      REQUIRE(socket >= 0);
      sockets_.push_back(socket);
      const int small = 4096;  // to take little at a time
      ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
      auto here = place(from, 0), there = place("127.0.0.1", port);
      REQUIRE(::bind(socket, reinterpret_cast<const ::sockaddr*>(&here), sizeof here) == 0);
      const int connected = ::connect(socket, reinterpret_cast<const ::sockaddr*>(&there), sizeof there);
      REQUIRE((connected == 0 || errno == EINPROGRESS));
    }
  }
  ~Crowd() {
    for (const int socket : sockets_) ::close(socket);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  void send(std::string_view bytes) {
    for (const int socket : sockets_) std::ignore = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  /// Takes at most so many bytes of each.
  void take(std::size_t bytes) {
    std::string piece(bytes, '\0');
    for (const int socket : sockets_) std::ignore = ::recv(socket, piece.data(), piece.size(), 0);
  }
  /// How many the server has closed or turned away with this text.
  [[nodiscard]] std::size_t count_ended(std::string_view with) {
    std::size_t ended = 0;
    for (const int socket : sockets_) {
      char piece[512];
      const auto got = ::recv(socket, piece, sizeof piece, MSG_PEEK);
      if (got > 0 && std::string_view(piece, static_cast<std::size_t>(got)).find(with) != std::string_view::npos) ++ended;
    }
    return ended;
  }

 private:
  static ::sockaddr_in place(const char* address, std::uint16_t port) {
    ::sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port);
    ::inet_pton(AF_INET, address, &place.sin_addr);
    return place;
  }
  std::vector<int> sockets_;
};

std::string of_process(const WikiServer& wiki, const std::string& file) {
  std::ifstream in("/proc/" + std::to_string(wiki.process().id()) + "/" + file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::ptrdiff_t descriptors(const WikiServer& wiki) {
  namespace fs = std::filesystem;
  const fs::directory_iterator open("/proc/" + std::to_string(wiki.process().id()) + "/fd");
  return std::distance(begin(open), end(open));
}

std::size_t resident_kilobytes(const WikiServer& wiki) {
  const auto status = of_process(wiki, "status");
  return std::stoul(status.substr(status.find("VmRSS:") + 6));
}

double cpu_seconds(const WikiServer& wiki) {
  const auto stat = of_process(wiki, "stat");
  std::istringstream fields(stat.substr(stat.rfind(')') + 2));
  std::string skipped;
  double user = 0, system = 0;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// Asks as one of the others does, again and again for a second and more, while `meanwhile` goes on; the longest wait.
template <class Meanwhile>
milliseconds longest_wait(const WikiServer& wiki, Meanwhile meanwhile) {
  Clock::duration longest{};
  for (const auto end = Clock::now() + std::chrono::seconds(3); Clock::now() < end;) {
    for (const char* target : {"/-/health", "/site/README.md"}) {
      const auto start = Clock::now();
      CHECK(wiki.get(target).status == 200);
      longest = std::max(longest, Clock::now() - start);
    }
    meanwhile();
  }
  return std::chrono::duration_cast<milliseconds>(longest);
}

/// Runs a flood against a server that allows it no more than it allows anybody, and sees what is left of it.
template <class Begin, class Meanwhile>
void check_flood(const WikiServer& wiki, std::size_t crowd_size, Begin begin, Meanwhile meanwhile) {
  CHECK(wiki.get("/site/README.md").status == 200);
  const auto descriptors_before = descriptors(wiki);
  [[maybe_unused]] const auto memory_before = resident_kilobytes(wiki);
  {
    Crowd crowd(wiki.port(), crowd_size);
    begin(crowd);
    CHECK(longest_wait(wiki, [&] { meanwhile(crowd); }) < milliseconds(500));
#ifndef RENDER_CACHE_TEST_SANITIZED
    CHECK(resident_kilobytes(wiki) < memory_before + 40'000);
#endif
  }
  CHECK(eventually([&] { return wiki.stats()["server"]["open"] == 1; }));
  CHECK(eventually([&] { return descriptors(wiki) <= descriptors_before + 1; }));
  CHECK(wiki.stats()["server"]["made_room"] > 0);
}

}  // namespace

TEST_CASE("hundreds who dribble their requests keep nobody waiting", "[server]") {
  const Site site;
  const WikiServer wiki({"--root", site.root(), "--max-connections", "128"});
  check_flood(
      wiki, 600, [](Crowd& crowd) { crowd.send("GET /site/README.md HTTP/1.1\r\nHost: localhost\r\nX: "); },
      [](Crowd& crowd) { crowd.send("x"); });
}

TEST_CASE("hundreds who ask and take nothing of the answer keep nobody waiting", "[server]") {
  const Site site;
  const WikiServer wiki({"--root", site.root(), "--max-connections", "128"});
  check_flood(
      wiki, 400, [](Crowd& crowd) { crowd.send("GET /site/large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n"); }, [](Crowd&) {});
}

TEST_CASE("at the limit of file descriptors others are served, and the server does not spin", "[server]") {
  const Site site;
  const WikiServer wiki({"--root", site.root()}, Rights::own, 96);
  CHECK_THAT(wiki.process().errors(), ContainsSubstring("the limit of file descriptors"));
  check_flood(
      wiki, 400, [](Crowd&) {}, [](Crowd&) {});
  // Who only stands there costs nothing.
  Crowd crowd(wiki.port(), 400);
  const auto before = cpu_seconds(wiki);
  for (int i = 0; i < 20; ++i) {
    crowd.send("x");
    std::this_thread::sleep_for(milliseconds(100));
  }
  CHECK(cpu_seconds(wiki) - before < 1.0);
}

TEST_CASE("too few file descriptors to serve anybody are told at the start", "[server]") {
  const Site site;
  CHECK_THROWS_WITH(WikiServer({"--root", site.root()}, Rights::own, 24), ContainsSubstring("file descriptors (ulimit -n)"));
}

TEST_CASE("a client that drips its answer is let go, and one that takes it is not", "[server]") {
  const Site site;
  const WikiServer wiki({"--root", site.root(), "--write-limit", "4s", "--least-rate", "1000000"});
  Crowd slow(wiki.port(), 1);
  slow.send("GET /site/large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto gone = [&] {
    for (int i = 0; i < 10; ++i) {  // two hundred thousand bytes a second: it never stands still for four
      slow.take(4000);
      std::this_thread::sleep_for(milliseconds(10));
    }
    return wiki.stats()["server"]["timeouts"] == 1;
  };
  CHECK(eventually(gone));
  CHECK(wiki.get("/site/large.bin").body.size() == 20'000'000);
}

TEST_CASE("a client that takes nothing is let go, and to have taken much is no leave to stand still", "[server]") {
  const Site site;
  const WikiServer wiki({"--root", site.root(), "--write-limit", "2s"});
  Crowd of_a_file(wiki.port(), 1), of_a_page(wiki.port(), 1);
  of_a_file.send("GET /site/large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n");
  of_a_page.send("GET /site/large.md HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(eventually([&] { return wiki.stats()["server"]["timeouts"] == 2; }));
  HttpClient quick(wiki.port());
  quick.send("GET /site/large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n");
  quick.take(10'000'000);  // as much as at the least rate takes forty minutes
  CHECK(eventually([&] { return wiki.stats()["server"]["timeouts"] == 3; }));
}

TEST_CASE("one client has its share of the connections, and the others have theirs", "[server]") {
  const Site site;
  const WikiServer wiki({"--root", site.root(), "--max-connections-per-client", "8"});
  {
    Crowd crowd(wiki.port(), 20, "127.0.0.2");
    CHECK(eventually([&] { return crowd.count_ended("503 Service Unavailable") == 12; }));
    CHECK(wiki.get("/site/README.md").status == 200);
    CHECK(wiki.stats()["server"]["refused"] == 12);
  }
  CHECK(eventually([&] { return wiki.stats()["server"]["open"] == 1; }));
  Crowd again(wiki.port(), 8, "127.0.0.2");
  CHECK(eventually([&] { return wiki.stats()["server"]["open"] == 9; }));
  CHECK(wiki.stats()["server"]["refused"] == 12);
}

}  // namespace floods_tests
