// Processes that a command has started, known by the pid that they leave in a file.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace repo_checks::test {

/// The pid in the file, once it is there.
inline pid_t pid_in(const std::filesystem::path& file) {
  pid_t pid = 0;
  for (int attempt = 0; pid == 0 && attempt < 500; ++attempt) {
    std::ifstream(file) >> pid;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return pid;
}

/// Killed, which takes the kernel a moment; a zombie that its new parent has not looked at yet counts.
inline bool is_gone(pid_t pid) {
  for (int attempt = 0; pid > 0 && attempt < 500; ++attempt) {
    if (::kill(pid, 0) != 0) return true;
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string number, name, state;
    stat >> number >> name >> state;
    if (state == "Z") return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

/// A line of shell that starts a process in a session of its own, which nobody waits for, and goes on once that has left its pid in
/// the file.
inline std::string detached(const std::filesystem::path& file) {
  const auto name = "'" + file.string() + "'";
  return "setsid sh -c 'setsid sh -c \"echo \\$\\$ >\"" + name + "\"; exec sleep 100\" &' >/dev/null 2>&1 </dev/null; " +
         "while test ! -s " + name + "; do sleep 0.01; done; ";
}

}  // namespace repo_checks::test
