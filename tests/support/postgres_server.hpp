// A PostgreSQL server of a test's own, which it may stop, kill and start again: in a temporary directory, on a Unix socket.
#pragma once

#include <pqxx/pqxx>

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace render_cache::test {

/// Not thread-safe. The server ends with the object, and with the process if that is killed.
class PostgresServer {
 public:
  /// `settings` are lines of postgresql.conf, such as `log_statement = all`.
  explicit PostgresServer(std::initializer_list<std::string> settings = {}) {
    std::string path = (std::filesystem::temp_directory_path() / "render_cache_XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary directory can be made at " + path);
    directory_ = path;
    if (geteuid() == 0) {  // the server and initdb refuse to run as root
      const passwd* user = getpwnam("postgres");
      if (user == nullptr) user = getpwnam("nobody");
      if (user == nullptr || chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) {
        throw std::runtime_error("there is no user 'postgres' or 'nobody' to run the server as");
      }
      user_ = user->pw_uid;
      group_ = user->pw_gid;
    }
    const auto initdb = run({"initdb", "--pgdata=" + data(), "--username=render_cache", "--auth=trust", "--encoding=UTF8",
                             "--locale=C", "--no-sync"});
    if (wait_for(initdb) != 0) throw std::runtime_error("initdb failed: " + log());
    std::ofstream configuration(data() + "/postgresql.conf", std::ios::app);
    configuration << "listen_addresses = ''\nunix_socket_directories = '" << directory_ << "'\nfsync = off\n"
                  << "shared_buffers = 16MB\nmax_connections = 40\n";
    for (const auto& setting : settings) configuration << setting << '\n';
    configuration.close();
    start();
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer() {
    stop(SIGQUIT);
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  [[nodiscard]] std::string conninfo() const { return "host=" + directory_ + " user=render_cache dbname=postgres"; }

  /// Its socket.
  [[nodiscard]] std::string socket() const { return directory_ + "/.s.PGSQL.5432"; }

  /// Returns when the server answers.
  void start() {
    if (running()) return;
    server_ = run({"postgres", "-D", data()});
    for (int attempt = 0; attempt < 600; ++attempt) {
      try {
        pqxx::connection probe(conninfo());
        return;
      } catch (const pqxx::broken_connection&) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    }
    throw std::runtime_error("the PostgreSQL server does not start: " + log());
  }

  /// SIGINT ends its sessions and stops; SIGQUIT is a crash, without any goodbye to the clients.
  void stop(int signal = SIGINT) noexcept {
    if (!running()) return;
    thaw();
    kill(server_, signal);
    wait_for(std::exchange(server_, 0));
  }

  /// The server takes no new sessions until it is thawed; those that it has go on.
  void freeze() noexcept { kill(server_, SIGSTOP); }
  void thaw() noexcept { kill(server_, SIGCONT); }

  [[nodiscard]] bool running() const noexcept { return server_ > 0; }

  /// What the server has written to its log.
  [[nodiscard]] std::string log() const {
    std::ostringstream text;
    text << std::ifstream(directory_ + "/log").rdbuf();
    return text.str();
  }

 private:
  [[nodiscard]] std::string data() const { return directory_ + "/data"; }

  /// Debian keeps a version's programs in a directory of their own, outside PATH.
  static std::string program(const std::string& name) {
    std::string newest;
    std::error_code none;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", none)) {
      const auto path = (version.path() / "bin" / name).string();
      if (std::filesystem::exists(path) && path > newest) newest = path;
    }
    return newest.empty() ? name : newest;
  }

  pid_t run(std::vector<std::string> command) const {
    command.front() = program(command.front());
    const auto log_path = directory_ + "/log";
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

  static int wait_for(pid_t child) noexcept {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string directory_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  pid_t server_ = 0;
};

}  // namespace render_cache::test
