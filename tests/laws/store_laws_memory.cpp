#include <render_cache/store/memory.hpp>

#include <render_cache/laws/store_laws.hpp>
#include <render_cache/wiki.hpp>

#include "support/all_kinds.hpp"
#include "support/more_kinds.hpp"

namespace store_laws_memory_tests {

using namespace render_cache;

namespace {

struct MemoryWiki {
  static constexpr bool durable = false;
  MemoryStore<WikiSchema> store{{.capacity = 64 << 20}};
};

struct MemoryAllKinds {
  static constexpr bool durable = false;
  MemoryStore<test::AllKindsSchema> store{{.capacity = 64 << 20}};
};

struct MemoryMoreKinds {
  static constexpr bool durable = false;
  MemoryStore<test::MoreKindsSchema> store{{.capacity = 64 << 20}};
};

/// So small that most of what is published is evicted at once.
struct MemoryTiny {
  static constexpr bool durable = false;
  MemoryStore<WikiSchema> store{{.capacity = 4096, .shards = 1}};
};

RENDER_CACHE_STORE_LAWS(MemoryWiki)
RENDER_CACHE_STORE_LAWS(MemoryAllKinds)
RENDER_CACHE_STORE_LAWS(MemoryMoreKinds)
RENDER_CACHE_STORE_LAWS(MemoryTiny)

}  // namespace

}  // namespace store_laws_memory_tests
