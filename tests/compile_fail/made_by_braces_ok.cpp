// What GCC or Clang once refused.
#include <render_cache/hasher/file.hpp>
#include <render_cache/store/memory.hpp>

#include "good_parts.hpp"

struct TextHasher {
  std::string digest(std::string_view) const;
  render_cache::Fingerprint components(std::string_view) const;
};

struct Program {
  render_cache::FileHasher<TextHasher> hasher;
  int more;
};

void program() {
  Program made{{}, 1};
  render_cache::MemoryStore<good::Schema> store({});
}
