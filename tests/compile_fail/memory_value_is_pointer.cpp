// expect: a value in memory outlives what views and raw pointers lead to
#include <render_cache/store/memory.hpp>

#include "good_parts.hpp"

#include <vector>

struct Value {
  std::vector<const char*> name;
  friend bool operator==(const Value&, const Value&) = default;
};
BOOST_HANA_ADAPT_STRUCT(Value, name);

struct Schema {
  using key_type = good::Key;
  using value_type = Value;
};

render_cache::MemoryStore<Schema> store;
