// S3-FIFO, the eviction policy of MemoryStore: which objects leave when a new one needs room.
//
// Source: Yang, Zhang, Qiu, Yue, Rashmi: "FIFO Queues are All You Need for Cache Eviction", SOSP 2023, section 4 and
// Algorithm 1. The names are the paper's: S, M and G are the small, the main and the ghost queue, x the object asked
// for, t the object at a queue's tail, freq its two-bit counter. Three things differ. Sizes are bytes, where the paper's
// algorithm counts objects. An object that would fill S by itself goes straight into M: in S it would push out
// everybody else and then leave unread, so that a big page would never be kept however often it is asked for.
// And an object may start with more than freq 0, if it costs much to get back (Evict::cost_aware).
#pragma once

#include <render_cache/store/memory/ghost_queue.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace render_cache {

/// The policy alone: queues of objects that somebody else owns; no keys, no values, no locks.
///
/// Thread-safety: `read` may run on many threads at once, beside nothing else; the rest needs exclusive access.
/// Complexity: `read` and `erase` O(1); `insert` and `update` amortised O(1), for each step of an eviction was paid
/// for by the insertion or by a read of the object it moves.
class S3Fifo {
  enum class Queue : std::uint8_t { S, M };

 public:
  /// What the policy keeps with each object. A cache's node derives from it and is linked through it, so that the
  /// queues allocate nothing. Take an object out (`erase`, or by its eviction) before it is destroyed.
  class Object {
   public:
    /// `hash` stands for the object in G: 64 well mixed bits. `weight` in bytes, at least 1.
    Object(std::uint64_t hash, std::size_t weight) noexcept : hash_(hash), weight_(weight) {}
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;

    [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
    [[nodiscard]] std::size_t weight() const noexcept { return weight_; }

   private:
    friend S3Fifo;
    std::uint64_t hash_;
    std::size_t weight_;
    Object* towards_head_ = nullptr;
    Object* towards_tail_ = nullptr;
    std::atomic<std::uint8_t> freq_{};  // 0 to 3
    std::uint8_t first_freq_ = 0;       // what freq is on entering S or M
    Queue queue_{};                     // of no meaning while it is in neither
  };

  /// `capacity` in bytes, for S and M together. G holds no objects and comes on top, with some bytes for each of as
  /// many as would fill M.
  explicit S3Fifo(std::size_t capacity) noexcept : capacity_(capacity) {}
  S3Fifo(const S3Fifo&) = delete;
  S3Fifo& operator=(const S3Fifo&) = delete;

  /// A hit. Nothing moves, and what is read often is not even written to: its readers share the cache line.
  static void read(Object& x) noexcept {
    const auto freq = x.freq_.load(std::memory_order_relaxed);
    // Two readers may count as one: that loses a hint, and a read-modify-write would cost each hit.
    if (freq < max_freq) x.freq_.store(static_cast<std::uint8_t>(freq + 1), std::memory_order_relaxed);
  }

  /// Whether an object of that weight is let in. One above a quarter of the capacity would cost too many others.
  [[nodiscard]] bool admits(std::size_t weight) const noexcept { return weight <= capacity_ / 4; }

  /// Lets in `x`, which is admitted and in no queue, after `evicted(t)` for each object that had to leave for it.
  template <class Evicted>
  void insert(Object& x, Evicted&& evicted, std::uint8_t first_freq = 0) {
    evict_until_fits(x.weight_, evicted);
    x.first_freq_ = first_freq;
    x.freq_.store(first_freq, std::memory_order_relaxed);
    const bool was_in_G = G_.remove(x.hash_);
    push_head(was_in_G || x.weight_ >= S_capacity() ? Queue::M : Queue::S, x);
  }

  /// The content of `x` was replaced by one of another weight. `x` starts again at the head of its queue and keeps its
  /// freq: what was read often before an edit will be after it. Never evicts `x` itself.
  template <class Evicted>
  void update(Object& x, std::size_t weight, Evicted&& evicted) {
    const auto queue = x.queue_;
    erase(x);
    x.weight_ = weight;
    evict_until_fits(weight, evicted);
    push_head(weight >= S_capacity() ? Queue::M : queue, x);
  }

  /// Takes `x` out, without a trace in G.
  void erase(Object& x) noexcept {
    auto& fifo = x.queue_ == Queue::S ? S_ : M_;
    (x.towards_head_ ? x.towards_head_->towards_tail_ : fifo.head) = x.towards_tail_;
    (x.towards_tail_ ? x.towards_tail_->towards_head_ : fifo.tail) = x.towards_head_;
    fifo.size -= x.weight_;
    x.towards_head_ = x.towards_tail_ = nullptr;
  }

  template <class Evicted>
  void set_capacity(std::size_t capacity, Evicted&& evicted) {
    capacity_ = capacity;
    evict_until_fits(0, evicted);
  }

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  /// Bytes in S and M together; never above the capacity.
  [[nodiscard]] std::size_t size() const noexcept { return S_.size + M_.size; }

 private:
  static constexpr std::uint8_t max_freq = 3;

  struct Fifo {
    Object* head = nullptr;
    Object* tail = nullptr;
    std::size_t size = 0;  // bytes
  };

  [[nodiscard]] std::size_t S_capacity() const noexcept { return capacity_ / 10; }
  [[nodiscard]] std::size_t G_capacity() const noexcept { return capacity_ - S_capacity(); }

  void push_head(Queue queue, Object& x) noexcept {
    auto& fifo = queue == Queue::S ? S_ : M_;
    x.queue_ = queue;
    x.towards_tail_ = fifo.head;
    (fifo.head ? fifo.head->towards_head_ : fifo.tail) = &x;
    fifo.head = &x;
    fifo.size += x.weight_;
  }

  template <class Evicted>
  void evict_until_fits(std::size_t weight, Evicted&& evicted) {
    while (size() != 0 && size() + weight > capacity_) {
      if (M_.tail == nullptr || (S_.tail != nullptr && S_.size >= S_capacity())) {
        evict_S(evicted);
      } else {
        evict_M(evicted);
      }
    }
  }

  /// Moves what was read more than once into M until something was evicted, or S is empty.
  template <class Evicted>
  void evict_S(Evicted&& evicted) {
    while (S_.tail != nullptr) {
      auto& t = *S_.tail;
      erase(t);
      if (t.freq_.load(std::memory_order_relaxed) > 1) {
        t.freq_.store(t.first_freq_, std::memory_order_relaxed);
        push_head(Queue::M, t);
      } else {
        G_.insert(t.hash_, t.weight_, G_capacity());
        return evicted(t);
      }
    }
  }

  /// Gives what was read another round, one less for each, until something was evicted.
  template <class Evicted>
  void evict_M(Evicted&& evicted) {
    while (M_.tail != nullptr) {
      auto& t = *M_.tail;
      erase(t);
      if (const auto freq = t.freq_.load(std::memory_order_relaxed); freq > 0) {
        t.freq_.store(static_cast<std::uint8_t>(freq - 1), std::memory_order_relaxed);
        push_head(Queue::M, t);
      } else {
        return evicted(t);
      }
    }
  }

  std::size_t capacity_;
  Fifo S_, M_;
  GhostQueue G_;
};

}  // namespace render_cache
