// expect: `components` of the hasher must return a render_cache::Fingerprint
#include <render_cache/concepts/hasher.hpp>

#include <string>

struct Almost {
  std::string components(const std::string& source) const;
};
static_assert(render_cache::check_hasher<Almost, std::string>());
