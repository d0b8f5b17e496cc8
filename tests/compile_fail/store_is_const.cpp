// expect: the store is const, but to look up and to publish changes it
#include <render_cache/cache.hpp>

#include "good_parts.hpp"

void program(const good::Store& store) { render_cache::RenderCache cache(good::Renderer{}, good::Hasher{}, store); }
