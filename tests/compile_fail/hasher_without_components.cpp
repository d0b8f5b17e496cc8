// expect: add `Fingerprint components(const Source&) const` to the hasher
#include <render_cache/cache.hpp>

#include "good_parts.hpp"

using Renderer = good::Renderer;
struct Hasher {
  std::string digest(std::string_view) const;
};

void program(good::Store& store, const std::string& source) {
  render_cache::RenderCache cache(Renderer{}, Hasher{}, store);
  cache.get({"docs", "a.md"}, source);
}
