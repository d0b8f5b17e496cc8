// The files of a database as the file system sees them.
#pragma once

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/file_identity.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace render_cache::detail {

/// Remembers the file at a path and sees by one fstat(2), without walking the path again, whether it was deleted or
/// replaced. It is no opening of the file (O_PATH): closing that would drop the locks of SQLite's own descriptors.
class FileMark {
 public:
  explicit FileMark(const std::string& path) noexcept : file_(::open(path.c_str(), O_PATH | O_CLOEXEC)) {}
  FileMark(const FileMark&) = delete;
  FileMark& operator=(const FileMark&) = delete;
  ~FileMark() {
    if (file_ >= 0) ::close(file_);
  }
  [[nodiscard]] bool deleted() const noexcept {
    struct ::stat status;
    return ::fstat(file_, &status) != 0 || status.st_nlink == 0;
  }

 private:
  int file_;
};

/// What SQLite keeps beside a database in WAL mode.
inline constexpr std::array<std::string_view, 2> sqlite_side_files{"-wal", "-shm"};

/// The identities of a database and of its side files.
struct SqliteFiles {
  FileIdentity database;
  std::array<FileIdentity, 2> side;
};

inline SqliteFiles identify_sqlite_files(const std::string& path) noexcept {
  SqliteFiles files{identity_of(path), {}};
  for (std::size_t at = 0; at < files.side.size(); ++at) files.side[at] = identity_of(path + std::string(sqlite_side_files[at]));
  return files;
}

/// Whether something that belongs to the database is in a log beside it: somebody writes, or was killed when he did.
inline bool has_log(const std::string& path) noexcept {
  struct ::stat status;
  for (const auto log : {"-wal", "-journal"}) {
    if (::stat((path + log).c_str(), &status) == 0 && status.st_size > 0) return true;
  }
  return false;
}

/// When its bytes, its names or its rights were changed last: nanoseconds since 1970; 0 where there is none.
inline std::int64_t changed_at(const std::string& path) noexcept {
  struct ::stat status;
  if (::stat(path.c_str(), &status) != 0) return 0;
  return std::int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec;
}

/// Removes the log that a deleted or replaced database has left behind: SQLite would apply it to the new one. Only files
/// that belonged to the lost one, which must still be open, or its inodes' numbers may mean other files.
[[gnu::cold]] inline void remove_orphans(const std::string& path, const SqliteFiles& lost) noexcept {
  if (identity_of(path) == lost.database) return;
  for (std::size_t at = 0; at < lost.side.size(); ++at) {
    const auto side = path + std::string(sqlite_side_files[at]);
    std::error_code ignored;
    if (lost.side[at] != FileIdentity{} && identity_of(side) == lost.side[at]) std::filesystem::remove(side, ignored);
  }
}

/// Renames a damaged database and its side files to `PATH.corrupt-1`, or the first number that is free.
[[gnu::cold]] inline void set_aside(const std::string& path) {
  std::string aside;
  std::error_code error;  // a name that is too long is not there: the renaming says so
  for (int number = 1; aside.empty() || std::filesystem::exists(aside, error); ++number) {
    aside = path + ".corrupt-" + std::to_string(number);
  }
  std::filesystem::rename(path, aside, error);
  if (error) throw StoreUnavailable("'" + path + "' is damaged and cannot be moved to '" + aside + "': " + error.message());
  for (const auto side : sqlite_side_files) {
    std::error_code none;  // there may be none
    std::filesystem::rename(path + std::string(side), aside + std::string(side), none);
  }
}

/// The path by which all processes know the file: SQLite names its side files after what a link leads to.
inline std::filesystem::path canonical_place(const std::filesystem::path& path) {
  std::error_code error;
  auto place = std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  return error || path.empty() ? path : place;
}

/// Says in words why no database can be at the path.
[[gnu::cold]] inline void check_place(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  const auto fail = [&](const std::string& what) { throw StoreUnavailable("SQLite, '" + path.string() + "': " + what); };
  std::error_code error;
  if (path.filename().empty() || path.filename() == ":memory:") fail("a file name is needed; without a file use MemoryStore");
  const auto directory = fs::status(path.parent_path(), error);
  if (!fs::exists(directory)) fail("the directory does not exist: create it");
  if (!fs::is_directory(directory)) fail("its parent is no directory");
  const auto status = fs::status(path, error);
  if (fs::is_directory(status)) fail("is a directory: name a file in it");
  if (fs::exists(status) && !fs::is_regular_file(status)) fail("is no regular file");
}

}  // namespace render_cache::detail
