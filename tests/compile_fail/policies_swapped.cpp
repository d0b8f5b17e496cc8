// expect: the policies come in another order: RenderCache(renderer, hasher, store)
#include <render_cache/cache.hpp>

#include "good_parts.hpp"

void program(good::Store& store) { render_cache::RenderCache cache(good::Hasher{}, good::Renderer{}, store); }
