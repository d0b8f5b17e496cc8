// A store that is slow, fails, loses, repeats, reorders and lags, by a schedule that a seed repeats: to see what your own code does then.
//
//   FaultyStore store(inner, {.delays = 10, .errors = 20, .lost = 5}, seed);   // of 1,000 calls each
//   RenderCache cache(renderer, hasher, store);
//
// The claim holds whatever it does. An erase holds where publishes happen when they say so, and look-ups do not lag: without
// `duplicated`, `reordered` and `stale`. With `errors` and `lost` something is rendered that should have been stored.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/store.hpp>
#include <render_cache/entry/error.hpp>
#include <render_cache/laws/wrapped_store.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace render_cache::laws {

/// How many of 1,000 calls meet what.
struct Faults {
  unsigned delays = 0;  ///< are late, or their answers, by up to `longest_delay`
  unsigned errors = 0;  ///< throw StoreUnavailable; what they were to change has changed, or has not
  unsigned lost = 0;  ///< publishes that seem to have happened, and never do
  unsigned duplicated = 0;  ///< publishes that happen, and happen again after a few later calls for their key
  unsigned reordered = 0;  ///< publishes that seem to have happened, and happen after a few later calls for their key
  unsigned stale = 0;  ///< look-ups that get an answer of earlier, as from a standby that lags
  std::chrono::microseconds longest_delay{1000};  ///< of those that are late
};

/// Wraps any store, which must outlive it, and satisfies the concepts that it does. All members may be called from many threads at once.
///
/// Keys fall into 64 lines, by the seed. What the n-th call of a line meets follows from the seed, the line and n alone: calls in the same
/// order meet the same, whatever threads do meanwhile that work on other lines. Calls for many keys (batches, groups, clean-up) are a line of
/// their own.
template <class Inner>
class FaultyStore : public WrappedStore<Inner> {
  using Base = WrappedStore<Inner>;

 public:
  using typename Base::key_type;
  using typename Base::value_type;

  FaultyStore(Inner& inner, const Faults& faults, std::uint64_t seed) : Base(inner), faults_(faults), seed_(seed) {}

  /// How often what has happened, in the order of `Faults`.
  [[nodiscard]] std::array<std::uint64_t, 6> injected() const {
    std::array<std::uint64_t, 6> counts{};
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = injected_[i];
    return counts;
  }

  /// Lets happen now what is still to happen. What is left in the end never does.
  void settle() {
    for (auto& line : lines_) {
      std::deque<Late> due;
      {
        const std::lock_guard lock(line.mutex);
        due.swap(line.late);
      }
      for (auto& each : due) carry_out(each);
    }
  }

  Lookup<value_type> lookup(const key_type& key, const Fingerprint& fingerprint) {
    auto& line = line_of(key);
    auto fate = begin(line);
    return ask(fate, [&] {
      if (draws(faults_.stale, fate)) {
        if (auto earlier = recall(line, key, fingerprint, fate)) return std::move(*earlier);
      }
      return remember(line, key, Base::lookup(key, fingerprint));
    });
  }
  std::vector<Lookup<value_type>> lookup_many(std::span<const Query<key_type>> queries)
    requires HasLookupMany<Inner>
  {
    auto fate = begin(lines_.back());
    return ask(fate, [&] {
      auto found = render_cache::detail::lookup_each(this->inner(), queries);
      for (std::size_t i = 0; i < queries.size(); ++i) {
        const auto& [key, fingerprint] = queries[i];
        std::optional<Lookup<value_type>> earlier;
        if (draws(faults_.stale, fate)) earlier = recall(line_of(key), key, fingerprint, fate);
        found[i] = earlier ? std::move(*earlier) : remember(line_of(key), key, std::move(found[i]));
      }
      return found;
    });
  }
  std::optional<Aged<value_type>> lookup_stale(const key_type& key)
    requires HasLookupStale<Inner>
  {
    auto fate = begin(line_of(key));
    return ask(fate, [&] { return Base::lookup_stale(key); });
  }
  Lookup<value_type> lookup_latest(const key_type& key, const Fingerprint& fingerprint)
    requires HasLookupLatest<Inner>
  {
    auto fate = begin(line_of(key));
    return ask(fate, [&] { return Base::lookup_latest(key, fingerprint); });
  }

  void publish(const key_type& key, EntryPtr<value_type> entry) {
    put(line_of(key), [this, key, entry = std::move(entry)] { return Base::publish(key, entry), true; });
  }
  bool replace(const key_type& key, EntryPtr<value_type> entry, const Seen& seen)
    requires HasReplace<Inner>
  {
    return put(line_of(key), [this, key, entry = std::move(entry), seen] { return Base::replace(key, entry, seen); });
  }
  void publish_many(typename Base::Entries entries)
    requires HasPublishMany<Inner>
  {
    put(lines_.back(), [this, all = std::vector(entries.begin(), entries.end())] { return Base::publish_many(all), true; });
  }

  bool erase(const key_type& key) {
    auto fate = begin(line_of(key));
    return ask(fate, [&] { return Base::erase(key); });
  }
  std::size_t erase_group(const group_t<key_type>& group) {
    auto fate = begin(lines_.back());
    return ask(fate, [&] { return Base::erase_group(group); });
  }
  PruneReport prune(const KeepPredicate<key_type>& keep, const PruneOptions& options) {
    auto fate = begin(lines_.back());
    return ask(fate, [&] { return Base::prune(keep, options); });
  }

