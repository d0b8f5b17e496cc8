// Pages for the tests of MemoryStore.
#pragma once

#include <render_cache/store/memory.hpp>
#include <render_cache/wiki.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace render_cache::test {

using Pages = MemoryStore<WikiSchema>;

inline WikiKey key(unsigned number) { return {"book", "chapter-" + std::to_string(number)}; }
inline Fingerprint fingerprint(unsigned version) { return Fingerprint().add("source", version); }

/// A page that weighs at least `bytes`.
inline EntryPtr<WikiPage> page(unsigned version, std::size_t bytes = 100) {
  return std::make_shared<const Entry<WikiPage>>(
      Entry<WikiPage>{{std::string(bytes, 'x'), {"{}"}}, fingerprint(version), Timestamp{}, {}});
}

inline bool has(Pages& store, unsigned number, unsigned version = 1) {
  return store.lookup(key(number), fingerprint(version)).entry != nullptr;
}

}  // namespace render_cache::test
