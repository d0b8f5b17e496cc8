// Thumbnails of PNG pictures. The size is part of the key, for two sizes of one picture are wanted at once; and a thumbnail is
// bytes, which a database's text cannot hold, so it is kept as the data: URL that the page needs anyway.
#include <render_cache/cache.hpp>
#include <render_cache/hasher/file.hpp>
#include <render_cache/hasher/sha256.hpp>
#include <render_cache/sql/create_table.hpp>
#include <render_cache/store/sqlite.hpp>

#include <openssl/evp.h>
#include <png.h>
#include <boost/hana/adapt_struct.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

using namespace render_cache;

struct ThumbnailKey {
  std::string picture;
  std::int32_t width;
  friend bool operator==(const ThumbnailKey&, const ThumbnailKey&) = default;
};
struct Thumbnail {
  std::string data_url;
  std::int32_t height;
};
BOOST_HANA_ADAPT_STRUCT(ThumbnailKey, picture, width);
BOOST_HANA_ADAPT_STRUCT(Thumbnail, data_url, height);

struct ThumbnailSchema {
  using key_type = ThumbnailKey;
  using value_type = Thumbnail;
  static constexpr std::string_view table = "thumbnails";
  static constexpr std::string_view fingerprint_column = "fingerprint";
  static constexpr std::string_view rendered_at_column = "made_at";
};

/// RGBA, four bytes a pixel, row by row.
struct Pixels {
  std::int32_t width, height;
  std::vector<std::uint8_t> bytes;
};

Pixels decode(const std::string& file) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&image, file.data(), file.size()) == 0) throw RenderError(image.message);
  image.format = PNG_FORMAT_RGBA;
  if (image.width > 10'000 || image.height > 10'000) {
    png_image_free(&image);
    throw RenderError("the picture has " + std::to_string(image.width) + " x " + std::to_string(image.height) +
                      " pixels; the limit is 10,000 each way");
  }
  Pixels pixels{static_cast<std::int32_t>(image.width), static_cast<std::int32_t>(image.height), {}};
  pixels.bytes.resize(PNG_IMAGE_SIZE(image));
  if (png_image_finish_read(&image, nullptr, pixels.bytes.data(), 0, nullptr) == 0) throw RenderError(image.message);
  return pixels;
}

std::string encode(const Pixels& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.format = PNG_FORMAT_RGBA;
  image.width = static_cast<png_uint_32>(pixels.width);
  image.height = static_cast<png_uint_32>(pixels.height);
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string file(bytes, '\0');
  if (png_image_write_to_memory(&image, file.data(), &bytes, 0, pixels.bytes.data(), 0, nullptr) == 0) {
    throw RenderError(image.message);
  }
  file.resize(bytes);
  return file;
}

/// Each pixel is the mean of those that it stands for.
Pixels scale(const Pixels& from, std::int32_t width) {
  width = std::min(width, from.width);
  Pixels to{width, std::max(1, from.height * width / from.width), {}};
  for (std::int32_t y = 0; y < to.height; ++y) {
    const auto top = y * from.height / to.height, bottom = (y + 1) * from.height / to.height;
    for (std::int32_t x = 0; x < to.width; ++x) {
      const auto left = x * from.width / to.width, right = (x + 1) * from.width / to.width;
      for (std::int32_t channel = 0; channel < 4; ++channel) {
        std::int64_t sum = 0;
        for (auto row = top; row < bottom; ++row) {
          for (auto column = left; column < right; ++column) {
            sum += from.bytes[static_cast<std::size_t>((row * from.width + column) * 4 + channel)];
          }
        }
        to.bytes.push_back(static_cast<std::uint8_t>(sum / ((bottom - top) * (right - left))));
      }
    }
  }
  return to;
}

std::string base64(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends it with a NUL
  text.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                                       reinterpret_cast<const unsigned char*>(bytes.data()),
                                                       static_cast<int>(bytes.size()))));
  return text;
}

class ThumbnailRenderer {
 public:
  std::string_view version() const { return version_; }
  Thumbnail render(const ThumbnailKey& key, const std::string& file) const {
    if (key.width < 1) throw RenderError("a width of " + std::to_string(key.width) + " pixels; it must be at least 1");
    const auto pixels = scale(decode(file), key.width);
    return {"data:image/png;base64," + base64(encode(pixels)), pixels.height};
  }

 private:
  std::string version_ = "thumbnail/1+libpng-" + std::string(png_get_libpng_ver(nullptr));  // of the library that runs
};
static_assert(check_renderer<ThumbnailRenderer, ThumbnailKey, std::string, Thumbnail>());

int main(int argc, char** argv) try {
  if (argc != 4) return std::cerr << "usage: thumbnails DIRECTORY PICTURE.png CACHE.db\n", 2;

  SqliteStore<ThumbnailSchema> store({.path = argv[3], .migrations = {create_table<ThumbnailSchema, SqliteDialect>()}});
  RenderCache cache(ThumbnailRenderer{}, FileHasher<Sha256Hasher>{}, store);

  const FileSource picture{std::make_shared<DocumentRoot>(argv[1]), argv[2]};
  for (const std::int32_t width : {16, 32}) {
    const auto thumbnail = cache.get({picture.path, width}, picture);
    std::cout << "<img width=\"" << width << "\" height=\"" << thumbnail->height << "\" src=\"" << thumbnail->data_url << "\">\n";
    std::cerr << width << ": " << (thumbnail.hit() ? "hit" : "scaled") << '\n';
  }
} catch (const std::exception& error) {
  return std::cerr << error.what() << '\n', 1;
}
