// Tells a child of fork() that it is one.
#pragma once

#include <render_cache/requirements.hpp>

#include <sys/mman.h>
#include <unistd.h>

namespace render_cache::detail {

/// A page that the kernel wipes in the child (madvise(2), MADV_WIPEONFORK): asking costs a load, where getpid() costs a
/// system call on each hit. Where the kernel is too old for it, getpid() is asked.
class ForkGuard {
 public:
  ForkGuard() : process_(::getpid()) {
    void* page = ::mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return;
    if (::madvise(page, 1, MADV_WIPEONFORK) == 0) {
      alive_ = static_cast<volatile char*>(page);
      *alive_ = 1;
    } else {
      ::munmap(page, 1);
    }
  }
  ForkGuard(const ForkGuard&) = delete;
  ForkGuard& operator=(const ForkGuard&) = delete;
  ~ForkGuard() {
    if (alive_ != nullptr) ::munmap(const_cast<char*>(alive_), 1);
  }

  [[nodiscard]] bool in_child() const noexcept { return alive_ != nullptr ? *alive_ == 0 : ::getpid() != process_; }

 private:
  ::pid_t process_;
  volatile char* alive_ = nullptr;
};

}  // namespace render_cache::detail
