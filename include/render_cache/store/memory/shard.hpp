// One part of a MemoryStore: a table of entries and the policy that bounds it, behind one lock.
#pragma once

#include <render_cache/concepts/observer.hpp>
#include <render_cache/entry/entry.hpp>
#include <render_cache/store/memory/cost_scale.hpp>
#include <render_cache/store/memory/node_table.hpp>
#include <render_cache/store/memory/per_cpu_lock.hpp>
#include <render_cache/store/memory/replicated_ptr.hpp>
#include <render_cache/store/memory/s3_fifo.hpp>
#include <render_cache/store/memory/weight.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace render_cache {

/// What a MemoryStore counts. Each number is exact; together they are not one instant's.
struct MemoryStats {
  std::size_t entries = 0;           ///< held now
  std::size_t bytes = 0;             ///< their weight
  std::size_t capacity = 0;          ///< bytes
  std::uint64_t hits = 0;            ///< look-ups that found the entry they asked for
  std::uint64_t misses_absent = 0;   ///< nothing stored for the key
  std::uint64_t misses_changed = 0;  ///< another fingerprint stored
  std::uint64_t evictions = 0;       ///< entries that left for others, or for a smaller capacity
  std::uint64_t too_large = 0;       ///< publishes refused: more than a quarter of a shard
};

namespace detail {

/// What a hit touches comes first: the policy's part, the chain and the entry fill one cache line, the key the next.
template <class Key, class Value>
struct MemoryNode : S3Fifo::Object {
  MemoryNode(std::uint64_t hash, std::size_t weight, const Key& of, ReplicatedPtr<const Entry<Value>> content)
      : Object(hash, weight), entry(std::move(content)), key(of) {}

  MemoryNode* next = nullptr;
  ReplicatedPtr<const Entry<Value>> entry;  // a count for each of the lock's slots
  Key key;
  std::uint64_t published = 0;  // by the shard's count of publishes
};

template <class Key, class Value, Evict evict>
class MemoryShard {
  struct Counts {
    std::uint64_t hits = 0, misses_absent = 0, misses_changed = 0;
  };
  using Lock = PerCpuLock<Counts>;

 public:
  using Node = MemoryNode<Key, Value>;

  MemoryShard() : policy_(0) {}  // holds nothing until `set_capacity`

  [[nodiscard]] std::size_t weight(const Key& key, const Entry<Value>& entry) const noexcept {
    return weight_of<Node>(key, entry, lock_.slots());
  }
  [[nodiscard]] std::unique_ptr<Node> make_node(std::uint64_t hash, const Key& key, EntryPtr<Value> entry) const {
    const auto bytes = weight(key, *entry);
    return std::make_unique<Node>(hash, bytes, key, ReplicatedPtr(std::move(entry), lock_.slots()));
  }

  template <class IsIt>
  Lookup<Value> lookup(std::uint64_t hash, IsIt&& is_it, const Fingerprint& fingerprint) {
    Lookup<Value> found{.origin = Origin::near};
    {
      const auto guard = lock_.read();
      if (Node* const node = table_.find(hash, is_it)) {
        found.entry = node->entry.get(guard.slot());
        if (found.entry->fingerprint == fingerprint) {
          S3Fifo::read(*node);
          ++guard->hits;
          return found;
        }
        ++guard->misses_changed;
      } else {
        ++guard->misses_absent;
      }
    }
    if (const auto other = std::move(found.entry)) found.stored = other->fingerprint;
    return found;
  }

  template <class IsIt>
  EntryPtr<Value> peek(std::uint64_t hash, IsIt&& is_it) {
    const auto guard = lock_.read();
    Node* const node = table_.find(hash, is_it);
    return node ? node->entry.get(guard.slot()) : nullptr;
  }

  /// After it the entry that was stored for the key is gone, whether or not the new one is let in. The observer is told of
  /// each that left for it, with no lock held.
  template <class Observer>
  void publish(std::unique_ptr<Node> node, const Observer& observer) {
    NodeChain<Node> gone;
    EvictedChain<Observer> evicted(observer);
    const auto is_it = [&key = node->key](const Node& other) { return other.key == key; };
    const auto guard = lock_.write();
    Node* const old = table_.find(node->hash(), is_it);
    node->published = ++publishes_;
    if (!policy_.admits(node->weight())) {
      ++too_large_;
      if (old) remove(*old, gone);
    } else if (old) {
      std::swap(old->entry, node->entry);
      old->published = node->published;
      policy_.update(*old, node->weight(), evicts_to(evicted));
    } else {
      table_.reserve_one();
      policy_.insert(*node, evicts_to(evicted), first_freq(*node));
      table_.insert(std::move(node));
    }
  }

