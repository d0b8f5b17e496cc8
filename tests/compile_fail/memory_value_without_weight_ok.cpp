#include <render_cache/store/memory.hpp>

#include "good_parts.hpp"

#include <map>

template <>
struct render_cache::MemberTraits<std::map<int, int>> {
  static std::size_t heap_bytes(const std::map<int, int>& map) { return map.size() * 48; }
};

struct Schema {
  using key_type = good::Key;
  using value_type = std::map<int, int>;
};

render_cache::MemoryStore<Schema> store;
