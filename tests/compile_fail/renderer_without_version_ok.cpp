#include <render_cache/cache.hpp>

#include "good_parts.hpp"

using Hasher = good::Hasher;
struct Renderer {
  std::string_view version() const;
  good::Value render(const good::Key&, const std::string&) const;
};

void program(good::Store& store, const std::string& source) {
  render_cache::RenderCache cache(Renderer{}, Hasher{}, store);
  cache.get({"docs", "a.md"}, source);
}
