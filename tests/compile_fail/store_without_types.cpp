// expect: a store names its types: add `using key_type = ...
#include <render_cache/cache.hpp>

#include "good_parts.hpp"

struct Store {
  render_cache::Lookup<good::Value> lookup(const good::Key&, const render_cache::Fingerprint&);
};

void program(Store& store) { render_cache::RenderCache cache(good::Renderer{}, good::Hasher{}, store); }
