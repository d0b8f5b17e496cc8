#include "subprocess.hpp"

#include "checks/own_environment.hpp"
#include "checks/processes.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace subprocess_tests {

using namespace repo_checks;
using namespace repo_checks::test;
using namespace std::chrono_literals;
using Kind = Ending::Kind;

namespace {

Command shell(const std::string& line) {
  return {.arguments = {"sh", "-c", line}, .directory = "/", .environment = own_environment(), .timeout = 20s};
}

}  // namespace

TEST_CASE("A command's exit code and all it printed are told", "[checks]") {
  const auto ending = run(shell("echo out; echo err >&2; exit 3"));
  CHECK(ending.kind == Kind::exited);
  CHECK(ending.code == 3);
  CHECK_FALSE(ending.succeeded());
  CHECK(ending.output == "out\nerr\n");
  CHECK(describe(ending, shell("")) == "exit code 3");
  CHECK(run(shell("exit 0")).succeeded());
}

TEST_CASE("A command that hangs is killed at its timeout, with all it has started", "[checks]") {
  const render_cache::test::TemporaryDirectory directory;
  auto command = shell("sleep 100 & echo $! > " + (directory / "pid").string() + "; sleep 100");
  command.timeout = 300ms;
  const auto start = std::chrono::steady_clock::now();
  const auto ending = run(command);
  CHECK(ending.kind == Kind::timed_out);
  CHECK(std::chrono::steady_clock::now() - start < 10s);
  CHECK(ending.duration >= 300ms);
  CHECK(describe(ending, command) == "not done after 300 ms, and killed");
  CHECK(is_gone(pid_in(directory / "pid")));
}

TEST_CASE("A command that prints megabytes is stopped at its limit", "[checks]") {
  auto command = shell("exec cat /dev/zero");
  command.output_limit = 100'000;
  const auto ending = run(command);
  CHECK(ending.kind == Kind::too_much_output);
  CHECK(ending.output.size() == 100'000);
  CHECK(describe(ending, command) == "printed more than 100000 bytes, and was stopped there");
}

TEST_CASE("A command that printed too much fails although it ended well", "[checks]") {
  auto command = shell("head -c 2000 /dev/zero");
  command.output_limit = 1999;
  CHECK(run(command).kind == Kind::too_much_output);
  command.output_limit = 2000;
  CHECK(run(command).succeeded());
}

TEST_CASE("A command that dies by a signal is told with the signal's name", "[checks]") {
  const auto command = shell("kill -SEGV $$");
  const auto ending = run(command);
  CHECK(ending.kind == Kind::signalled);
  CHECK(describe(ending, command) == "killed by signal 11 (Segmentation fault)");
}

TEST_CASE("A command that is not there or cannot be executed is told with the reason", "[checks]") {
  const render_cache::test::TemporaryDirectory directory;
  const auto reason = [&](const std::string& program) {
    Command command{.arguments = {program}, .directory = directory.path(), .environment = own_environment()};
    const auto ending = run(command);
    CHECK(ending.kind == Kind::not_started);
    return describe(ending, command);
  };
  CHECK(reason("no-such-program") == "'no-such-program' cannot be started: No such file or directory");
  directory.write("text", "no program");
  CHECK(reason("./text") == "'./text' cannot be started: Permission denied");
  CHECK_THAT(reason(""), ContainsSubstring("cannot be started"));
  CHECK(run({}).kind == Kind::not_started);
}

TEST_CASE("Nobody waits for a grandchild that keeps the output open, and it is killed", "[checks]") {
  const render_cache::test::TemporaryDirectory directory;
  const auto start = std::chrono::steady_clock::now();
  const auto ending = run(shell("sleep 100 & echo $! > " + (directory / "pid").string() + "; echo done"));
  CHECK(ending.succeeded());
  CHECK(ending.output == "done\n");
  CHECK(std::chrono::steady_clock::now() - start < 10s);
  CHECK(is_gone(pid_in(directory / "pid")));
}

TEST_CASE("What a command has sent into sessions of their own is killed with it", "[checks]") {
  const render_cache::test::TemporaryDirectory directory;
  auto command = shell(detached(directory / "ends") + "echo done");
  CHECK(run(command).output == "done\n");
  CHECK(is_gone(pid_in(directory / "ends")));

  command = shell(detached(directory / "hangs") + "sleep 100");
  command.timeout = 2s;
  CHECK(run(command).kind == Kind::timed_out);
  CHECK(is_gone(pid_in(directory / "hangs")));

  std::string crowd;
  for (int i = 0; i < 20; ++i) crowd += detached(directory / std::to_string(i));
  CHECK(run(shell(crowd)).succeeded());
  for (int i = 0; i < 20; ++i) CHECK(is_gone(pid_in(directory / std::to_string(i))));
}

TEST_CASE("A command whose keeper is killed counts as killed", "[checks]") {
  CHECK(describe(run(shell("kill -KILL $PPID; sleep 0.1")), shell("")) == "killed by signal 9 (Killed)");
}

TEST_CASE("A command that closes its output and goes on is waited for", "[checks]") {
  const auto ending = run(shell("exec >&- 2>&-; sleep 0.2; exit 4"));
  CHECK(ending.code == 4);
  CHECK(ending.duration >= 200ms);
}

TEST_CASE("A command has no stdin, no terminal, and none of the program's files", "[checks]") {
  REQUIRE(::dup2(STDERR_FILENO, 77) == 77);  // open, and not closed by itself when another program starts
  const auto ending = run(shell("cat; ls /proc/self/fd | tr '\\n' ' '"));
  ::close(77);
  CHECK(ending.succeeded());
  CHECK_THAT(ending.output, Catch::Matchers::StartsWith("0 1 2 ") && !ContainsSubstring("77"));
}

TEST_CASE("A running command is killed soon after it is asked to stop", "[checks][concurrent]") {
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(100ms);
    stop.request_stop();
  });
  const auto ending = run(shell("sleep 100"), stop.get_token());
  CHECK(ending.kind == Kind::stopped);
  CHECK(ending.duration < 10s);
}

TEST_CASE("Commands on many threads do not get into each other's way", "[checks][concurrent]") {
  std::vector<std::jthread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 5; ++round) {
        const auto ending = run(shell("echo " + std::to_string(i)));
        right += ending.succeeded() && ending.output == std::to_string(i) + "\n" ? 1 : 0;
      }
    });
  }
  threads.clear();
  CHECK(right == 40);
}

TEST_CASE("An environment has the variables that are named and those that are added, and no other", "[checks]") {
  ::setenv("CHECKS_PASSWORD", "secret", 1);
  ::setenv("CHECKS_A", "old", 1);
  ::setenv("CHECKS_B", "kept", 1);
  const Command command{.arguments = {"env"},
                        .directory = "/",
                        .environment = environment_of({"PATH", "CHECKS_A", "CHECKS_B"}, {"CHECKS_A=new", "X=y"})};
  const auto output = run(command).output;
  CHECK_THAT(output, ContainsSubstring("CHECKS_A=new\n") && ContainsSubstring("CHECKS_B=kept\n") && ContainsSubstring("X=y\n"));
  CHECK_THAT(output, !ContainsSubstring("secret") && !ContainsSubstring("old"));
}

}  // namespace subprocess_tests
