// From a file's stat tuple to the digest of its content, within one process.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/file_identity.hpp>
#include <render_cache/entry/keys.hpp>

#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace render_cache {

/// What tells one state of a file from another, compared by equality. `changed` (ctime) catches what keeps the
/// modification time, such as mv and cp -p; device and inode catch another file under the same name.
struct FileStamp {
  std::uint64_t device, inode;
  std::int64_t bytes;
  std::int64_t modified, changed;  ///< nanoseconds since the epoch

  explicit FileStamp(const struct ::stat& state) noexcept
      : device(state.st_dev), inode(state.st_ino), bytes(state.st_size), modified(nanoseconds(state.st_mtim)),
        changed(nanoseconds(state.st_ctim)) {}
  friend bool operator==(const FileStamp&, const FileStamp&) = default;

  /// Whether the stamp was old enough at `now` that any later write must have left another one. File clocks tick
  /// at 4 ms on ext4 and at 2 s on the coarsest in use (FAT); a time in the future says nothing.
  [[nodiscard]] bool settled_at(std::int64_t now) const noexcept {
    constexpr std::int64_t settling = 2'000'000'000;
    return std::max(modified, changed) <= now - settling;
  }

 private:
  static std::int64_t nanoseconds(const ::timespec& time) noexcept {
    constexpr std::int64_t end = 9'000'000'000;  // seconds: the year 2255, beyond which nanoseconds overflow
    return std::clamp<std::int64_t>(time.tv_sec, -end, end) * 1'000'000'000 + time.tv_nsec;
  }
};

/// Bounded; when a shard is full it starts anew, which costs a re-read of each file and nothing else.
class StatMemo {
  using FileIdentity = detail::FileIdentity;

 public:
  explicit StatMemo(std::size_t capacity) : shard_capacity_(std::max<std::size_t>(capacity / shards, 1)) {}

  /// Now, by the clock that file times are taken from: nanoseconds since the epoch.
  static std::int64_t now() noexcept {
    ::timespec time;
    ::clock_gettime(CLOCK_REALTIME, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  }

  std::optional<std::string> recall(const FileIdentity& root, std::string_view path, const FileStamp& stamp) {
    const Place place{root, path};
    auto& shard = shard_of(place);
    const std::lock_guard lock(shard.mutex);
    const auto at = shard.known.find(place);
    if (at == shard.known.end() || !(at->second.stamp == stamp)) return std::nullopt;
    return at->second.digest;
  }

  /// Only for a stamp that had settled before the content was read.
  [[gnu::cold]] void remember(const FileIdentity& root, std::string_view path, const FileStamp& stamp, std::string_view digest) {
    const Place place{root, path};
    auto& shard = shard_of(place);
    const std::lock_guard lock(shard.mutex);
    if (const auto at = shard.known.find(place); at != shard.known.end()) {
      at->second = {stamp, std::string(digest)};
      return;
    }
    if (shard.known.size() >= shard_capacity_) shard.known.clear();
    shard.known.emplace(OwnedPlace{root, std::string(path)}, Known{stamp, std::string(digest)});
  }

 private:
  static constexpr std::size_t shards = 16;

  /// How a file was reached: below which root, by which path. Another way to the same file (a link, another root) has to be
  /// opened, and so checked, itself.
  template <class Path>
  struct BasicPlace {
    FileIdentity root;
    Path path;
  };
  using Place = BasicPlace<std::string_view>;
  using OwnedPlace = BasicPlace<std::string>;
  struct Known {
    FileStamp stamp;
    std::string digest;
  };
  struct HashPlace {
    using is_transparent = void;
    std::uint64_t seed;
    HashPlace() : seed(detail::random_seed()) {}
    std::size_t operator()(const auto& place) const noexcept {
      return detail::hash_bytes(place.path, detail::fold(place.root.inode ^ seed, place.root.device ^ 0xe7037ed1a0b428db));
    }
  };
  struct SamePlace {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const noexcept { return a.root == b.root && a.path == b.path; }
  };
  struct alignas(64) Shard {
    std::mutex mutex;
    std::unordered_map<OwnedPlace, Known, HashPlace, SamePlace> known;
  };

  Shard& shard_of(const Place& place) noexcept { return shards_[hash_(place) >> 60]; }

  const HashPlace hash_;
  const std::size_t shard_capacity_;
  std::array<Shard, shards> shards_;
};

}  // namespace render_cache
