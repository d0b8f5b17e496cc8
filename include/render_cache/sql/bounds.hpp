// How the SQL stores are kept within bounds: what is too old goes, and then what is oldest until the rest is small enough.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/keys.hpp>
#include <render_cache/entry/prune.hpp>
#include <render_cache/entry/text_form.hpp>
#include <render_cache/entry/types.hpp>
#include <render_cache/sql/connection.hpp>
#include <render_cache/sql/sweep.hpp>

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache {

/// An entry that a sweep to bounds has read.
template <class Key>
struct SurveyedKey : SweptKey<Key> {
  std::optional<Timestamp> time{};  ///< of its last publish, unless that is none
  std::uint64_t bytes = 0;          ///< what its columns take, where that was asked for
};

/// At most what a table's rows take, found without reading them; nothing where the engine does not know.
template <SchemaConnection Connection>
std::optional<std::uint64_t> table_bytes(Connection& connection, std::string_view table) {
  const auto rows = detail::query(connection, Connection::Dialect::table_bytes, {std::string(table)});
  if (rows.empty() || !rows[0][0]) return {};
  return from_text<std::uint64_t>(*rows[0][0]);
}

namespace detail {

/// The order in which entries go. Among those of one time a number made of the key decides, so that all nodes, and a sweep that goes
/// on where another one ended, choose the same.
struct Seniority {
  Timestamp time = Timestamp::min();
  std::uint64_t number = 0;
  friend auto operator<=>(const Seniority&, const Seniority&) = default;
};

/// The sizes of many entries: their sum, and where to cut so that the rest fits. It is exact for as many as are kept in memory, 8 MB;
/// of more it keeps every second one, every fourth one and so on, by their numbers. A template, so that programs which never clean up do
/// not compile it.
template <class Entry = Seniority>
class SizeSurvey {
 public:
  static constexpr std::size_t room = std::size_t{1} << 18;

  /// One that cannot go takes room all the same.
  void add_newer(std::uint64_t bytes) { total_ += bytes; }
  void add(const Entry& entry, std::uint64_t bytes) {
    total_ += bytes;
    old_ += bytes;
    if (sample_.size() == room) {
      mask_ = 2 * mask_ + 1;
      std::erase_if(sample_, [&](const auto& one) { return !is_kept(one.first); });
    }
    if (is_kept(entry)) sample_.emplace_back(entry, bytes);
  }

  /// The first entry that can stay: those before it go.
  [[nodiscard]] Entry first_to_stay(std::uint64_t max_bytes) {
    if (total_ <= max_bytes) return {};
    std::ranges::sort(sample_);
    std::uint64_t sampled = 0;
    for (const auto& one : sample_) sampled += one.second;
    // Of the sample as much as of the whole; the quotient is 1 where the one is the other.
    const double excess = static_cast<double>(total_ - max_bytes) * (static_cast<double>(sampled) / static_cast<double>(old_));
    double gone = 0;
    for (const auto& [entry, bytes] : sample_) {
      if (gone >= excess) return entry;
      gone += static_cast<double>(bytes);
    }
    return {Timestamp::max(), std::numeric_limits<std::uint64_t>::max()};
  }

 private:
  [[nodiscard]] bool is_kept(const Entry& entry) const { return (entry.number & mask_) == 0; }

  std::uint64_t total_ = 0, old_ = 0, mask_ = 0;
  std::vector<std::pair<Entry, std::uint64_t>> sample_;
};

inline void check_bounds(const Bounds& bounds) {
  if ((bounds.max_age && bounds.max_age->count() <= 0) || bounds.max_bytes == 0u) {
    throw StoreError("a bound of zero would remove every entry: leave max_age or max_bytes empty for none");
  }
}

}  // namespace detail

/// `prune_to` of a SQL store. `start` is the sweep's; `size()` gives `table_bytes`; `page(after, limit, with_bytes)` and `erase_older` are as in
/// `sweep`. Entries for which `stays` says false are passed over: another sweep removes them.
template <class Key, class Size, class Page, class EraseOlder>
PruneReport sweep_to_bounds(const Bounds& bounds, const PruneOptions& options, const KeepPredicate<Key>& stays,
                            std::string_view start, Size size, Page page, EraseOlder erase_older) {
  detail::check_bounds(bounds);
  bool too_large = false;
  if (bounds.max_bytes) {
    const std::optional<std::uint64_t> most = size();
    too_large = !most || *most > *bounds.max_bytes;
  }
  if (!bounds.max_age && !too_large) return {};

  const auto now = from_text<Timestamp>(start);
  if (!now) throw StoreError("the store's clock says '" + std::string(start) + "', which is no time");
  // What has no time that can be is older than all else. A clock's minute is that of `Sql`'s sweeps.
  const auto time_of = [&](const SurveyedKey<Key>& one) {
    return one.time && *one.time <= *now + std::chrono::minutes(1) ? *one.time : Timestamp::min();
  };
  const auto seniority_of = [&](const SurveyedKey<Key>& one) { return detail::Seniority{time_of(one), hash_key(one.key, 0)}; };

  detail::Sweep<Key, EraseOlder> sweep(options, erase_older);
  /// `each(entry)` for every one that can be asked for; it dooms some.
  const auto pass = [&](bool with_bytes, auto each) {
    std::vector<SurveyedKey<Key>> keys;
    do {
      if (sweep.stopped()) return;
      keys = page(keys.empty() ? static_cast<const Key*>(nullptr) : &keys.back().key, sweep.limit(), with_bytes);
      for (const auto& one : keys) {
        if (!stays || stays(one.key)) each(one);
      }
      sweep.erase();
    } while (keys.size() == sweep.limit());
  };

  const auto oldest = bounds.max_age ? *now - *bounds.max_age : Timestamp::min();
  detail::SizeSurvey<> sizes;
  pass(too_large, [&](const SurveyedKey<Key>& one) {
    ++sweep.report.examined;
    if (one.newer) {
      sizes.add_newer(one.bytes);
    } else if (time_of(one) < oldest) {
      sweep.doom(one);
    } else if (too_large) {
      sizes.add(seniority_of(one), one.bytes);
    }
  });
  if (!too_large) return sweep.report;
  const auto first_to_stay = sizes.first_to_stay(*bounds.max_bytes);
  if (first_to_stay == detail::Seniority{}) return sweep.report;
  pass(false, [&](const SurveyedKey<Key>& one) {
    // What is too old has gone, or in a dry run been counted.
    if (time_of(one) >= oldest && seniority_of(one) < first_to_stay) sweep.doom(one);
  });
  return sweep.report;
}

}  // namespace render_cache
