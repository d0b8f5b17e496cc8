// A directory whose files may be read, and nothing outside it.
#pragma once

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/file_identity.hpp>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace render_cache {

/// Why a file cannot be a source.
struct FileError : Error {
  enum class Kind : std::uint8_t {
    not_found,   ///< no such file
    not_a_file,  ///< a directory, a device, a pipe
    outside,     ///< the path leads out of its root
    unreadable,  ///< permission, or the disk failed
    too_large,   ///< above the hasher's limit
    torn,        ///< it changed under every attempt to read it
  };
  FileError(Kind kind_, const std::string& message) : Error(message), kind(kind_) {}
  Kind kind;
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
class DocumentRoot {
 public:
  /// Throws FileError where it is no directory that can be read.
  explicit DocumentRoot(std::filesystem::path path) : path_(std::move(path)) {
    fd_ = detail::FileDescriptor(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct ::stat state;
    if (!fd_ || ::fstat(fd_.get(), &state) != 0) fail(errno, ".");
    identity_ = {state.st_dev, state.st_ino};
  }

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] const detail::FileIdentity& identity() const noexcept { return identity_; }

  /// The state of a file in one system call; following links, so to be compared only with that of a file opened before.
  /// False where there is none.
  bool stat(const std::string& relative, struct ::stat& state) const noexcept {
    return ::fstatat(fd_.get(), relative.c_str(), &state, 0) == 0;
  }

  /// Opens a regular file for reading; throws FileError.
  [[nodiscard]] detail::FileDescriptor open(const std::string& relative) const {
    if (relative.find('\0') != relative.npos) {
      throw FileError(FileError::Kind::not_found, "'" + relative.substr(0, relative.find('\0')) + "' is followed by a NUL byte");
    }
    // O_NONBLOCK: a pipe must not stop us before we have seen that it is one.
    ::open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    for (int attempt = 0;; ++attempt) {
      detail::FileDescriptor file(static_cast<int>(::syscall(SYS_openat2, fd_.get(), relative.c_str(), &how, sizeof how)));
      if (!file) {
        if ((errno == EAGAIN || errno == EINTR) && attempt < 16) continue;  // a rename raced with the resolution
        fail(errno, relative);
      }
      struct ::stat state;
      if (::fstat(file.get(), &state) != 0) fail(errno, relative);
      if (!S_ISREG(state.st_mode)) throw FileError(FileError::Kind::not_a_file, where(relative) + " is not a regular file");
      return file;
    }
  }

  [[noreturn]] void fail(int error, const std::string& relative) const {
    const auto kind = error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG ? FileError::Kind::not_found
                      : error == EXDEV || error == ELOOP                           ? FileError::Kind::outside
                                                                                   : FileError::Kind::unreadable;
    throw FileError(kind, where(relative) + (kind == FileError::Kind::outside ? " leads out of its root" : "") + ": " +
                              std::generic_category().message(error));
  }
  [[nodiscard]] std::string where(const std::string& relative) const {
    return std::string("'").append(path_ / relative).append("'");
  }

 private:
  std::filesystem::path path_;
  detail::FileDescriptor fd_;
  detail::FileIdentity identity_;
};

}  // namespace render_cache
