// expect: both copies must outlive the store that is made of them
#include <render_cache/store/memory.hpp>
#include <render_cache/store/replica.hpp>

#include "good_parts.hpp"

using Replica = render_cache::MemoryStore<good::Schema>;

void program(good::Store& primary) { render_cache::ReplicaStore store(Replica{}, primary); }
