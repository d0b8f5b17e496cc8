// expect: give the renderer a version: add `std::string_view version() const`, which covers its options too
#include <render_cache/cache.hpp>

#include "good_parts.hpp"

using Hasher = good::Hasher;
struct Renderer {
  good::Value render(const good::Key&, const std::string&) const;
};

void program(good::Store& store, const std::string& source) {
  render_cache::RenderCache cache(Renderer{}, Hasher{}, store);
  cache.get({"docs", "a.md"}, source);
}
