// Files as sources: fingerprinted by their content, verified by one stat.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/hasher.hpp>
#include <render_cache/concepts/source.hpp>
#include <render_cache/hasher/document_root.hpp>
#include <render_cache/hasher/stat_memo.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace render_cache {

/// A file below a root, by its path from there.
struct FileSource {
  std::shared_ptr<const DocumentRoot> root;  ///< not null; shared by all sources below it
  std::string path;                          ///< relative, with '/'
};
/// A copy shares the root.
template <>
inline constexpr bool outlives_call<FileSource> = true;

/// When a file was last written, as far as its clock tells.
struct FileTime {
  std::chrono::sys_time<std::chrono::nanoseconds> modified;  ///< `st_mtim`
  std::uint64_t bytes = 0;                                   ///< `st_size`
  bool settled = false;  ///< false while a later change might leave no trace in these: use the content then
};

/// Limits of a FileHasher.
struct FileHasherOptions {
  std::size_t max_bytes = std::size_t{64} << 20;  ///< a larger file is a FileError (too_large)
  std::size_t memo_entries = 1 << 17;             ///< files whose digest is remembered, about 300 bytes each
  bool always_read = false;                       ///< hash the content each time, whatever the file's stamps say
};

/// Hashes the content, so that nodes whose checkouts have other file times agree; remembers the digest by the file's stat
/// tuple, as git's index does, so that a read costs one stat. A tuple is trusted only when it had settled by the time the
/// content was read; until then the content is hashed each time. `freeze` gives the very bytes that were hashed.
///
/// The claim is as good as the file's stamps. A write through a shared mapping to a page that is dirty already leaves none, and a
/// network file system may tell late: `always_read` is for such files, and costs a read and a hash each time.
///
/// Members throw FileError. Movable; to be used from many threads at once.
template <class Text>
class FileHasher {
  static_assert(check_text_hasher<Text>());

 public:
  /// Why a file cannot be a source.
  using Kind = FileError::Kind;

  FileHasher() : FileHasher(Text{}) {}
  explicit FileHasher(Text text, FileHasherOptions options = {})
      : text_(std::move(text)), max_bytes_(options.max_bytes), always_read_(options.always_read),
        memo_(std::make_unique<StatMemo>(options.memo_entries)) {}

  [[nodiscard]] Fingerprint components(const FileSource& file) const {
    return std::move(Fingerprint().add("source", required_digest(file)));
  }

  /// As `components`, by one stat and the memo alone: nothing where the content would have to be read. For a thread that
  /// must not wait for a disk.
  [[nodiscard]] std::optional<Fingerprint> components_near(const FileSource& file) const {
    const auto known = recall(file);
    return known ? std::optional(Fingerprint().add("source", *known)) : std::nullopt;
  }

  [[nodiscard]] Frozen<std::string> freeze(const FileSource& file) const {
    auto content = read(file);
    return {std::move(Fingerprint().add("source", content.digest)), std::move(content.text)};
  }

  /// The content's digest, for a composite fingerprint; nothing where there is no such file.
  [[nodiscard]] std::optional<std::string> digest(const FileSource& file) const {
    try {
      return required_digest(file);
    } catch (const FileError& error) {
      if (error.kind == Kind::not_found) return std::nullopt;
      throw;
    }
  }

  /// The file's time, for a composite fingerprint on one machine; nothing where there is no such file.
  [[nodiscard]] std::optional<FileTime> time(const FileSource& file) const {
    struct ::stat state;
    const auto now = StatMemo::now();
    if (!file.root->stat(file.path, state)) {
      if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
      file.root->fail(errno, file.path);
    }
    const FileStamp stamp(state);
    return FileTime{std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(stamp.modified)),
                    static_cast<std::uint64_t>(stamp.bytes), stamp.settled_at(now)};
  }

 private:
  struct Content {
    std::string text;
    std::string digest;
  };

  std::optional<std::string> recall(const FileSource& file) const {
    struct ::stat state;
    if (always_read_ || !file.root->stat(file.path, state)) return std::nullopt;
    return memo_->recall(file.root->identity(), file.path, FileStamp(state));
  }

  std::string required_digest(const FileSource& file) const {
    auto known = recall(file);
    return known ? std::move(*known) : read(file).digest;
  }

  /// A whole file as it was at one moment: what was written to while it was read is read again.
  Content read(const FileSource& source) const {
    const auto file = source.root->open(source.path);
    for (int attempt = 0; attempt < 8; ++attempt) {
      const auto start = StatMemo::now();
      const FileStamp before = stamp(file, source);
      if (static_cast<std::uint64_t>(before.bytes) > max_bytes_) {
        throw FileError(Kind::too_large, source.root->where(source.path) + " has " + std::to_string(before.bytes) +
                                             " bytes; the limit (max_bytes) is " + std::to_string(max_bytes_));
      }
      Content content;
      const bool whole = read_all(file, source, static_cast<std::size_t>(before.bytes), content.text);
      if (!whole || !(stamp(file, source) == before)) continue;
      content.digest = text_.digest(content.text);
      if (before.settled_at(start)) {
        memo_->remember(source.root->identity(), source.path, before, content.digest);
        return content;
      }
      // Two writes within one tick of the file's clock leave one stamp: only a second reading tells.
      std::string again;
      if (read_all(file, source, content.text.size(), again) && again == content.text) return content;
    }
    throw FileError(Kind::torn, source.root->where(source.path) + " was written to during each of 8 attempts to read it");
  }

  static FileStamp stamp(const detail::FileDescriptor& file, const FileSource& source) {
    struct ::stat state;
    if (::fstat(file.get(), &state) != 0) source.root->fail(errno, source.path);
    return FileStamp(state);
  }

  /// False where the file has fewer bytes than its size said.
  static bool read_all(const detail::FileDescriptor& file, const FileSource& source, std::size_t bytes, std::string& text) {
    text.resize(bytes);
    for (std::size_t done = 0; done < bytes;) {
      const auto got = ::pread(file.get(), text.data() + done, bytes - done, static_cast<::off_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) source.root->fail(errno, source.path);
      if (got == 0) return false;
      done += static_cast<std::size_t>(got);
    }
    return true;
  }

  [[no_unique_address]] Text text_;
  std::size_t max_bytes_;
  bool always_read_;
  std::unique_ptr<StatMemo> memo_;
};

}  // namespace render_cache
