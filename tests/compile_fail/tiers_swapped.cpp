// expect: the tiers come in another order: TieredStore(near, far), the one in memory first
#include <render_cache/store/memory.hpp>
#include <render_cache/store/tiered.hpp>

#include "good_parts.hpp"

using Near = render_cache::MemoryStore<good::Schema>;

void program(Near& near, good::Store& far) { render_cache::TieredStore tiers(far, near); }
