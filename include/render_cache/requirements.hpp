// What the library asks of the compiler, and how it tells a mistake in a user's program: by one sentence that says what to do.
// Each header includes this one before anything that an older compiler would stumble over.
#pragma once

#if defined(__clang__)
#if __clang_major__ < 16
#error "render_cache needs Clang 16 or newer, or GCC 12 or newer: choose another compiler (CMAKE_CXX_COMPILER)"
#define RENDER_CACHE_DETAIL_REFUSED
#endif
#elif defined(__GNUC__) && __GNUC__ < 12
#error "render_cache needs GCC 12 or newer, or Clang 16 or newer: choose another compiler (CMAKE_CXX_COMPILER)"
#define RENDER_CACHE_DETAIL_REFUSED
#endif

#if !defined(RENDER_CACHE_DETAIL_REFUSED) && __cplusplus < 202002L
#error "render_cache needs C++20: compile with -std=c++20 (CMake: target_compile_features(... cxx_std_20))"
#define RENDER_CACHE_DETAIL_REFUSED
#endif

#ifdef RENDER_CACHE_DETAIL_REFUSED
// An #error does not stop a compiler, and hundreds of others would follow; a file that is not there does.
#include <render_cache/see_the_error_above>
#endif

#include <cstddef>

namespace render_cache::detail {

template <std::size_t n>
struct Sentence {
  char text[n];
  consteval Sentence(const char (&words)[n]) {
    for (std::size_t i = 0; i < n; ++i) text[i] = words[i];
  }
};

}  // namespace render_cache::detail

/// Stops the compiler with a sentence, which comes before all else that it has to say; for a branch of a template's `if constexpr`.
/// Clang puts an assertion's text first. GCC begins with the innermost template and its arguments, then lists every template around
/// it, and only then gives the text: so the sentence is such an argument, too. No quotation marks in it, for GCC escapes them.
#define RENDER_CACHE_MISTAKE(sentence)                \
  []<::render_cache::detail::Sentence what_to_do>() { \
    static_assert(sizeof(what_to_do) == 0, sentence); \
  }.template operator()<sentence>()
