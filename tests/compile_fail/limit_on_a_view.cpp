// expect: a render may outlive a call with options: call without
#include <render_cache/cache.hpp>

#include "support/archetypes.hpp"

struct Hasher {
  render_cache::Fingerprint components(std::string_view source) const;
};
struct Renderer {
  std::string_view version() const;
  render_cache::WikiPage render(const render_cache::WikiKey& key, std::string_view source) const;
};

auto read(render_cache::RenderCache<Renderer, Hasher, archetype::MinimalStore>& cache, std::string_view source) {
  return cache.get({"docs", "a"}, source, {.hard_limit = std::chrono::milliseconds(1)});
}
