// The umbrella: all that needs no third party but Boost's headers, which is the cache, memory, the two tiers and files. Databases,
// Markdown and hash libraries have their own headers in store/, renderer/ and hasher/.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/cache.hpp>
#include <render_cache/hasher/file.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/store/tiered.hpp>
#include <render_cache/version.hpp>
#include <render_cache/wiki.hpp>
