// The umbrella: all that needs no third party but Boost's headers. Databases, Markdown and hash libraries have their own
// headers in store/, renderer/ and hasher/.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/cache.hpp>
#include <render_cache/version.hpp>
#include <render_cache/wiki.hpp>
