// A hit allocates nothing: counted by replacing the operators of the whole test program. The sanitizers have replaced
// them already, so under these it is not tested.
#include "support/sanitized.hpp"

#ifndef RENDER_CACHE_TEST_SANITIZED
#include <render_cache/store/memory.hpp>

#include "memory_pages.hpp"
#include "support/catch.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t allocations = 0;

void* allocate(std::size_t bytes) {
  ++allocations;
  if (void* const block = std::malloc(bytes == 0 ? 1 : bytes)) return block;
  throw std::bad_alloc();
}

}  // namespace

// Never inlined, or GCC would see memory of `new` given to `free` and warn.
[[gnu::noinline]] void* operator new(std::size_t bytes) { return allocate(bytes); }
[[gnu::noinline]] void* operator new[](std::size_t bytes) { return allocate(bytes); }
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete[](void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete[](void* block, std::size_t) noexcept { std::free(block); }

using namespace render_cache;
using namespace render_cache::test;

TEST_CASE("MemoryStore: a hit allocates nothing, nor does a miss that finds nothing", "[memory]") {
  Pages store;
  const WikiKey known{"a repository with a long name", "a/path/that/is/longer/than/a/short/string.md"}, unknown{"a", "b"};
  const auto now = fingerprint(1).add("renderer", "a renderer with a long version");
  store.publish(known, std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{}, now, {}, {}}));
  const auto before = allocations;
  bool hit = true, miss = false;
  for (int i = 0; i < 1000; ++i) {
    hit = hit && store.lookup(known, now).entry;
    miss = miss || store.lookup(unknown, now).entry;
  }
  const auto counted = allocations - before;
  CHECK(hit);
  CHECK_FALSE(miss);
  CHECK(counted == 0);

  store.publish(known, page(1));
  const auto after = allocations;
  CHECK(after > before);  // it does count
}

#endif
