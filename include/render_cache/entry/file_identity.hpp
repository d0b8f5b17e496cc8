// Which file a path or a descriptor leads to.
#pragma once

#include <render_cache/requirements.hpp>

#include <string>

#include <sys/stat.h>
#include <sys/types.h>

namespace render_cache::detail {

/// Equal while it is the same file. All zero where there is none.
struct FileIdentity {
  ::dev_t device = 0;
  ::ino_t inode = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

inline FileIdentity identity_of(const std::string& path) noexcept {
  struct ::stat status;
  if (::stat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

}  // namespace render_cache::detail
