// Renders that failed a moment ago, so that a poisonous page is not rendered by each request.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/deadline.hpp>
#include <render_cache/entry/error.hpp>
#include <render_cache/entry/fingerprint.hpp>
#include <render_cache/read/key_hash.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace render_cache::detail {

/// One failure a key: a new fingerprint forgets the old one's. An unsettled one is not remembered, for the same text may stand for
/// what the source becomes next. Bounded: when full, what has expired goes first, then everything, since forgetting a failure costs
/// no more than one render.
template <class Key, class Clock = std::chrono::steady_clock>
class FailureMemory {
 public:
  static constexpr std::size_t capacity = 4096;

  explicit FailureMemory(std::chrono::milliseconds lifetime) : lifetime_(lifetime) {}

  /// The error that the render of this key and fingerprint ended with lately; null if there is none.
  std::exception_ptr recall(const Key& key, const Fingerprint& fingerprint) {
    const std::lock_guard lock(mutex_);
    const auto at = failures_.find(key);
    if (at == failures_.end() || !fingerprint.settled()) return nullptr;
    if (at->second.fingerprint == fingerprint && Clock::now() < at->second.until) return at->second.error;
    failures_.erase(at);
    return nullptr;
  }

  [[gnu::cold]] void remember(const Key& key, const Fingerprint& fingerprint, std::exception_ptr error) {
    if (lifetime_ <= lifetime_.zero() || !fingerprint.settled()) return;
    const std::lock_guard lock(mutex_);
    if (failures_.size() >= capacity) {
      const auto now = Clock::now();
      std::erase_if(failures_, [&](const auto& failure) { return failure.second.until <= now; });
      if (failures_.size() >= capacity) failures_.clear();
    }
    // What rests on nothing but the source is said of it until there is another.
    const auto until = detail::holds<RenderRefused>(error) ? Clock::time_point::max() : from_now<Clock>(lifetime_);
    failures_.insert_or_assign(key, Failure{fingerprint, std::move(error), until});
  }

  void forget(const Key& key) {
    const std::lock_guard lock(mutex_);
    failures_.erase(key);
  }
  void forget_group(const group_t<Key>& group) {
    const std::lock_guard lock(mutex_);
    std::erase_if(failures_, [&](const auto& failure) { return group_of(failure.first) == group; });
  }

 private:
  struct Failure {
    Fingerprint fingerprint;
    std::exception_ptr error;
    typename Clock::time_point until;
  };

  const std::chrono::milliseconds lifetime_;
  std::mutex mutex_;
  std::unordered_map<Key, Failure, KeyHash<Key>> failures_;
};

}  // namespace render_cache::detail
