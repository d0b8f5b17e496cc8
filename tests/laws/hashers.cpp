#include <render_cache/laws/hasher_laws.hpp>

#include <render_cache/hasher/file.hpp>
#include <render_cache/hasher/sha256.hpp>
#include <render_cache/hasher/xxh3.hpp>

#include "support/temporary_directory.hpp"

#include <memory>

namespace hashers_laws {

using namespace render_cache;

namespace {

template <class Text>
struct OfText {
  Text hasher{};
  static std::vector<std::string> sources() {
    return {"", "a", "b", std::string("a\0", 2), std::string("a\0b", 3), std::string(100'000, 'a'), std::string(100'001, 'a')};
  }
};
using Sha256 = OfText<Sha256Hasher>;
using Xxh3 = OfText<Xxh3Hasher>;

struct File {
  FileHasher<Sha256Hasher> hasher{};
  test::TemporaryDirectory directory{};
  std::vector<FileSource> sources() {
    const auto root = std::make_shared<const DocumentRoot>(directory.path());
    std::vector<FileSource> files;
    for (const auto& text : Sha256::sources()) {
      const auto name = std::to_string(files.size()) + ".md";
      directory.write(name, text);
      files.push_back({root, name});
    }
    return files;
  }
};

RENDER_CACHE_HASHER_LAWS(Sha256)
RENDER_CACHE_HASHER_LAWS(Xxh3)
RENDER_CACHE_HASHER_LAWS(File)

}  // namespace

}  // namespace hashers_laws
