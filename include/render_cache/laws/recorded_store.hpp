// A store that takes down what happens to it: publishes, removals, leases.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/store.hpp>
#include <render_cache/laws/history.hpp>
#include <render_cache/laws/wrapped_store.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache::laws {

/// Wraps any store, which must outlive it, and satisfies the concepts that it does. Of tiers it belongs around the far one, which
/// processes share. Faults belong around it: what is taken down is what really happens. Keys are named by `describe_key`.
template <class Inner>
class RecordedStore : public WrappedStore<Inner> {
  using Base = WrappedStore<Inner>;

 public:
  using typename Base::key_type;
  using typename Base::value_type;

  /// `log` outlives the store.
  RecordedStore(Inner& inner, Log& log) : Base(inner), log_(log) {}

  void publish(const key_type& key, EntryPtr<value_type> entry) {
    const auto call = Log::now();
    attempt(describe_key(key), [&] { Base::publish(key, entry); });
    published(key, *entry, call);
  }
  bool replace(const key_type& key, EntryPtr<value_type> entry, const Seen& seen)
    requires HasReplace<Inner>
  {
    const auto call = Log::now();
    bool replaced = false;
    attempt(describe_key(key), [&] { replaced = Base::replace(key, entry, seen); });
    if (replaced) published(key, *entry, call);
    return replaced;
  }
  void publish_many(typename Base::Entries entries)
    requires HasPublishMany<Inner>
  {
    const auto call = Log::now();
    attempt({}, [&] { Base::publish_many(entries); });
    for (const auto& [key, entry] : entries) published(key, *entry, call);
  }

  bool erase(const key_type& key) {
    const Change change(log_, describe_key(key));
    return Base::erase(key);
  }
  std::size_t erase_group(const group_t<key_type>& group) {
    const Change change(log_);
    return Base::erase_group(group);
  }
  PruneReport prune(const KeepPredicate<key_type>& keep, const PruneOptions& options) {
    const Change change(log_);
    return Base::prune(keep, options);
  }
  /// As the wrapped store's.
  PruneReport prune_to(const Bounds& bounds, const PruneOptions& options = {}, const KeepPredicate<key_type>& stays = {})
    requires HasBounds<Inner>
  {
    const Change change(log_);
    return Base::prune_to(bounds, options, stays);
  }
  /// As the wrapped store's.
  PruneReport prune_groups(std::string_view live_query, const auto& options)
    requires requires(Inner store) { store.prune_groups(live_query, options); }
  {
    const Change change(log_);
    return Base::prune_groups(live_query, options);
  }

  LeaseAnswer acquire_lease(const key_type& key, const Fingerprint& fingerprint, const std::string& owner,
                            std::chrono::milliseconds time)
    requires HasLeases<Inner>
  {
    const auto asked = Log::now();
    const auto answer = Base::acquire_lease(key, fingerprint, owner, time);
    if (answer == LeaseAnswer::granted) {
      const std::lock_guard lock(mutex_);
      leases_.push_back({key, fingerprint, owner, Log::now(), asked + std::chrono::nanoseconds(time).count()});
    }
    return answer;
  }
  void renew_leases(std::span<const Query<key_type>> held, const std::string& owner, std::chrono::milliseconds time)
    requires HasLeases<Inner>
  {
    const auto asked = Log::now();
    Base::renew_leases(held, owner, time);
    const std::lock_guard lock(mutex_);
    for (auto& lease : leases_) {
      const bool renewed = std::any_of(held.begin(), held.end(), [&](const auto& each) {
        return each.key == lease.key && each.fingerprint == lease.fingerprint;
      });
      // Whether one that was late has been renewed or is another's by now is not known.
      if (renewed && lease.owner == owner && Log::now() < lease.until)
        lease.until = asked + std::chrono::nanoseconds(time).count();
    }
  }
  void release_lease(const key_type& key, const Fingerprint& fingerprint, const std::string& owner)
    requires HasLeases<Inner>
  {
    const auto asked = Log::now();
    Base::release_lease(key, fingerprint, owner);
    const std::lock_guard lock(mutex_);
    std::erase_if(leases_, [&](const Lease& lease) {
      if (!(lease.key == key) || !(lease.fingerprint == fingerprint) || lease.owner != owner) return false;
      if (lease.since < lease.until) {
        log_.add(Event::Kind::lease, describe_key(key), fingerprint.text(), lease.since, std::min(asked, lease.until));
      }
      return true;
    });
  }

 private:
  /// Takes down that something may have been changed until its end, of a key or of any.
  struct Change {
    explicit Change(Log& into, std::string of = {}) : log(into), key(std::move(of)) {}
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;
    ~Change() { log.add(Event::Kind::change, key, {}, call, Log::now()); }

    Log& log;
    const std::string key;
    const std::int64_t call = Log::now();
  };
  struct Lease {
    key_type key;
    Fingerprint fingerprint;
    std::string owner;
    std::int64_t since, until;  // surely
  };

  /// A publish that throws may have happened.
  template <class Publish>
  void attempt(const std::string& key, Publish&& publish) {
    const auto call = Log::now();
    try {
      publish();
    } catch (...) {
      log_.add(Event::Kind::change, key, {}, call, Log::now());
      throw;
    }
  }
  void published(const key_type& key, const Entry<value_type>& entry, std::int64_t call) {
    log_.add(Event::Kind::publish, describe_key(key), entry.fingerprint.text(), call, Log::now());
  }

  Log& log_;
  std::mutex mutex_;
  std::vector<Lease> leases_;
};

}  // namespace render_cache::laws
