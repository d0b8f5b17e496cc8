// How the SQL stores clean up: in batches, no lock held while the caller is asked, nothing removed that is new.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/field.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/entry/prune.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace render_cache {

/// What `prune_groups` does when the query of live groups names none.
enum class WhenNoneLive : std::uint8_t {
  refuse,     ///< throws StoreError: an empty answer usually is a mistake
  erase_all,  ///< every group is dead
};

/// The most rows that a query of live groups may have. They are kept in memory, at some 100 bytes each.
inline constexpr std::size_t max_live_groups = 1'000'000;

/// A key that a sweep has read.
template <class Key>
struct SweptKey {
  Key key;     ///< as it is stored
  bool newer;  ///< published since the sweep started
};

/// What became of the keys that a sweep wanted to erase. Those that are in neither number are gone: somebody else has erased them.
struct Erased {
  std::size_t removed = 0;  ///< by the sweep
  std::size_t newer = 0;  ///< published since the sweep started, and so kept
};

namespace detail {

/// Counts what is doomed, and erases it batch by batch.
template <class Key, class EraseOlder>
class Sweep {
 public:
  Sweep(const PruneOptions& options, EraseOlder& erase_older)
      : options_(options), erase_older_(erase_older), limit_(std::clamp<std::size_t>(options.batch, 1, 1'000'000)) {}

  bool stopped() { return report.stopped = options_.stop.stop_requested(); }
  /// How many keys there are in a batch, and how many more go into this one.
  [[nodiscard]] std::size_t limit() const { return limit_; }
  [[nodiscard]] std::size_t room() const { return limit_ - doomed_.size(); }

  void doom(const SweptKey<Key>& swept) {
    if (swept.newer) {
      ++report.kept_newer;
    } else {
      doomed_.push_back(swept.key);
    }
  }

  void erase() {
    const Erased done =
        options_.dry_run || doomed_.empty() ? Erased{.removed = doomed_.size()} : erase_older_(std::span<const Key>(doomed_));
    report.removed += done.removed;
    report.kept_newer += done.newer;
    doomed_.clear();
    if (options_.progress) options_.progress(report);
  }

  PruneReport report;

 private:
  const PruneOptions& options_;
  EraseOlder& erase_older_;
  const std::size_t limit_;
  std::vector<Key> doomed_;
};

}  // namespace detail

/// `prune` of a SQL store. `page(after, limit)` reads the keys that follow `*after`, or the first ones where it is null, in key order;
/// `erase_older(keys)` erases those not published since the start, and says what it did (`Erased`).
template <class Key, class Page, class EraseOlder>
PruneReport sweep(const KeepPredicate<Key>& keep, const PruneOptions& options, Page page, EraseOlder erase_older) {
  detail::Sweep<Key, EraseOlder> sweep(options, erase_older);
  std::vector<SweptKey<Key>> keys;
  do {
    if (sweep.stopped()) break;
    // The last key of the page before tells where this one starts: it need not exist any more.
    keys = page(keys.empty() ? static_cast<const Key*>(nullptr) : &keys.back().key, sweep.limit());
    for (const auto& swept : keys) {
      if (!keep(swept.key)) sweep.doom(swept);
    }
    sweep.report.examined += keys.size();
    sweep.erase();
  } while (keys.size() == sweep.limit());
  return sweep.report;
}

/// `prune_groups` of a SQL store. `groups(after, limit)` reads the groups that have entries, each once, as `page` in `sweep` reads keys;
/// `lives(group)` is asked for each; `page(group, after, limit)` reads the keys of those that do not live. Small groups share a batch.
template <class Key, class Lives, class Groups, class Page, class EraseOlder>
PruneReport sweep_groups(const Lives& lives, const PruneOptions& options, Groups groups, Page page, EraseOlder erase_older) {
  constexpr std::size_t groups_at_once = 1000;
  detail::Sweep<Key, EraseOlder> sweep(options, erase_older);
  std::vector<group_t<Key>> some;
  do {
    some = groups(some.empty() ? static_cast<const group_t<Key>*>(nullptr) : &some.back(), groups_at_once);
    for (const auto& group : some) {
      ++sweep.report.groups;
      if (lives(group)) continue;
      ++sweep.report.dead_groups;
      std::vector<SweptKey<Key>> keys;
      for (std::size_t asked = 0; keys.size() == asked;) {
        if (sweep.stopped()) return sweep.report;
        asked = sweep.room();
        keys = page(group, keys.empty() ? static_cast<const Key*>(nullptr) : &keys.back().key, asked);
        for (const auto& swept : keys) sweep.doom(swept);
        sweep.report.examined += keys.size();
        if (sweep.room() == 0) sweep.erase();
      }
    }
    sweep.erase();
  } while (some.size() == groups_at_once);
  return sweep.report;
}

/// The groups that live, as a query has named them: what `sweep_groups` asks.
template <class Key>
class LiveGroups {
 public:
  /// One of them.
  void add(const group_t<Key>& group) { names_.insert(name(group)); }
  /// Whether it was named.
  [[nodiscard]] bool operator()(const group_t<Key>& group) const { return names_.contains(name(group)); }

  /// Throws StoreError for what is not to be taken at its word.
  void check(std::size_t rows, WhenNoneLive when_none) const {
    if (rows > max_live_groups) {
      throw StoreError("the query of live groups has more than " + std::to_string(max_live_groups) +
                       " rows; let it name each group once (SELECT DISTINCT)");
    }
    if (names_.empty() && when_none == WhenNoneLive::refuse) {
      throw StoreError(
          "the query of live groups names none, so every entry would be removed, which usually is a mistake: nothing was");
    }
  }

 private:
  static std::string name(const group_t<Key>& group) { return detail::text_of(detail::to_field(group)); }
  std::unordered_set<std::string> names_;
};

/// Throws what stands for an operator's query that the database refuses.
[[noreturn, gnu::cold]] inline void refuse_live_query(std::string_view why) {
  throw StoreError("the query of live groups must be one SELECT of one column, of the groups' type, that changes nothing: " +
                   std::string(why));
}

/// Throws what stands for one that took too long.
[[noreturn, gnu::cold]] inline void give_up_live_query(std::chrono::milliseconds timeout) {
  throw StoreUnavailable("the query of live groups took longer than " + std::to_string(timeout.count()) +
                         " ms; make it quicker, or raise PruneOptions::query_timeout");
}

}  // namespace render_cache
