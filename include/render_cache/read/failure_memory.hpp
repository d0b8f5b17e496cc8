// Renders that failed a moment ago, so that a poisonous page is not rendered by each request.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/fingerprint.hpp>
#include <render_cache/entry/keys.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <mutex>
#include <unordered_map>

namespace render_cache::detail {

/// One failure a key: a new fingerprint forgets the old one's. Bounded: when full, what has expired goes first, then
/// everything, since forgetting a failure costs no more than one render.
template <class Key>
class FailureMemory {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t capacity = 4096;

  explicit FailureMemory(Clock::duration lifetime) : lifetime_(lifetime) {}

  /// The error that the render of this key and fingerprint ended with lately; null if there is none.
  std::exception_ptr recall(const Key& key, const Fingerprint& fingerprint) {
    const std::lock_guard lock(mutex_);
    const auto at = failures_.find(key);
    if (at == failures_.end()) return nullptr;
    if (at->second.fingerprint == fingerprint && Clock::now() < at->second.until) return at->second.error;
    failures_.erase(at);
    return nullptr;
  }

  void remember(const Key& key, const Fingerprint& fingerprint, std::exception_ptr error) {
    if (lifetime_ <= Clock::duration::zero()) return;
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (failures_.size() >= capacity) {
      std::erase_if(failures_, [&](const auto& failure) { return failure.second.until <= now; });
      if (failures_.size() >= capacity) failures_.clear();
    }
    failures_.insert_or_assign(key, Failure{fingerprint, std::move(error), now + lifetime_});
  }

  void forget(const Key& key) {
    const std::lock_guard lock(mutex_);
    failures_.erase(key);
  }

 private:
  struct Failure {
    Fingerprint fingerprint;
    std::exception_ptr error;
    Clock::time_point until;
  };
  struct HashKey {
    std::size_t operator()(const Key& key) const noexcept { return hash_key(key, 0x9fb21c651e98df25); }
  };

  const Clock::duration lifetime_;
  std::mutex mutex_;
  std::unordered_map<Key, Failure, HashKey> failures_;
};

}  // namespace render_cache::detail
