#include <render_cache/concepts/renderer.hpp>

#include <string>

struct Almost {
  std::string_view version() const;
  std::string render(int key, const std::string& source) const;
};
static_assert(render_cache::check_renderer<Almost, int, std::string, std::string>());
