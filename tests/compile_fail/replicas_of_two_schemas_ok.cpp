#include <render_cache/store/memory.hpp>
#include <render_cache/store/replica.hpp>

#include "good_parts.hpp"

using Replica = render_cache::MemoryStore<good::Schema>;

struct Other : good::Schema {
  using value_type = good::Value;
};

void program(Replica& replica, render_cache::MemoryStore<Other>& primary) { render_cache::ReplicaStore store(replica, primary); }
