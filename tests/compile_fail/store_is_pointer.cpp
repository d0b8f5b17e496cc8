// expect: pass the store itself and not a pointer to it: `*store`
#include <render_cache/cache.hpp>

#include "good_parts.hpp"

#include <memory>

void program(const std::unique_ptr<good::Store>& store) {
  render_cache::RenderCache cache(good::Renderer{}, good::Hasher{}, store);
}
