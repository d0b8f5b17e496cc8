// Processes that work on one database, and what they share.
#pragma once

#include "support/wait_until.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>
#include <utility>

namespace render_cache::test {

/// An object, of atomics, that all processes see which are forked after it was made.
template <class T>
class Shared {
 public:
  Shared() {
    void* const place = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) throw std::bad_alloc();
    object_ = new (place) T();
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() { ::munmap(object_, sizeof(T)); }
  T* operator->() const noexcept { return object_; }
  T* get() const noexcept { return object_; }

 private:
  T* object_;
};

/// A node: `work()` in a process of its own, forked while the test has no other threads. It ends with the object.
class Node {
 public:
  template <class Work>
  explicit Node(Work work) : process_(::fork()) {
    if (process_ < 0) throw std::runtime_error("fork failed");
    if (process_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int code = 1;
    try {
      work();
      code = 0;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "a node: %s\n", error.what());
    }
    ::_exit(code);
  }
  Node(Node&& other) noexcept : process_(std::exchange(other.process_, 0)) {}
  Node& operator=(Node&&) = delete;
  ~Node() {
    if (process_ <= 0) return;
    send(SIGKILL);
    ended_well();
  }

  void send(int signal) const { ::kill(process_, signal); }

  /// Waits until it has been stopped.
  void wait_until_stopped() {
    int status = 0;
    ::waitpid(process_, &status, WUNTRACED);
    if (!WIFSTOPPED(status)) {
      process_ = 0;
      throw std::runtime_error("a node ended that should have stopped");
    }
  }

  /// Waits for its end.
  bool ended_well() {
    int status = 0;
    ::waitpid(std::exchange(process_, 0), &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  ::pid_t process_;
};

}  // namespace render_cache::test
