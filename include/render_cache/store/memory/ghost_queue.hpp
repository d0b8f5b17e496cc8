// The ghost queue of S3-FIFO: what was evicted unread, remembered by its hash alone.
#pragma once

#include <render_cache/requirements.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

namespace render_cache {

/// A FIFO queue of hashes, each with the weight of the object it stands for, which a hash can leave from the middle.
/// It is exact, unlike the table of eviction times that the paper's section 4.2 proposes: there a ghost that was
/// found again still takes up room, which cost up to 0.016 of miss ratio on a real trace.
///
/// Every operation takes O(1), amortised. The arrays grow by doubling and do not shrink. Not thread-safe.
class GhostQueue {
 public:
  /// What a ghost takes when the arrays are three quarters full, as they are on average.
  static constexpr std::size_t bytes_for_each = 48;

  /// Adds a hash at the head, after forgetting at the tail what does not fit into `capacity` with it. Where there is
  /// no memory for a ghost it is not remembered: that loses a hint, while an eviction must not fail.
  void insert(std::uint64_t hash, std::size_t weight, std::size_t capacity) noexcept {
    if (weight > capacity || find(hash) != nobody) return;
    while (size_ + weight > capacity) forget(tail_);
    try {
      if (free_ == nobody) grow();
    } catch (const std::bad_alloc&) {
      return;
    }
    const auto place = free_;
    auto& ghost = ghosts_[place];
    auto& bucket = bucket_of(hash);
    free_ = ghost.next;
    ghost = {hash, weight, nobody, head_, bucket};
    (head_ != nobody ? ghosts_[head_].towards_head : tail_) = place;
    head_ = bucket = place;
    size_ += weight;
  }

  /// Whether `hash` was in the queue, which it then is no more.
  bool remove(std::uint64_t hash) noexcept {
    const auto place = find(hash);
    if (place != nobody) forget(place);
    return place != nobody;
  }

 private:
  using Place = std::uint32_t;  // in `ghosts_`
  static constexpr Place nobody = ~Place{0};

  struct Ghost {
    std::uint64_t hash = 0;
    std::size_t weight = 0;
    Place towards_head = nobody;
    Place towards_tail = nobody;
    Place next = nobody;  // in its bucket, or of the free places
  };

  [[nodiscard]] Place& bucket_of(std::uint64_t hash) noexcept { return buckets_[hash & (buckets_.size() - 1)]; }

  [[nodiscard]] Place find(std::uint64_t hash) noexcept {
    if (buckets_.empty()) return nobody;
    auto place = bucket_of(hash);
    while (place != nobody && ghosts_[place].hash != hash) place = ghosts_[place].next;
    return place;
  }

  void forget(Place place) noexcept {
    auto& ghost = ghosts_[place];
    (ghost.towards_head != nobody ? ghosts_[ghost.towards_head].towards_tail : head_) = ghost.towards_tail;
    (ghost.towards_tail != nobody ? ghosts_[ghost.towards_tail].towards_head : tail_) = ghost.towards_head;
    auto* link = &bucket_of(ghost.hash);
    while (*link != place) link = &ghosts_[*link].next;
    *link = std::exchange(ghost.next, free_);
    free_ = place;
    size_ -= ghost.weight;
  }

  /// Doubles the places, and with them the buckets: one each.
  void grow() {
    const auto before = ghosts_.size();
    const auto after = before == 0 ? 64 : 2 * before;
    std::vector<Place> buckets(after, nobody);
    ghosts_.resize(after);
    buckets_ = std::move(buckets);
    for (std::size_t i = 0; i < before; ++i) {
      ghosts_[i].next = std::exchange(bucket_of(ghosts_[i].hash), static_cast<Place>(i));
    }
    for (auto i = before; i < after; ++i) ghosts_[i].next = std::exchange(free_, static_cast<Place>(i));
  }

  static_assert(4 * (sizeof(Ghost) + sizeof(Place)) <= 3 * bytes_for_each);

  std::vector<Ghost> ghosts_;
  std::vector<Place> buckets_;  // a power of two of them
  Place head_ = nobody, tail_ = nobody, free_ = nobody;
  std::size_t size_ = 0;  // the weight of all
};

}  // namespace render_cache
