// expect: a MemoryStore takes a struct that names its types
#include <render_cache/store/memory.hpp>

#include "good_parts.hpp"

render_cache::MemoryStore<good::Value> store;