  /// Removes the node for which `is_it`, unless it was published after the shard's `publishes`.
  template <class IsIt>
  bool erase(std::uint64_t hash, IsIt&& is_it, std::uint64_t publishes = ~std::uint64_t{0}) {
    NodeChain<Node> gone;
    const auto guard = lock_.write();
    Node* const node = table_.find(hash, is_it);
    if (node == nullptr || node->published > publishes) return false;
    remove(*node, gone);
    return true;
  }

  /// Removes all for which `doomed(key)`, a few buckets at a time: others go on in between.
  template <class Doomed>
  std::size_t erase_all(Doomed&& doomed) {
    std::size_t erased = 0;
    for (std::size_t bucket = 0, end = 1; bucket < end;) {
      NodeChain<Node> gone;
      const auto guard = lock_.write();
      end = table_.buckets();
      for (const auto pause = std::min(bucket + stride, end); bucket < pause; ++bucket) {
        table_.visit_bucket(bucket, [&](Node& node) {
          if (!doomed(std::as_const(node.key))) return;
          remove(node, gone);
          ++erased;
        });
      }
    }
    return erased;
  }

  /// Calls `visit(node)` for the nodes of a few buckets, from `bucket` on; the bucket to go on with, or 0 at the end. If
  /// the table grows between two calls, nodes may be visited twice, but none is passed over: those of an old bucket
  /// move to the same place or further up.
  template <class Visit>
  std::size_t scan(std::size_t bucket, Visit&& visit) {
    const auto guard = lock_.read();
    for (const auto pause = std::min(bucket + stride, table_.buckets()); bucket < pause; ++bucket) {
      table_.visit_bucket(bucket, [&](const Node& node) { visit(node); });
    }
    return bucket < table_.buckets() ? bucket : 0;
  }

  /// How many publishes there have been: with a node's `published` it tells what is newer than a moment.
  [[nodiscard]] std::uint64_t publishes() const {
    const auto guard = lock_.read();
    return publishes_;
  }

  template <class Observer>
  void set_capacity(std::size_t capacity, const Observer& observer) {
    EvictedChain<Observer> evicted(observer);
    const auto guard = lock_.write();
    policy_.set_capacity(capacity, evicts_to(evicted));
  }

  void add_to(MemoryStats& stats) const {
    const auto guard = lock_.write();
    stats.entries += table_.size();
    stats.bytes += policy_.size();
    stats.capacity += policy_.capacity();
    stats.evictions += evictions_;
    stats.too_large += too_large_;
    guard.for_each([&](const Counts& counts) {
      stats.hits += counts.hits;
      stats.misses_absent += counts.misses_absent;
      stats.misses_changed += counts.misses_changed;
    });
  }

 private:
  static constexpr std::size_t stride = 64;  // buckets visited under one lock: a few microseconds

  // In all members above, `gone` and `evicted` are declared before the guard, and so destroyed after it.
  template <class Observer>
  struct EvictedChain : NodeChain<Node> {
    explicit EvictedChain(const Observer& whom) : observer(whom) {}
    ~EvictedChain() {
      if constexpr (ObservesEvictions<Observer, Key>) {
        this->for_each([&](const Node& node) { observer.on_evict(node.key, {node.weight()}); });
      }
    }
    const Observer& observer;
  };

  auto evicts_to(NodeChain<Node>& evicted) noexcept {
    return [this, &evicted](S3Fifo::Object& t) {
      evicted.push(table_.remove(static_cast<Node&>(t)));
      ++evictions_;
    };
  }

  std::uint8_t first_freq([[maybe_unused]] const Node& node) noexcept {
    if constexpr (evict == Evict::cost_aware) {
      return costs_.first_freq((*node.entry).render_cost, node.weight());
    } else {
      return 0;
    }
  }

  void remove(Node& node, NodeChain<Node>& gone) noexcept {
    policy_.erase(node);
    gone.push(table_.remove(node));
  }

  mutable Lock lock_;
  NodeTable<Node> table_;
  S3Fifo policy_;
  CostScale costs_;
  std::uint64_t publishes_ = 0;
  std::uint64_t evictions_ = 0;
  std::uint64_t too_large_ = 0;
};

}  // namespace detail
}  // namespace render_cache
