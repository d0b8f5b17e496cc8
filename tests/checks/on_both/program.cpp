// The program itself, as people and scripts use it.
#include "checks/own_environment.hpp"
#include "checks/processes.hpp"
#include "checks/workplace.hpp"

#include "subprocess.hpp"
#include "support/catch.hpp"

#include <nlohmann/json.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace program_tests {

using namespace repo_checks;
using namespace repo_checks::test;
using nlohmann::json;

namespace {

/// Quick criteria, one of which runs a command.
constexpr const char* configuration = R"({"without": ["clean", "fsck"],
  "criteria": [{"name": "works", "tier": "full", "command": ["sh", "-c", "test ! -e broken"]}]})";

struct Program {
  Backend backend;
  Workplace place;

  Program() { place.write("config.json", configuration); }

  [[nodiscard]] std::vector<std::string> command(std::vector<std::string> arguments) const {
    std::vector<std::string> all{REPO_CHECKS, "--store", backend.store(), "--config", (place / "config.json").string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
  }
  [[nodiscard]] Ending operator()(std::vector<std::string> arguments, std::vector<std::string> environment = {}) const {
    return run({command(std::move(arguments)), place / ".", own_environment(std::move(environment))});
  }
};

/// Columns are as wide as what is in them, such as how long a command took.
std::string squeezed(std::string table) {
  const auto more = std::ranges::unique(table, [](char one, char next) { return one == ' ' && next == ' '; });
  table.erase(more.begin(), more.end());
  return table;
}

/// `repo_checks serve` on a port of its own, ended with the object.
class ServingProgram {
 public:
  explicit ServingProgram(const Program& program, const std::vector<std::string>& more = {}) : log_(program.place / "serve.log") {
    auto words = program.command({"serve", "--listen", "127.0.0.1:0"});
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> arguments;
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const auto log = log_.string();
    process_ = ::fork();
    if (process_ == 0) {
      if (std::freopen(log.c_str(), "w", stderr) == nullptr) ::_exit(126);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    const std::string before = "http://127.0.0.1:";
    for (int attempt = 0; port_ == 0 && attempt < 6000; ++attempt) {
      std::string line;
      std::getline(std::ifstream(log_) >> std::ws, line);
      if (const auto at = line.find(before); at != line.npos) port_ = std::stoi(line.substr(at + before.size()));
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    if (port_ == 0) throw std::runtime_error("the server does not start");
  }
  ServingProgram(const ServingProgram&) = delete;
  ServingProgram& operator=(const ServingProgram&) = delete;
  ~ServingProgram() {
    if (process_ > 0) stop();
  }

  struct Answer {
    int status = 0;
    std::string head, body;
    [[nodiscard]] json object() const { return json::parse(body); }
  };
  /// With fields that each end in CRLF.
  [[nodiscard]] Answer get(const std::string& target, const std::string& fields = {}, const std::string& host = "localhost",
                           const std::string& method = "GET") const {
    return ask(method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n" + fields + "\r\n");
  }
  [[nodiscard]] Answer ask(const std::string& request) const {
    const int connection = begin(request);
    auto answer = read_answer(connection);
    ::close(connection);
    return answer;
  }
  /// A connection that has asked. To be called from any thread: it throws where Catch2, which is not for several, would assert.
  [[nodiscard]] int begin(const std::string& request) const {
    const int connection = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(static_cast<std::uint16_t>(port_));
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(connection, reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0 ||
        ::send(connection, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
      throw std::runtime_error("the server does not take a request");
    }
    return connection;
  }
  [[nodiscard]] static Answer read_answer(int connection) {
    std::string text;
    char chunk[4096];
    for (ssize_t got; (got = ::recv(connection, chunk, sizeof chunk, 0)) > 0;) text.append(chunk, static_cast<std::size_t>(got));
    const auto end = text.find("\r\n\r\n");
    if (end == text.npos) return {};
    return {std::stoi(text.substr(9)), text.substr(0, end), text.substr(end + 4)};
  }
  [[nodiscard]] int port() const noexcept { return port_; }

  /// The exit code, or minus the signal that ended it.
  int stop(int signal = SIGTERM) {
    ::kill(process_, signal);
    int status = 0;
    ::waitpid(process_, &status, 0);
    process_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  std::filesystem::path log_;
  pid_t process_ = 0;
  int port_ = 0;
};

}  // namespace

TEST_CASE("Repositories are added, checked, listed, summed up and removed", "[checks]") {
  const Program program;
  program.place.make("one");
  CHECK(program({"add", "one", "one"}).succeeded());
  CHECK(program({"record", "one", "snapshot"}).succeeded());
  CHECK_THAT(program({"list"}).output, ContainsSubstring((program.place / "one").string()));

  const auto first = program({"check", "one"});
  CHECK(first.succeeded());
  CHECK_THAT(first.output, Catch::Matchers::StartsWith("one: standard, checked ") && ContainsSubstring("evaluated: absent"));
  CHECK_THAT(squeezed(first.output), ContainsSubstring("goal full no there is no goal"));
  CHECK_THAT(program({"check", "one"}).output, ContainsSubstring("from the cache"));
  CHECK_THAT(program({"check", "one", "--force-refresh"}).output, ContainsSubstring("evaluated: forced"));
  CHECK_THAT(program({"summary"}).output,
             ContainsSubstring("1 repositories: 0 full, 1 standard, 0 core, 0 none; 1 from the cache"));
  program.place.change("one/SCOPE.md");
  CHECK_THAT(program({"summary"}).output, ContainsSubstring("one: evaluated: changed, SCOPE.md"));
  CHECK(program({"touch", "one"}).succeeded());
  CHECK_THAT(program({"check", "one"}).output, ContainsSubstring("evaluated: changed, repo,revision"));
  CHECK(program({"remove", "one"}).succeeded());
  CHECK_THAT(program({"summary"}).output, ContainsSubstring("0 repositories"));
}

TEST_CASE("Exit codes tell what went wrong", "[checks]") {
  const Program program;
  program.place.make("one");
  program.place.write("bad.json", "{]");
  std::filesystem::create_directory(program.place / "odd \xff name");
  CHECK(program({"add", "one", "one"}).code == 0);
  CHECK(program({"check", "one", "--require", "core"}).code == 0);
  CHECK(program({"check", "one", "--require", "full"}).code == 1);
  CHECK(program({"summary", "--require", "standard"}).code == 1);
  struct Case {
    std::vector<std::string> arguments;
    int code;
    std::string message;
  };
  for (const auto& [arguments, code, message] : std::vector<Case>{
           {{"check", "two"}, 2, "there is no repository 'two'"},
           {{"add", "one", "one"}, 2, "there is a repository 'one' already"},
           {{"add", "two", "nowhere"}, 2, "'nowhere' cannot be added: No such file or directory"},
           {{"add", "two", "one/README.md"}, 2, "it is no directory"},
           {{"add", "two", "odd \xff name"}, 2, "a path must be UTF-8"},
           {{"record", "one", "party"}, 2, "party"},
           {{"nonsense"}, 2, "subcommand is required"},
           {{"--config", "bad.json", "list"}, 2, "parse error"},
           {{"--store", "mysql:x", "list"}, 2, "sqlite:PATH or postgres:CONNINFO"},
           {{"--store", "sqlite:/no/such/directory/x.db", "list"}, 3, "the directory does not exist"},
           {{"--store", "sqlite:/", "list"}, 3, "a file name is needed"},
           {{"--store", "postgres:host=/nowhere connect_timeout=1", "list"}, 3, "/nowhere"},
           {{"serve", "--listen", "nowhere"}, 2, "is no place to listen"},
           {{"serve", "--listen", "192.0.2.1:80"}, 2, "cannot listen on '192.0.2.1:80'"},
       }) {
    INFO(arguments[0]);
    const auto ending = run({[&] {
                               auto all = program.command({});
                               // An option may be given once: let the case's own replace the usual one.
                               if (arguments[0] == "--store") all.erase(all.begin() + 1, all.begin() + 3);
                               if (arguments[0] == "--config") all.erase(all.begin() + 3, all.begin() + 5);
                               all.insert(all.end(), arguments.begin(), arguments.end());
                               return all;
                             }(),
                             program.place / ".", own_environment()});
    CHECK(ending.code == code);
    CHECK_THAT(ending.output, ContainsSubstring(message));
  }
}

TEST_CASE("What scripts read is JSON", "[checks]") {
  const Program program;
  program.place.make("one");
  program.place.make("two");
  for (const auto* slug : {"one", "two"}) CHECK(program({"add", slug, slug}).succeeded());
  program.place.write("two/broken", "");
  const auto summary = json::parse(program({"summary", "--json"}).output);
  CHECK(summary["totals"]["repositories"] == 2);
  CHECK(summary["totals"]["core"] == 2);
  CHECK(summary["totals"]["from_cache"] == 0);
  CHECK(summary["repositories"][1]["failing"] == json({"snapshot", "goal", "works"}));
  const auto check = json::parse(program({"check", "two", "--json"}).output);
  CHECK(check["tier"] == "core");
  CHECK(check["cache"]["hit"] == true);
  CHECK(check["criteria"].back()["reason"] == "exit code 1");
  CHECK(json::parse(program({"list", "--json"}).output)[0]["newest_goal"] == nullptr);
}

TEST_CASE("A vanished repository spoils no summary", "[checks]") {
  const Program program;
  for (const auto* slug : {"gone", "one"}) {
    program.place.make(slug);
    CHECK(program({"add", slug, slug}).succeeded());
  }
  std::filesystem::remove_all(program.place / "gone");
  const auto summary = program({"summary", "--json"});
  CHECK(summary.succeeded());
  const auto object = json::parse(summary.output);
  CHECK(object["repositories"][0]["tier"] == "none");
  CHECK(object["repositories"][1]["tier"] == "core");
  CHECK_THAT(program({"check", "gone"}).output, ContainsSubstring("No such file or directory"));
}

TEST_CASE("The server answers with the same JSON, and each mistake with its status", "[checks]") {
  const Program program;
  program.place.make("one");
  CHECK(program({"add", "one", "one"}).succeeded());
  ServingProgram server(program);
  CHECK(server.get("/repos").object()[0]["slug"] == "one");
  const auto first = server.get("/repos/one");
  CHECK(first.status == 200);
  CHECK_THAT(first.head, ContainsSubstring("Content-Type: application/json"));
  CHECK(first.object()["cache"]["miss"] == "absent");
  CHECK(server.get("/repos/one").object()["cache"]["hit"] == true);
  CHECK(server.get("/repos/one?force_refresh=false").object()["cache"]["hit"] == true);
  CHECK(server.get("/repos/one?force_refresh=true").object()["cache"]["miss"] == "forced");
  CHECK(server.get("/summary").object()["totals"]["from_cache"] == 1);
  CHECK(server.get("/summary?max_stale=60").object()["totals"]["core"] == 1);

  CHECK(server.get("/repos/two").status == 404);
  CHECK(server.get("/repos/..%2f..%2fetc").status == 404);
  CHECK(server.get("/").status == 404);
  CHECK(server.get("/repos/one?force_refresh=maybe").status == 400);
  CHECK(server.get("/repos/one?x").status == 400);
  CHECK(server.ask("PUT /repos/one HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").status == 405);
  const auto head = server.ask("HEAD /repos/one HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  CHECK(head.status == 200);
  CHECK(head.body.empty());
  CHECK(server.ask("nonsense\r\n\r\n").status == 400);
  CHECK(server.get("/" + std::string(100'000, 'x')).status == 414);
  CHECK(server.get("/repos").status == 200);
  CHECK(server.stop() == 0);
}

TEST_CASE("A refresh is forced by the server's own users, not by other sites' pages", "[checks]") {
  const Program program;
  program.place.make("one");
  CHECK(program({"add", "one", "one"}).succeeded());
  const ServingProgram server(program, {"--host", "checks.example.org"});
  const std::string forced = "/repos/one?force_refresh=true";
  const auto port = std::to_string(server.port());
  CHECK(server.get("/repos/one").status == 200);
  struct Asked {
    std::string fields, host;
  };
  for (const auto& [fields, host] : std::vector<Asked>{{"", "localhost"},
                                                       {"", "127.0.0.1:" + port},
                                                       {"", "checks.example.org"},
                                                       {"Sec-Fetch-Site: none\r\n", "localhost"},
                                                       {"Sec-Fetch-Site: same-origin\r\n", "localhost"},
                                                       {"Origin: http://localhost:" + port + "\r\n", "localhost:" + port},
                                                       {"Origin: https://checks.example.org\r\n", "checks.example.org"}}) {
    CAPTURE(fields, host);
    CHECK(server.get(forced, fields, host).object()["cache"]["miss"] == "forced");
    CHECK(server.get("/repos/one", fields, host, "POST").object()["cache"]["miss"] == "forced");
  }
  for (const auto& [fields, host] :
       std::vector<Asked>{{"Sec-Fetch-Site: cross-site\r\n", "localhost"},
                          {"Sec-Fetch-Site: same-site\r\n", "localhost"},
                          {"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n", "localhost"},
                          {"Origin: http://evil.example\r\n", "localhost"},
                          {"Origin: null\r\n", "localhost"},
                          {"Origin: http://localhost:1\r\n", "localhost:" + port},
                          {"Origin: http://localhost.evil.example\r\n", "localhost"}}) {
    CAPTURE(fields, host);
    CHECK(server.get(forced, fields, host).status == 403);
    CHECK(server.get("/summary?force_refresh=true", fields, host).status == 403);
    CHECK(server.get("/repos/one", fields, host, "POST").status == 403);
    CHECK(server.get("/repos/one", fields, host).object()["cache"]["hit"] == true);  // to look is no harm
  }
  CHECK(server.get(forced, "", "evil.example").status == 421);
  CHECK(server.get("/repos", "", "evil.example").status == 421);
}

TEST_CASE("Slow evaluations keep nobody from the list, and end when nobody waits for them", "[checks][concurrent]") {
  const Program program;
  program.place.write("config.json", R"({"without": ["clean", "fsck"], "criteria": [{"name": "slow", "tier": "full",
    "command": ["sh", "-c", "echo run >> ../begun; while test ! -e ../gate; do sleep 0.05; done"]}]})");
  for (int i = 0; i < 6; ++i) {
    program.place.make("slow" + std::to_string(i));
    CHECK(program({"add", "slow" + std::to_string(i), "slow" + std::to_string(i)}).succeeded());
  }
  const ServingProgram server(program, {"--parallel", "4"});
  const auto lines = [&] {
    std::ifstream begun(program.place / "begun");
    return std::count(std::istreambuf_iterator<char>(begun), {}, '\n');
  };
  const auto soon = [](auto question) {
    for (int attempt = 0; attempt < 1000 && !question(); ++attempt) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return question();
  };
  std::vector<int> waiting;
  for (int i = 0; i < 6; ++i)
    waiting.push_back(server.begin("GET /repos/slow" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  CHECK(soon([&] { return lines() == 4; }));  // all workers
  CHECK(server.get("/repos").object().size() == 6);
  CHECK(server.get("/-/health").status == 200);
  // Two wait for the same one: it goes on while one of them is there.
  const int other = server.begin("GET /repos/slow5 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  for (const int connection : waiting) ::close(connection);
  CHECK(soon([&] { return lines() == 5; }));  // the gate is closed still: four have ended, one was not begun
  program.place.write("gate", "");
  CHECK(ServingProgram::read_answer(other).object()["slug"] == "slow5");
  ::close(other);
  CHECK(lines() == 5);
  CHECK(server.get("/repos/slow0").object()["cache"]["miss"] == "absent");  // what was ended has left nothing
}

TEST_CASE("Many clients at once evaluate once", "[checks][concurrent]") {
  const Program program;
  program.place.make("one");
  program.place.write("config.json", R"({"without": ["clean", "fsck"], "criteria": [{"name": "slow", "tier": "full",
    "command": ["sh", "-c", "echo run >> ../runs; sleep 0.5"]}]})");
  CHECK(program({"add", "one", "one"}).succeeded());
  const ServingProgram server(program);
  std::vector<int> statuses(4);
  {
    std::vector<std::jthread> clients;
    for (auto& status : statuses) clients.emplace_back([&] { status = server.get("/repos/one").status; });
  }
  CHECK(statuses == std::vector<int>(4, 200));
  std::ifstream runs(program.place / "runs");
  CHECK(std::string(std::istreambuf_iterator<char>(runs), {}) == "run\n");
}

TEST_CASE("What a command has started ends with the server, also by kill -9", "[checks]") {
  const Program program;
  program.place.make("one");
  const json line = detached(program.place / "pid") + "sleep 100";
  program.place.write("config.json", R"({"without": ["clean", "fsck"], "criteria": [{"name": "slow", "tier": "full",
    "command": ["sh", "-c", )" + line.dump() +
                                         "]}]}");
  CHECK(program({"add", "one", "one"}).succeeded());
  for (const int signal : {SIGTERM, SIGKILL}) {
    for (const auto* file : {"pid", "serve.log"}) std::filesystem::remove(program.place / file);
    ServingProgram server(program);
    const int waiting = server.begin("GET /repos/one HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto pid = pid_in(program.place / "pid");
    REQUIRE(pid > 0);
    CHECK(server.stop(signal) == (signal == SIGKILL ? -SIGKILL : 0));
    CHECK(is_gone(pid));
    ::close(waiting);
  }
}

TEST_CASE("Ctrl-C ends a summary at once, with the commands that it runs", "[checks]") {
  const Program program;
  program.place.make("one");
  program.place.write("config.json", R"({"criteria": [{"name": "slow", "tier": "core", "command":
    ["sh", "-c", "touch ../started; sleep 100"], "timeout_seconds": 100}]})");
  CHECK(program({"add", "one", "one"}).succeeded());
  std::jthread impatient([&] {
    while (!std::filesystem::exists(program.place / "started")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    // The program is the child of its keeper, and that is ours.
    const auto child_of = [](pid_t process) {
      const auto id = std::to_string(process);
      pid_t child = 0;
      std::ifstream("/proc/" + id + "/task/" + id + "/children") >> child;
      return child;
    };
    if (const auto child = child_of(child_of(::getpid())); child > 0) ::kill(child, SIGINT);
  });
  const auto start = std::chrono::steady_clock::now();
  const auto ending = program({"summary"});
  CHECK(ending.code == 130);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

}  // namespace program_tests
