// expect: both tiers must outlive the store that is made of them
#include <render_cache/store/memory.hpp>
#include <render_cache/store/tiered.hpp>

#include "good_parts.hpp"

using Near = render_cache::MemoryStore<good::Schema>;

void program(good::Store& far) { render_cache::TieredStore tiers(Near{}, far); }
