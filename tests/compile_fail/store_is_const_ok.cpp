#include <render_cache/cache.hpp>

#include "good_parts.hpp"

void program(good::Store& store) { render_cache::RenderCache cache(good::Renderer{}, good::Hasher{}, store); }
