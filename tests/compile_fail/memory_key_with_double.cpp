// expect: the fields of a key may be std::string, integers, bool, Uuid, times, Bytes and enumerations with names
#include <render_cache/store/memory.hpp>

#include "good_parts.hpp"

struct Key {
  double name;
  friend bool operator==(const Key&, const Key&) = default;
};
BOOST_HANA_ADAPT_STRUCT(Key, name);

struct Schema {
  using key_type = Key;
  using value_type = good::Value;
};

render_cache::MemoryStore<Schema> store;
