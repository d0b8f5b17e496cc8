#include <render_cache/concepts/hasher.hpp>

#include <string>

struct Almost {
  render_cache::Fingerprint components(const std::string& source) const;
};
static_assert(render_cache::check_hasher<Almost, std::string>());
