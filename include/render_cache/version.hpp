// The version of the library. CMake reads it from here; nothing else states it.
#pragma once

#include <render_cache/requirements.hpp>

#include <string_view>

#define RENDER_CACHE_VERSION_MAJOR 0
#define RENDER_CACHE_VERSION_MINOR 1
#define RENDER_CACHE_VERSION_PATCH 0

#define RENDER_CACHE_DETAIL_TEXT_OF(tokens) #tokens
#define RENDER_CACHE_DETAIL_TEXT(macro) RENDER_CACHE_DETAIL_TEXT_OF(macro)

namespace render_cache {

// A function: every variable `version` would shadow a constant of this name.
/// The version as text, such as "0.1.0".
constexpr std::string_view version() noexcept {
  return RENDER_CACHE_DETAIL_TEXT(RENDER_CACHE_VERSION_MAJOR) "." RENDER_CACHE_DETAIL_TEXT(
      RENDER_CACHE_VERSION_MINOR) "." RENDER_CACHE_DETAIL_TEXT(RENDER_CACHE_VERSION_PATCH);
}

}  // namespace render_cache
