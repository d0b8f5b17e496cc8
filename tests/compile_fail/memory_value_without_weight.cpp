// expect: what a value in memory weighs is not known: specialise render_cache::MemberTraits
#include <render_cache/store/memory.hpp>

#include "good_parts.hpp"

#include <map>

struct Schema {
  using key_type = good::Key;
  using value_type = std::map<int, int>;
};

render_cache::MemoryStore<Schema> store;
