// The index of a shard: an intrusive hash table of its nodes.
#pragma once

#include <render_cache/requirements.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace render_cache::detail {

/// A chain of nodes through `next` that destroys them at its end: what left a table under a lock goes here, so that
/// values are destroyed after the lock. A value's destructor may be slow, or use the cache.
template <class Node>
class NodeChain {
 public:
  NodeChain() = default;
  NodeChain(const NodeChain&) = delete;
  NodeChain& operator=(const NodeChain&) = delete;
  ~NodeChain() {
    while (first_ != nullptr) std::unique_ptr<Node>(std::exchange(first_, first_->next));
  }
  void push(std::unique_ptr<Node> node) noexcept {
    node->next = first_;
    first_ = node.release();
  }
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (const Node* node = first_; node != nullptr; node = node->next) visit(*node);
  }

 private:
  Node* first_ = nullptr;
};

/// Owns its nodes, which have `hash()`, well mixed, and a `Node* next`. Chained: no node ever moves, and a scan may stop
/// between two buckets and go on later. At most one node for two buckets, so that most chains end at once.
template <class Node>
class NodeTable {
 public:
  NodeTable() : buckets_(64, nullptr) {}
  NodeTable(const NodeTable&) = delete;
  NodeTable& operator=(const NodeTable&) = delete;
  ~NodeTable() {
    NodeChain<Node> all;
    for (Node*& bucket : buckets_) {
      while (bucket != nullptr) all.push(take(bucket));
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t buckets() const noexcept { return buckets_.size(); }

  /// The node of that hash for which `is_it(node)`, or null.
  template <class IsIt>
  [[nodiscard]] Node* find(std::uint64_t hash, IsIt&& is_it) const {
    for (Node* node = buckets_[hash & (buckets_.size() - 1)]; node != nullptr; node = node->next) {
      if (node->hash() == hash && is_it(std::as_const(*node))) return node;
    }
    return nullptr;
  }

  /// Makes room for one more, so that `insert` cannot fail.
  void reserve_one() {
    if (2 * (size_ + 1) <= buckets_.size()) return;
    std::vector<Node*> old(2 * buckets_.size(), nullptr);
    old.swap(buckets_);
    for (Node* node : old) {
      while (node != nullptr) {
        Node*& bucket = bucket_of(*node);
        Node* const rest = std::exchange(node->next, bucket);
        bucket = std::exchange(node, rest);
      }
    }
  }

  void insert(std::unique_ptr<Node> node) noexcept {
    Node*& bucket = bucket_of(*node);
    node->next = bucket;
    bucket = node.release();
    ++size_;
  }

  [[nodiscard]] std::unique_ptr<Node> remove(const Node& node) noexcept {
    Node** link = &bucket_of(node);
    while (*link != &node) link = &(*link)->next;
    return take(*link);
  }

  /// Calls `visit(node)` for each node of a bucket, which may remove that node.
  template <class Visit>
  void visit_bucket(std::size_t bucket, Visit&& visit) {
    for (Node* node = buckets_[bucket]; node != nullptr;) visit(*std::exchange(node, node->next));
  }

 private:
  Node*& bucket_of(const Node& node) noexcept { return buckets_[node.hash() & (buckets_.size() - 1)]; }

  std::unique_ptr<Node> take(Node*& link) noexcept {
    --size_;
    return std::unique_ptr<Node>(std::exchange(link, link->next));
  }

  std::vector<Node*> buckets_;  // a power of two
  std::size_t size_ = 0;
};

}  // namespace render_cache::detail
