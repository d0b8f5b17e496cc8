// What a source must be for a render to outlive the call that started it.
#pragma once

#include <render_cache/requirements.hpp>

#include <concepts>
#include <string>
#include <type_traits>

namespace render_cache {

/// Whether a copy of a source stays good when the call that it was given to has returned: it owns what it refers to, or that lives
/// as long as the cache. A call with options needs it, for limits and older answers let the render go on without the caller, on a
/// copy. What a type refers to cannot be seen from outside, so it is said for each:
///
///     template <> inline constexpr bool render_cache::outlives_call<MySource> = true;
template <class Source>
inline constexpr bool outlives_call = std::is_arithmetic_v<Source> || std::is_enum_v<Source>;
template <class Char, class Traits, class Allocator>
inline constexpr bool outlives_call<std::basic_string<Char, Traits, Allocator>> = true;

/// Says in words what a source lacks for a call with options.
template <class Source>
consteval bool check_outlives_call() {
  if constexpr (!outlives_call<Source>) {
    RENDER_CACHE_MISTAKE(
        "a render may outlive a call with options: call without, or say that a copy of the source owns what it refers to by "
        "specialising render_cache::outlives_call");
  } else if constexpr (!std::copy_constructible<Source>) {
    RENDER_CACHE_MISTAKE("a render may outlive a call with options, on a copy of the source: make it copy constructible");
  }
  return true;
}

}  // namespace render_cache
