// What an entry costs in memory, so that a budget in bytes is one.
#pragma once

#include <render_cache/entry/entry.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/store/memory/ghost_queue.hpp>
#include <render_cache/store/memory/replicated_ptr.hpp>

#include <algorithm>
#include <cstddef>
#include <string>

namespace render_cache::detail {

/// What malloc takes for a block: glibc puts 8 bytes in front and rounds up to 16, at least to 32.
constexpr std::size_t block(std::size_t bytes) noexcept { return std::max<std::size_t>(32, (bytes + 8 + 15) / 16 * 16); }

/// The resident memory that a node and its entry cost, in whatever blocks: those of the node, of its reference counts and
/// of the shared entry; two places in the table's array; a ghost, for there are about as many as entries; what the members
/// own on the heap, with 16 bytes for each that malloc rounds up. And a quarter of all that for the holes between the
/// blocks: where entries of all sizes come and go, glibc keeps 8 to 35 % more than is in use (docs/memory.md).
template <class Node, Described Key, class Value>
std::size_t weight_of(const Key& key, const Entry<Value>& entry, std::size_t counts) noexcept {
  constexpr std::size_t std_counts = 16;  // std::make_shared puts them into the entry's block
  std::size_t bytes = block(sizeof(Node)) + block(ReplicatedPtr<const Entry<Value>>::bytes(counts)) +
                      block(sizeof(Entry<Value>) + std_counts) + 2 * sizeof(Node*) + GhostQueue::bytes_for_each;
  const auto add = [&](std::size_t on_heap) { bytes += on_heap == 0 ? 0 : on_heap + 16; };
  for_each_member(key, [&](const char*, const auto& member) { add(heap_bytes(member)); });
  if constexpr (Described<Value>) {
    for_each_member(entry.value, [&](const char*, const auto& member) { add(heap_bytes(member)); });
  } else {
    add(heap_bytes(entry.value));
  }
  add(heap_bytes(entry.fingerprint.text()));
  return bytes + bytes / 4;
}

}  // namespace render_cache::detail
