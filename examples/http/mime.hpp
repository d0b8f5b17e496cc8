// From a file's name to its media type.
#pragma once

#include <algorithm>
#include <string_view>
#include <utility>

namespace http {

inline std::string_view extension_of(std::string_view path) noexcept {
  const auto name = path.substr(path.rfind('/') + 1);
  const auto dot = name.rfind('.');
  return dot == name.npos || dot == 0 ? std::string_view{} : name.substr(dot + 1);
}

/// What is not known is not guessed: browsers then offer to save it.
inline std::string_view media_type(std::string_view path) noexcept {
  using Pair = std::pair<std::string_view, std::string_view>;
  static constexpr Pair types[] = {
      {"avif", "image/avif"},
      {"bmp", "image/bmp"},
      {"css", "text/css; charset=utf-8"},
      {"csv", "text/csv; charset=utf-8"},
      {"gif", "image/gif"},
      {"gz", "application/gzip"},
      {"htm", "text/html; charset=utf-8"},
      {"html", "text/html; charset=utf-8"},
      {"ico", "image/x-icon"},
      {"jpeg", "image/jpeg"},
      {"jpg", "image/jpeg"},
      {"js", "text/javascript; charset=utf-8"},
      {"json", "application/json"},
      {"mjs", "text/javascript; charset=utf-8"},
      {"mp3", "audio/mpeg"},
      {"mp4", "video/mp4"},
      {"ogg", "audio/ogg"},
      {"pdf", "application/pdf"},
      {"png", "image/png"},
      {"svg", "image/svg+xml"},
      {"wasm", "application/wasm"},
      {"webm", "video/webm"},
      {"webp", "image/webp"},
      {"woff", "font/woff"},
      {"woff2", "font/woff2"},
      {"xml", "application/xml"},
      {"zip", "application/zip"},
  };
  static constexpr std::string_view read_as_text[] = {"c",   "cc", "conf", "cpp", "diff", "go",   "h",  "hpp", "ini",  "java",
                                                      "log", "py", "rs",   "sh",  "sql",  "toml", "ts", "txt", "yaml", "yml"};
  static_assert(std::ranges::is_sorted(types, {}, &Pair::first) && std::ranges::is_sorted(read_as_text));
  const auto extension = extension_of(path);
  if (std::ranges::binary_search(read_as_text, extension)) return "text/plain; charset=utf-8";
  const auto at = std::ranges::lower_bound(types, extension, {}, &Pair::first);
  return at != std::end(types) && at->first == extension ? at->second : "application/octet-stream";
}

}  // namespace http
