// What a request may take of the server, driven through a handler that does as it is told.
#include "server/support/eventually.hpp"
#include "server/support/http_client.hpp"
#include "server/support/own_server.hpp"
#include "support/catch.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace budget_tests {

using namespace render_cache::test;

namespace {

/// `/slow` is answered when the gate opens, or nobody waits for it any more; all else by a worker at once.
class Gatekeeper final : public http::Handler {
 public:
  std::atomic<int> begun{0}, abandoned{0};

  std::optional<http::Reply> answer_now(const http::Request& request) noexcept override {
    if (request.target != "/now") return std::nullopt;
    return http::make_reply(200, "text/plain", "now");
  }
  http::Reply answer(const http::Request& request) noexcept override {
    if (request.target == "/slow") {
      std::unique_lock lock(mutex_);
      ++begun;
      if (!opened_.wait(lock, request.client_left, [&] { return open_; })) ++abandoned;
    }
    return http::make_reply(200, "text/plain", "done");
  }
  http::Reply refuse(unsigned status, std::string_view why) noexcept override {
    return http::make_reply(status, "text/plain", std::string(why));
  }
  bool is_quick(const http::Request& request) const noexcept override { return request.target == "/quick"; }

  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any opened_;
  bool open_ = false;
};

/// Nobody waits for a closed gate at the end.
class Running : public OwnServer<Gatekeeper> {
 public:
  using OwnServer::OwnServer;
  ~Running() { handler.open(); }
};

constexpr std::string_view ask_slowly = "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n";

}  // namespace

TEST_CASE("where too many requests wait for a worker, the next is told to come back", "[server][concurrent]") {
  Running server({.threads = 1, .workers = 1, .quick_workers = 1, .max_waiting = 2});
  std::vector<std::unique_ptr<HttpClient>> waiting;
  const auto ask = [&] { waiting.emplace_back(std::make_unique<HttpClient>(server.port()))->send(ask_slowly); };
  ask();
  REQUIRE(eventually([&] { return server.handler.begun == 1; }));
  ask();
  ask();
  REQUIRE(eventually([&] { return server.stats().requests == 3; }));
  const auto refused = http_get(server.port(), "/slow");
  CHECK(refused.status == 503);
  CHECK(refused.field("retry-after") == "1");
  CHECK_THAT(refused.body, ContainsSubstring("too much to do"));
  CHECK(server.stats().shed == 1);
  // Neither what needs no worker nor what is quick waits behind them.
  CHECK(http_get(server.port(), "/now").body == "now");
  CHECK(http_get(server.port(), "/quick").body == "done");
  CHECK(http_get(server.port(), "/-/health").status == 200);
  server.handler.open();
  for (const auto& client : waiting) CHECK(client->receive().body == "done");
  CHECK(server.handler.begun == 3);
}

TEST_CASE("work whose client has left ends, and what nobody waits for is not begun", "[server][concurrent]") {
  Running server({.threads = 1, .workers = 1});
  {
    HttpClient first(server.port());
    first.send(ask_slowly);
    REQUIRE(eventually([&] { return server.handler.begun == 1; }));
    HttpClient second(server.port());
    second.send(ask_slowly);
    REQUIRE(eventually([&] { return server.stats().requests == 2; }));
  }  // the only worker is in the first request still, or has just left it
  CHECK(eventually([&] { return server.handler.abandoned == 1; }));
  CHECK(http_get(server.port(), "/done").body == "done");
  CHECK(server.handler.begun == 1);
  CHECK(server.stats().left == 2);
  CHECK(eventually([&] { return server.stats().open == 0; }));
}

TEST_CASE("a client that asks on before it is answered is not taken for one that left", "[server][concurrent]") {
  Running server({.threads = 1, .workers = 1});
  HttpClient client(server.port());
  client.send(ask_slowly);
  REQUIRE(eventually([&] { return server.handler.begun == 1; }));
  client.send("GET /now HTTP/1.1\r\nHost: localhost\r\n\r\n");
  server.handler.open();
  CHECK(client.receive().body == "done");
  CHECK(client.receive().body == "now");
}

TEST_CASE("work that takes too long is given up", "[server][concurrent]") {
  Running server({.threads = 1, .workers = 1, .work_limit = std::chrono::seconds(1)});
  const auto late = http_get(server.port(), "/slow");
  CHECK(late.status == 503);
  CHECK(late.field("retry-after") == "1");
  CHECK(eventually([&] { return server.handler.abandoned == 1; }));
  CHECK(http_get(server.port(), "/done").body == "done");
}

TEST_CASE("told to stop, a server waits for what it has begun, and no longer than the grace", "[server][concurrent]") {
  Running server({.threads = 1, .workers = 1, .grace = std::chrono::seconds(1)});
  HttpClient client(server.port());
  client.send(ask_slowly);
  REQUIRE(eventually([&] { return server.handler.begun == 1; }));
  CHECK(server.stop() == true);  // the grace is over: nobody waits any more, which ended the work
  CHECK(server.handler.abandoned == 1);
}

}  // namespace budget_tests
