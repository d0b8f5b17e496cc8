// The index of a shard: an intrusive hash table of its nodes.
#pragma once

#include <render_cache/requirements.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

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
///
/// It grows by linear hashing (W. Litwin, "Linear hashing: a new tool for file and table addressing", VLDB 1980): an insertion
/// splits two buckets at most. So no insertion holds a shard's lock while all nodes find new places.
template <class Node>
class NodeTable {
 public:
  NodeTable() { segments_[0] = std::make_unique<Node*[]>(first); }
  NodeTable(const NodeTable&) = delete;
  NodeTable& operator=(const NodeTable&) = delete;
  ~NodeTable() {
    NodeChain<Node> all;
    for (std::size_t i = 0; i < count_; ++i) {
      while (bucket(i) != nullptr) all.push(take(bucket(i)));
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t buckets() const noexcept { return count_; }

  /// The node of that hash for which `is_it(node)`, or null.
  template <class IsIt>
  [[nodiscard]] Node* find(std::uint64_t hash, IsIt&& is_it) const {
    for (Node* node = bucket(number_of(hash)); node != nullptr; node = node->next) {
      if (node->hash() == hash && is_it(std::as_const(*node))) return node;
    }
    return nullptr;
  }

  /// Makes room for one more, so that `insert` cannot fail.
  void reserve_one() {
    while (2 * (size_ + 1) > count_) split_next();
  }

  void insert(std::unique_ptr<Node> node) noexcept {
    Node*& chain = bucket(number_of(node->hash()));
    node->next = chain;
    chain = node.release();
    ++size_;
  }

  [[nodiscard]] std::unique_ptr<Node> remove(const Node& node) noexcept {
    Node** link = &bucket(number_of(node.hash()));
    while (*link != &node) link = &(*link)->next;
    return take(*link);
  }

  /// Calls `visit(node)` for each node of a bucket, which may remove that node.
  template <class Visit>
  void visit_bucket(std::size_t number, Visit&& visit) {
    for (Node* node = bucket(number); node != nullptr;) visit(*std::exchange(node, node->next));
  }

 private:
  static constexpr std::size_t first = 64;  // buckets in the first segment; each other one doubles what there is

  Node*& bucket(std::size_t number) const noexcept {
    if (number < first) return segments_[0][number];
    return segments_[static_cast<std::size_t>(std::bit_width(number / first))][number - std::bit_floor(number)];
  }

  /// Those from `count_` on are not there yet: their nodes are in the bucket that will be split into both.
  std::size_t number_of(std::uint64_t hash) const noexcept {
    const auto number = hash & mask_;
    return number < count_ ? number : number & (mask_ >> 1);
  }

  void split_next() {
    if (std::has_single_bit(count_)) {
      segments_[static_cast<std::size_t>(std::bit_width(count_ / first))] = std::make_unique_for_overwrite<Node*[]>(count_);
      mask_ = 2 * count_ - 1;
    }
    const auto added = count_++;
    Node*& fresh = bucket(added) = nullptr;
    for (Node** link = &bucket(added & (mask_ >> 1)); *link != nullptr;) {
      if (number_of((*link)->hash()) != added) {
        link = &(*link)->next;
      } else {
        Node* const node = std::exchange(*link, (*link)->next);
        node->next = std::exchange(fresh, node);
      }
    }
  }

  std::unique_ptr<Node> take(Node*& link) noexcept {
    --size_;
    return std::unique_ptr<Node>(std::exchange(link, link->next));
  }

  std::array<std::unique_ptr<Node*[]>, 48> segments_{};
  std::size_t count_ = first;    // of buckets
  std::uint64_t mask_ = first - 1;  // of the bits that number a bucket: half of its numbers at least are there
  std::size_t size_ = 0;
};

}  // namespace render_cache::detail
