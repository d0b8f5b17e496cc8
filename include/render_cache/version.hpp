// The version of the library. CMake reads it from here; nothing else states it.
#pragma once

#include <string_view>

#define RENDER_CACHE_VERSION_MAJOR 0
#define RENDER_CACHE_VERSION_MINOR 1
#define RENDER_CACHE_VERSION_PATCH 0

#define RENDER_CACHE_DETAIL_TEXT_OF(number) #number
#define RENDER_CACHE_DETAIL_TEXT(number) RENDER_CACHE_DETAIL_TEXT_OF(number)

namespace render_cache {

/// The version as text, such as "0.1.0".
inline constexpr std::string_view version = RENDER_CACHE_DETAIL_TEXT(RENDER_CACHE_VERSION_MAJOR) "." RENDER_CACHE_DETAIL_TEXT(
    RENDER_CACHE_VERSION_MINOR) "." RENDER_CACHE_DETAIL_TEXT(RENDER_CACHE_VERSION_PATCH);

}  // namespace render_cache

#undef RENDER_CACHE_DETAIL_TEXT
#undef RENDER_CACHE_DETAIL_TEXT_OF
