// expect: on a copy of the source: make it copy constructible
#include <render_cache/cache.hpp>

#include "support/archetypes.hpp"

#include <memory>

using Source = std::unique_ptr<int>;
template <>
inline constexpr bool render_cache::outlives_call<Source> = true;

struct Hasher {
  render_cache::Fingerprint components(const Source& source) const;
};
struct Renderer {
  std::string_view version() const;
  render_cache::WikiPage render(const render_cache::WikiKey& key, const Source& source) const;
};

auto read(render_cache::RenderCache<Renderer, Hasher, archetype::MinimalStore>& cache, const Source& source) {
  return cache.refresh({"docs", "a"}, source, {});
}
