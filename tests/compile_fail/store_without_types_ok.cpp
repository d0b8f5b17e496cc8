#include <render_cache/cache.hpp>

#include "good_parts.hpp"

struct Store : good::Store {};

void program(Store& store) { render_cache::RenderCache cache(good::Renderer{}, good::Hasher{}, store); }
