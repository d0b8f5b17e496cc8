// Counts what the whole program allocates, C's libraries too. Include it in one file of a program.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RENDER_CACHE_TEST_ADDRESS_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define RENDER_CACHE_TEST_ADDRESS_SANITIZER
#endif

namespace render_cache::test {

/// Since the last `start`, on the thread that called it.
struct Allocations {
  inline static thread_local bool counts = false;
  inline static thread_local std::size_t count = 0, now = 0, peak = 0;

  static void start() noexcept {
    count = now = peak = 0;
    counts = true;
  }
  static void stop() noexcept { counts = false; }

  static void add(std::size_t bytes) noexcept {
    if (!counts) return;
    ++count;
    now += bytes;
    peak = std::max(peak, now);
  }
  // What was there before the start does not count.
  static void remove(std::size_t bytes) noexcept {
    if (counts) now -= std::min(bytes, now);
  }
};

}  // namespace render_cache::test

#ifdef RENDER_CACHE_TEST_ADDRESS_SANITIZER

extern "C" {
int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, std::size_t), void (*)(const volatile void*));
std::size_t __sanitizer_get_allocated_size(const volatile void*);
}

namespace render_cache::test {
inline const int hooks = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t bytes) { Allocations::add(bytes); },
    [](const volatile void* block) { Allocations::remove(block == nullptr ? 0 : __sanitizer_get_allocated_size(block)); });
}  // namespace render_cache::test

#else

#include <malloc.h>

// glibc's own names for what is replaced here.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void __libc_free(void*);

void* malloc(std::size_t bytes) {
  void* const block = __libc_malloc(bytes);
  render_cache::test::Allocations::add(malloc_usable_size(block));
  return block;
}
void* calloc(std::size_t count, std::size_t bytes) {
  void* const block = __libc_calloc(count, bytes);
  render_cache::test::Allocations::add(malloc_usable_size(block));
  return block;
}
void* realloc(void* old, std::size_t bytes) {  // which moves what is large, and copies what is small
  render_cache::test::Allocations::remove(malloc_usable_size(old));
  void* const block = __libc_realloc(old, bytes);
  render_cache::test::Allocations::add(malloc_usable_size(block));
  return block;
}
void free(void* block) {
  render_cache::test::Allocations::remove(malloc_usable_size(block));
  __libc_free(block);
}
}

#endif
