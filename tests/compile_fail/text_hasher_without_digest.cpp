// expect: a FileHasher is made of a text hasher: add `std::string digest(std::string_view) const` to it
#include <render_cache/hasher/file.hpp>

struct Hasher {
  render_cache::Fingerprint components(std::string_view) const;
};

render_cache::FileHasher<Hasher> hasher;
