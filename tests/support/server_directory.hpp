// Programs that refuse to run as root, such as database servers: in a temporary directory, as a user of their own.
#pragma once

#include <pqxx/pqxx>

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace render_cache::test {

/// A directory that goes with the object, and the programs that are run in it. Not thread-safe.
class ServerDirectory {
 public:
  ServerDirectory() {
    std::string path = (std::filesystem::temp_directory_path() / "render_cache_XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary directory can be made at " + path);
    path_ = path;
    if (geteuid() != 0) return;
    const passwd* user = getpwnam("postgres");
    if (user == nullptr) user = getpwnam("nobody");
    if (user == nullptr || chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) {
      throw std::runtime_error("there is no user 'postgres' or 'nobody' to run the server as");
    }
    user_ = user->pw_uid;
    group_ = user->pw_gid;
  }
  ServerDirectory(const ServerDirectory&) = delete;
  ServerDirectory& operator=(const ServerDirectory&) = delete;
  ~ServerDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// What the programs have written to their log.
  [[nodiscard]] std::string log() const {
    std::ostringstream text;
    text << std::ifstream(path_ + "/log").rdbuf();
    return text.str();
  }

  /// Starts a program, which ends with this process; returns its id.
  pid_t run(std::vector<std::string> command) const {
    const auto log_path = path_ + "/log";
    std::vector<char*> arguments;
    for (auto& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("fork failed");
    if (child > 0) return child;
    // In the child nothing but system calls: other threads may have held locks when it was forked.
    if (user_ != 0 && (setgid(group_) != 0 || setuid(user_) != 0)) _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGQUIT);  // after setuid, which clears it
    const int output = open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execvp(arguments.front(), arguments.data());
    _exit(127);
  }

  /// Returns when the server that runs in it can be connected to.
  void wait_until_it_answers(const std::string& conninfo) const {
    for (int attempt = 0; attempt < 600; ++attempt) {
      try {
        pqxx::connection probe(conninfo);
        return;
      } catch (const pqxx::broken_connection&) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    }
    throw std::runtime_error("the server does not start: " + log());
  }

  /// Its exit code; -1 if it was killed.
  static int wait_for(pid_t child) noexcept {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  std::string path_;
  uid_t user_ = 0;
  gid_t group_ = 0;
};

}  // namespace render_cache::test
