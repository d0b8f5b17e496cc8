// A directory whose files may be read, and nothing outside it.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/file_identity.hpp>
#include <render_cache/entry/text.hpp>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace render_cache {

/// Why a file cannot be a source.
struct FileError : Error {
  /// What is wrong with it.
  enum class Kind : std::uint8_t {
    not_found,   ///< no such file
    not_a_file,  ///< a directory, a device, a pipe
    outside,     ///< the path leads out of its root
    unreadable,  ///< permission, or the disk failed
    too_large,   ///< above the hasher's limit
    torn,        ///< it changed under every attempt to read it
  };
  FileError(Kind kind_, const std::string& message) : Error(message), kind(kind_) {}
  Kind kind;  ///< for programs; the message is for people
};

namespace detail {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) noexcept : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

}  // namespace detail

/// An open directory. Paths are relative to it, with '/'; one that leads out of it, by ".." or by a symbolic link, is
/// refused by the kernel (openat2 with RESOLVE_BENEATH, Linux 5.6) while it is resolved, so that no rename can slip in between.
/// To be used from many threads at once.
class DocumentRoot {
 public:
  /// Which names may be part of a path, or of what its links lead to.
  enum class Names : std::uint8_t {
    all,
    visible,  ///< none that begins with a dot: such are refused as if they led out of the root
  };

  /// Throws FileError where it is no directory that can be read.
  explicit DocumentRoot(std::filesystem::path path, Names names = Names::all) : path_(std::move(path)), names_(names) {
    fd_ = detail::FileDescriptor(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct ::stat state;
    if (!fd_ || ::fstat(fd_.get(), &state) != 0) fail(errno, ".");
    identity_ = {state.st_dev, state.st_ino};
  }

  /// As it was given.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Which directory it is, whatever it is called; equal for two roots of the same one.
  [[nodiscard]] const detail::FileIdentity& identity() const noexcept { return identity_; }

  /// The state of what the path leads to. False where that is nothing, or outside; errno then says which.
  bool stat(const std::string& relative, struct ::stat& state) const noexcept {
    if (relative.find('\0') != relative.npos) return errno = ENOENT, false;
    if (is_visible_name(relative)) {  // nothing to resolve, unless it is a link: one system call in place of three
      if (::fstatat(fd_.get(), relative.c_str(), &state, AT_SYMLINK_NOFOLLOW) != 0) return false;
      if (!S_ISLNK(state.st_mode)) return true;
    }
    const auto found = resolve(relative.c_str(), O_PATH);
    return found && ::fstat(found.get(), &state) == 0;
  }

  /// Opens a regular file for reading; throws FileError.
  [[nodiscard]] detail::FileDescriptor open(const std::string& relative) const {
    if (relative.find('\0') != relative.npos) {
      throw FileError(FileError::Kind::not_found, where(relative.substr(0, relative.find('\0'))) + " is followed by a NUL byte");
    }
    // O_NONBLOCK: a pipe must not stop us before we have seen that it is one.
    auto file = resolve(relative.c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK);
    struct ::stat state;
    if (!file || ::fstat(file.get(), &state) != 0) fail(errno, relative);
    if (!S_ISREG(state.st_mode)) throw FileError(FileError::Kind::not_a_file, where(relative) + " is not a regular file");
    return file;
  }

  /// Throws the FileError for an `errno` that a system call on the file gave.
  [[noreturn, gnu::cold]] void fail(int error, const std::string& relative) const {
    const auto kind = error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG ? FileError::Kind::not_found
                      : error == EXDEV || error == ELOOP                           ? FileError::Kind::outside
                                                                                   : FileError::Kind::unreadable;
    throw FileError(kind, where(relative) + (kind == FileError::Kind::outside ? " leads out of its root" : "") + ": " +
                              std::generic_category().message(error));
  }
  /// The file's path in quotes, for messages.
  [[nodiscard]] std::string where(const std::string& relative) const {
    return '\'' + printable((path_ / relative).native()) + '\'';
  }

 private:
  /// Resolved afresh at each call, for a folder that was inside may be a link to the same folder outside by now. Where names
  /// count, a path without links is what it says; one with links is judged by where it has led.
  detail::FileDescriptor resolve(const char* relative, std::uint64_t flags) const noexcept {
    ::open_how how{};
    how.flags = flags | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    if (names_ == Names::all) return open_as(how, relative);
    if (has_hidden_name(relative)) return errno = EXDEV, detail::FileDescriptor();
    how.resolve |= RESOLVE_NO_SYMLINKS;
    auto found = open_as(how, relative);
    if (found || errno != ELOOP) return found;
    how.resolve &= ~std::uint64_t{RESOLVE_NO_SYMLINKS};
    found = open_as(how, relative);
    if (found && !is_visible(found)) return errno = EXDEV, detail::FileDescriptor();
    return found;
  }

  detail::FileDescriptor open_as(::open_how& how, const char* relative) const noexcept {
    for (int attempt = 0;; ++attempt) {
      detail::FileDescriptor found(static_cast<int>(::syscall(SYS_openat2, fd_.get(), relative, &how, sizeof how)));
      const bool raced = !found && (errno == EAGAIN || errno == EINTR);  // a rename, with the resolution
      if (!raced || attempt == 16) return found;
    }
  }

  /// Whether the path is the name of something in the root itself that may be named.
  bool is_visible_name(std::string_view path) const noexcept {
    return path.find('/') == path.npos && path != ".." && (names_ == Names::all || !has_hidden_name(path));
  }

  static bool has_hidden_name(std::string_view path) noexcept {
    return (path.starts_with('.') && path != ".") || path.find("/.") != path.npos;
  }

  /// Whether no name between the root and what was opened is hidden, by the paths that the kernel knows them by now.
  [[gnu::cold]] bool is_visible(const detail::FileDescriptor& found) const noexcept {
    char of_root[PATH_MAX], of_found[PATH_MAX];
    const auto root = path_of(fd_, of_root), path = path_of(found, of_found);
    if (root.empty() || !path.starts_with(root)) return false;
    return !has_hidden_name(path.substr(root.size()));
  }

  static std::string_view path_of(const detail::FileDescriptor& file, char (&path)[PATH_MAX]) noexcept {
    char link[32] = "/proc/self/fd/";
    *std::to_chars(link + 14, link + sizeof link - 1, file.get()).ptr = '\0';
    const auto length = ::readlink(link, path, sizeof path);
    return length > 0 ? std::string_view(path, static_cast<std::size_t>(length)) : std::string_view();
  }

  std::filesystem::path path_;
  Names names_;
  detail::FileDescriptor fd_;
  detail::FileIdentity identity_;
};

}  // namespace render_cache
