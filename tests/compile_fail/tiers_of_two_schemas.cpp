// expect: both tiers must have the same key_type and value_type: make them of one schema
#include <render_cache/store/memory.hpp>
#include <render_cache/store/tiered.hpp>

#include "good_parts.hpp"

using Near = render_cache::MemoryStore<good::Schema>;

struct Other : good::Schema {
  using value_type = good::Key;
};

void program(Near& near, render_cache::MemoryStore<Other>& far) { render_cache::TieredStore tiers(near, far); }
