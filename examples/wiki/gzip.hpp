// Compression of a response body, by zlib.
#pragma once

#include <zlib.h>

#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

namespace wiki {

/// The text in gzip's format (RFC 1952), without a time, so that equal texts give equal bytes.
inline std::string gzipped(std::string_view text) {
  ::z_stream stream{};
  constexpr int gzip_format = 16;
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + gzip_format, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  const std::unique_ptr<::z_stream, decltype(&::deflateEnd)> end(&stream, &::deflateEnd);
  std::string packed(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  if (::deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("zlib could not compress the page");
  packed.resize(stream.total_out);
  packed.shrink_to_fit();
  return packed;
}

}  // namespace wiki
