// expect: the hasher takes another type of source
#include <render_cache/cache.hpp>

#include "good_parts.hpp"

#include <vector>

void program(good::Store& store) {
  render_cache::RenderCache cache(good::Renderer{}, good::Hasher{}, store);
  const std::vector<render_cache::Wanted<good::Key, int>> wanted;
  cache.get_many(wanted);
}
