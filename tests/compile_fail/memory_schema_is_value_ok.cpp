#include <render_cache/store/memory.hpp>

#include "good_parts.hpp"

render_cache::MemoryStore<good::Schema> store;
