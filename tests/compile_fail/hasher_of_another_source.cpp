// expect: the hasher takes another type of source: pass that, or choose a hasher of this one
#include <render_cache/cache.hpp>

#include "good_parts.hpp"

using Renderer = good::Renderer;
struct Hasher {
  render_cache::Fingerprint components(const good::Value&) const;
};

void program(good::Store& store, const std::string& source) {
  render_cache::RenderCache cache(Renderer{}, Hasher{}, store);
  cache.get({"docs", "a.md"}, source);
}
