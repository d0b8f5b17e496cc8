// expect: the store must outlive the cache: make it a variable of its own, and pass that
#include <render_cache/cache.hpp>

#include "good_parts.hpp"

void program() { render_cache::RenderCache cache(good::Renderer{}, good::Hasher{}, good::Store{}); }
