// Clean-up: which entries go, how carefully, and what was done.
#pragma once

#include <render_cache/requirements.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>

namespace render_cache {

/// What a sweep did.
struct PruneReport {
  /// Entries looked at: by a predicate all of them, by a query of live groups those of dead groups alone, in a dry run too.
  std::size_t examined = 0;
  std::size_t removed = 0;     ///< entries removed, or that would be in a dry run
  std::size_t kept_newer = 0;  ///< doomed entries that were published after the sweep had started, and so were kept
  bool stopped = false;        ///< the sweep was asked to stop before its end
  std::size_t groups = 0;      ///< groups with entries that a query of live groups was compared with
  std::size_t dead_groups = 0;  ///< those of them that it does not name
  friend bool operator==(const PruneReport&, const PruneReport&) = default;
};

/// How a sweep goes about it.
struct PruneOptions {
  bool dry_run = false;          ///< count and change nothing
  std::size_t batch = 1000;      ///< the most entries a transaction, so that no lock is held for long
  std::stop_token stop{};        ///< looked at between batches
  std::function<void(const PruneReport&)> progress{};  ///< called after each batch with the counts so far
  std::chrono::milliseconds query_timeout{60'000};     ///< for the query of live groups; zero: none
};

/// How much a cache in a database may hold. What goes beyond goes when it is cleaned up, oldest first. Zero is refused: it would be
/// everything.
struct Bounds {
  /// Since the entry was last published; a read does not renew it.
  std::optional<std::chrono::microseconds> max_age{};
  /// What the columns of all entries take together, as the database stores them. Indexes and pages that are not full come on top.
  std::optional<std::uint64_t> max_bytes{};
  friend bool operator==(const Bounds&, const Bounds&) = default;
};

/// Says whether the key's source still exists. An exception ends the sweep; what was removed before stays removed.
template <class Key>
using KeepPredicate = std::function<bool(const Key&)>;

}  // namespace render_cache
