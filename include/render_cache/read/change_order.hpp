// Publishes and erases, one at a time for each key.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/keys.hpp>

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>

namespace render_cache::detail {

/// The changes that a cache makes to its store. Those of one key happen one after the other, in the order in which they came, so
/// that each can decide by what the ones before it have done; those of other keys go on beside them.
template <class Key>
class ChangeOrder {
  struct Change {
    const Key* key;  // or
    const group_t<Key>* group;
  };

 public:
  /// Its holder is the only one who changes that key, or a key of that group. Refers to what it was asked for.
  class Turn {
   public:
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      {
        const std::lock_guard lock(order_.mutex_);
        order_.changes_.erase(place_);
      }
      order_.done_.notify_all();
    }

   private:
    friend ChangeOrder;
    Turn(ChangeOrder& order, Change change) : order_(order) {
      std::unique_lock lock(order_.mutex_);
      place_ = order_.changes_.insert(order_.changes_.end(), change);
      order_.done_.wait(lock, [&] {
        return std::none_of(order_.changes_.begin(), place_, [&](const Change& earlier) { return overlap(earlier, change); });
      });
    }
    ChangeOrder& order_;
    typename std::list<Change>::iterator place_;
  };

  /// Waits for those who came before.
  [[nodiscard]] Turn of(const Key& key) { return Turn(*this, {&key, nullptr}); }
  [[nodiscard]] Turn of_group(const group_t<Key>& group) { return Turn(*this, {nullptr, &group}); }

 private:
  static bool overlap(const Change& a, const Change& b) {
    if (a.key && b.key) return *a.key == *b.key;
    return (a.key ? group_of(*a.key) : *a.group) == (b.key ? group_of(*b.key) : *b.group);
  }

  std::mutex mutex_;
  std::condition_variable done_;
  std::list<Change> changes_;  // waiting and under way, in the order in which they came
};

}  // namespace render_cache::detail