  LeaseAnswer acquire_lease(const key_type& key, const Fingerprint& fingerprint, const std::string& owner,
                            std::chrono::milliseconds time)
    requires HasLeases<Inner>
  {
    auto fate = begin(line_of(key));
    return ask(fate, [&] { return Base::acquire_lease(key, fingerprint, owner, time); });
  }
  void renew_leases(std::span<const Query<key_type>> held, const std::string& owner, std::chrono::milliseconds time)
    requires HasLeases<Inner>
  {
    auto fate = begin(lines_.back());
    ask(fate, [&] { return Base::renew_leases(held, owner, time), true; });
  }
  void release_lease(const key_type& key, const Fingerprint& fingerprint, const std::string& owner)
    requires HasLeases<Inner>
  {
    auto fate = begin(line_of(key));
    ask(fate, [&] { return Base::release_lease(key, fingerprint, owner), true; });
  }

 private:
  enum Fault : std::size_t { delays, errors, lost, duplicated, reordered, stale };
  struct Late {
    std::uint64_t due;  // after how many calls of its line
    std::function<void()> step;
  };
  /// The calls for some of the keys.
  struct Line {
    std::mutex mutex{};
    std::uint64_t calls = 0;
    std::deque<Late> late{};
    std::deque<std::pair<key_type, Lookup<value_type>>> answers{};  // the last ones, where look-ups lag
  };
  /// Random numbers of one call.
  struct Fate {
    std::uint64_t state;
    std::uint64_t call;
    std::uint64_t next() noexcept { return state = render_cache::detail::hash_value(call, state); }
  };

  Line& line_of(const key_type& key) noexcept { return lines_[hash_key(key, seed_) % (lines_.size() - 1)]; }

  static bool draws(unsigned of_thousand, Fate& fate) { return of_thousand > 0 && fate.next() % 1000 < of_thousand; }
  bool happens(Fault fault, unsigned of_thousand, Fate& fate) {
    if (!draws(of_thousand, fate)) return false;
    ++injected_[fault];
    return true;
  }

  /// Begins a call: what is late and due by now comes first.
  Fate begin(Line& line) {
    std::vector<Late> due;
    std::uint64_t call;
    {
      const std::lock_guard lock(line.mutex);
      call = ++line.calls;
      const auto is_due = [&](const Late& each) { return each.due <= call; };
      std::copy_if(line.late.begin(), line.late.end(), std::back_inserter(due), is_due);
      std::erase_if(line.late, is_due);
    }
    for (auto& each : due) carry_out(each);
    const auto number = static_cast<std::uint64_t>(&line - lines_.data());
    return {render_cache::detail::hash_value(number, seed_), call};
  }
  static void carry_out(Late& late) {
    try {
      late.step();
    } catch (const StoreError&) {  // nobody waits for it any longer
    }
  }

  /// A call that may be late and may fail, before it happens or after.
  template <class Call>
  auto ask(Fate& fate, Call&& call) {
    const bool late = happens(delays, faults_.delays, fate), answers_late = fate.next() % 2 == 0;
    const auto longest = static_cast<std::uint64_t>(faults_.longest_delay.count());
    const std::chrono::microseconds delay(late ? fate.next() % (longest + 1) : 0);
    if (late && !answers_late) std::this_thread::sleep_for(delay);
    const bool fails = happens(errors, faults_.errors, fate);
    if (fails && fate.next() % 2 == 0) throw StoreUnavailable("a fault was injected: the store was not reached");
    auto answer = call();
    if (late && answers_late) std::this_thread::sleep_for(delay);
    if (fails) throw StoreUnavailable("a fault was injected: the answer was lost");
    return answer;
  }

  /// A publish; `step` says whether it has happened.
  template <class Step>
  bool put(Line& line, Step step) {
    auto fate = begin(line);
    return ask(fate, [&] {
      if (happens(lost, faults_.lost, fate)) return true;
      const bool later = happens(reordered, faults_.reordered, fate);
      if (later || happens(duplicated, faults_.duplicated, fate)) {
        const std::lock_guard lock(line.mutex);
        line.late.push_back({line.calls + 1 + fate.next() % 4, [step] { step(); }});
      }
      return later || step();
    });
  }

  Lookup<value_type> remember(Line& line, const key_type& key, Lookup<value_type> answer) {
    if (faults_.stale == 0) return answer;
    const std::lock_guard lock(line.mutex);
    line.answers.emplace_back(key, answer);
    if (line.answers.size() > 16) line.answers.pop_front();
    return answer;
  }
  /// An answer of earlier that is one to this question, too.
  std::optional<Lookup<value_type>> recall(Line& line, const key_type& key, const Fingerprint& fingerprint, Fate& fate) {
    const std::lock_guard lock(line.mutex);
    const auto count = line.answers.size();
    for (std::size_t i = 0, first = fate.next() % (count + 1); i < count; ++i) {
      const auto& [of, answer] = line.answers[(first + i) % count];
      if (!(of == key)) continue;
      const bool hit = answer.entry && answer.entry->fingerprint == fingerprint;
      if (hit || (!answer.entry && answer.stored != fingerprint)) {
        ++injected_[stale];
        return answer;
      }
    }
    return std::nullopt;
  }

  const Faults faults_;
  const std::uint64_t seed_;
  std::array<Line, 65> lines_{};  // the last one is of calls for many keys
  std::array<std::atomic<std::uint64_t>, 6> injected_{};
};

}  // namespace render_cache::laws
