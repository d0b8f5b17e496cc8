// Included before all else where include/ is a mutated copy: which mutant is on, and which are reached.
#pragma once

#if __cplusplus >= 202002L  // else CMake tries the compiler

#include <fcntl.h>
#include <sys/mman.h>

#include <cstdlib>
#include <functional>
#include <type_traits>
#include <utility>

namespace mutate {

inline const int active = [] {
  const char* id = std::getenv("RENDER_CACHE_MUTANT");
  return id == nullptr ? -1 : std::atoi(id);
}();

/// One byte for each mutant, in a file, so that what child processes reach counts too; null unless it is asked for.
inline unsigned char* const reached = []() -> unsigned char* {
  const char* file = std::getenv("RENDER_CACHE_MUTANTS_REACHED");
  if (file == nullptr) return nullptr;
  void* bytes = mmap(nullptr, RENDER_CACHE_MUTANTS, PROT_READ | PROT_WRITE, MAP_SHARED, open(file, O_RDWR | O_CLOEXEC), 0);
  if (bytes == MAP_FAILED) std::abort();
  return static_cast<unsigned char*>(bytes);
}();

/// Whether that mutant is on. In a constant expression none is.
constexpr bool on(int id) {
  if (std::is_constant_evaluated()) return false;
  if (reached != nullptr) reached[id] = 1;
  return active == id;
}

template <class Comparison, class Other, class A, class B>
constexpr bool compare(int id, A&& a, B&& b) {
  if (on(id)) return static_cast<bool>(Other{}(std::forward<A>(a), std::forward<B>(b)));
  return static_cast<bool>(Comparison{}(std::forward<A>(a), std::forward<B>(b)));
}

}  // namespace mutate

#endif
