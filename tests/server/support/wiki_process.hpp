// The wiki program as a process.
#pragma once

#include "support/eventually.hpp"
#include "support/http_client.hpp"
#include "support/temporary_directory.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache::test {

/// Root may read every file, whatever its mode; `ordinary` takes that away.
enum class Rights { own, ordinary };

/// A run of the program. It ends with the object, and with the test that is killed.
class WikiProcess {
 public:
  /// `descriptors`: the most that it may have, 0 for as many as this process.
  explicit WikiProcess(const std::vector<std::string>& arguments, Rights rights = Rights::own, rlim_t descriptors = 0) {
    std::vector<std::string> command{RENDER_CACHE_WIKI};
    command.insert(command.end(), arguments.begin(), arguments.end());
    std::vector<char*> raw;
    for (auto& argument : command) raw.push_back(argument.data());
    raw.push_back(nullptr);
    const auto out = (files_ / "out").string(), errors = (files_ / "errors").string();
    process_ = ::fork();
    if (process_ < 0) throw std::runtime_error("fork failed");
    if (process_ > 0) return;
    // In the child nothing but system calls.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (rights == Rights::ordinary) {
      ::prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE);
      ::prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH);
    }
    if (descriptors > 0) {
      const ::rlimit limit{descriptors, descriptors};
      ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
    ::dup2(::open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    ::execv(raw.front(), raw.data());
    ::_exit(127);
  }
  ~WikiProcess() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  WikiProcess(const WikiProcess&) = delete;
  WikiProcess& operator=(const WikiProcess&) = delete;

  void signal(int number) const { ::kill(process_, number); }
  [[nodiscard]] pid_t id() const noexcept { return process_; }

  /// Waits for the end: the exit code, or minus the signal that ended it.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(process_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  [[nodiscard]] bool has_ended() {
    if (process_ > 0 && ::waitpid(process_, nullptr, WNOHANG) == process_) process_ = 0;
    return process_ == 0;
  }

  [[nodiscard]] std::string out() const { return read("out"); }
  [[nodiscard]] std::string errors() const { return read("errors"); }

 private:
  [[nodiscard]] std::string read(std::string_view name) const {
    std::ostringstream text;
    text << std::ifstream(files_ / name).rdbuf();
    return text.str();
  }

  TemporaryDirectory files_;
  pid_t process_ = 0;
};

/// `wiki serve` on a free port, ready to be asked.
class WikiServer {
 public:
  /// `arguments` beside --listen: --root, --store, ...
  explicit WikiServer(std::vector<std::string> arguments, Rights rights = Rights::own, rlim_t descriptors = 0)
      : process_(complete(std::move(arguments)), rights, descriptors) {
    const bool ready = eventually([&] { return process_.has_ended() || process_.out().find("/ (") != std::string::npos; });
    const auto out = process_.out();
    const auto host = out.find("http://"), port = out.find(':', host + 7);
    if (!ready || host == out.npos) throw std::runtime_error("the server does not start: " + out + process_.errors());
    port_ = static_cast<std::uint16_t>(std::stoul(out.substr(port + 1)));
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  WikiProcess& process() noexcept { return process_; }
  [[nodiscard]] const WikiProcess& process() const noexcept { return process_; }

  HttpReply get(std::string_view target, const HttpFields& fields = {}, std::string_view method = "GET") const {
    return http_get(port_, target, fields, method);
  }
  /// What Cache-Status says of the page, and of the response around it.
  [[nodiscard]] std::string cache_status(std::string_view target) const { return statuses(target).first; }
  [[nodiscard]] std::string response_status(std::string_view target) const { return statuses(target).second; }
  [[nodiscard]] nlohmann::json stats() const { return nlohmann::json::parse(get("/-/stats").body); }

  /// What the process has in memory now.
  [[nodiscard]] std::size_t resident_bytes() const {
    std::ifstream statm("/proc/" + std::to_string(process_.id()) + "/statm");
    std::size_t total = 0, resident = 0;
    statm >> total >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  }

  /// As Ctrl-C does; returns the exit code.
  int stop() {
    process_.signal(SIGINT);
    return process_.wait();
  }

 private:
  [[nodiscard]] std::pair<std::string, std::string> statuses(std::string_view target) const {
    const auto field = get(target).field("cache-status");
    const auto response = field.find("responses; ");
    const auto page = field.substr(0, response);
    return {page.substr(0, page.find(", ")), response == field.npos ? std::string() : field.substr(response)};
  }

  static std::vector<std::string> complete(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "serve");
    if (std::ranges::find(arguments, "--listen") == arguments.end())
      arguments.insert(arguments.end(), {"--listen", "127.0.0.1:0"});
    return arguments;
  }

  WikiProcess process_;
  std::uint16_t port_ = 0;
};

/// A run to the end. One that fails says why beside what the test says.
struct WikiRun {
  int code;
  std::string out, errors;
};
inline WikiRun run_wiki(const std::vector<std::string>& arguments) {
  WikiProcess process(arguments);
  const int code = process.wait();
  const auto errors = process.errors();
  if (code != 0) std::cerr << errors;
  return {code, process.out(), errors};
}

}  // namespace render_cache::test
