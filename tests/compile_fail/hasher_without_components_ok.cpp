#include <render_cache/cache.hpp>

#include "good_parts.hpp"

using Renderer = good::Renderer;
struct Hasher {
  render_cache::Fingerprint components(const std::string&) const;
};

void program(good::Store& store, const std::string& source) {
  render_cache::RenderCache cache(Renderer{}, Hasher{}, store);
  cache.get({"docs", "a.md"}, source);
}
