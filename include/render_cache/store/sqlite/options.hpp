// Where a SqliteStore keeps its file, and what it counts.
#pragma once

#include <render_cache/entry/prune.hpp>
#include <render_cache/sql/migration.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace render_cache {

/// Where a SqliteStore keeps its file, and how long it waits for it.
struct SqliteOptions {
  /// The database file; it is made when missing, its directory is not. Beside it lie `-wal`, `-shm` and `-lock`. It must
  /// be on a local file system: SQLite's write-ahead log does not work over a network.
  std::filesystem::path path{};
  /// Applied at opening, and again to each new file after one was lost. Empty: the table must be there.
  std::vector<Migration> migrations{};
  /// The table that records them.
  std::string migration_history = "render_cache_migrations";
  /// The file is complete, and nobody writes to it while a store has it open so. It is read without locks, log and shared memory, so
  /// it and its directory need not be writable; nothing is made or migrated, and what would change something throws StoreForbidden. A
  /// file that was not closed is refused. To bring a new one, rename it into its place.
  bool read_only = false;
  /// The most readers at once; each has a connection of its own, opened when needed.
  std::size_t readers = 8;
  /// The file holds nothing but caches: a damaged one is moved aside and begun anew. False for a file with other tables in it:
  /// then it is left as it is, and the store is unavailable until somebody mends it.
  bool disposable = true;
  /// How long a write waits for other writers, of this process or another, and a sweep for a free reader.
  std::chrono::milliseconds busy_timeout{2000};
  /// How long a look-up waits for a free reader, and for a program that keeps the file to itself; or as long as what was found and
  /// stored has taken to render, on average, if that is longer, but not longer than `busy_timeout`. It waits for no writer.
  std::chrono::milliseconds lookup_timeout{250};
  /// What the store is kept within when it is cleaned up. 4 GiB by default, some 300,000 pages of 12 KB: a cache that was forgotten
  /// fills no disk, and one that is used seldom meets it.
  Bounds bounds{.max_bytes = std::uint64_t{4} << 30};
};

/// A moment's numbers since the store was made.
struct SqliteStats {
  std::uint64_t reads = 0;  ///< turns of a reader: a look-up, a batch of them, a page of a sweep
  std::uint64_t writes = 0;  ///< turns of the writer: a publish, a batch of them, an erase
  std::uint64_t unreadable = 0;  ///< rows that could not be read
  std::uint64_t damaged = 0;  ///< rows that were not what was stored
  std::uint64_t reopened = 0;  ///< times the file had been deleted or replaced and was opened anew
  std::uint64_t corrupt = 0;  ///< times the file was corrupt, and was moved aside and begun anew
};

namespace detail {

/// How often, at most, the store looks whether the file is still there, and tries to open one that could not be opened.
inline constexpr std::chrono::seconds sqlite_recheck_interval{1};

}  // namespace detail
}  // namespace render_cache
