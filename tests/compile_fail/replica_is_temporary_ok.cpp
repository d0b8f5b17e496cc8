#include <render_cache/store/memory.hpp>
#include <render_cache/store/replica.hpp>

#include "good_parts.hpp"

using Replica = render_cache::MemoryStore<good::Schema>;

void program(Replica& replica, good::Store& primary) {
  render_cache::ReplicaStore store(replica, primary, {.ask_primary = false});
}
