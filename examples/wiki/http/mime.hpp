// From a file's name to its media type.
#pragma once

#include <algorithm>
#include <string_view>
#include <utility>

namespace wiki::http {

inline std::string_view extension_of(std::string_view path) noexcept {
  const auto name = path.substr(path.rfind('/') + 1);
  const auto dot = name.rfind('.');
  return dot == name.npos || dot == 0 ? std::string_view{} : name.substr(dot + 1);
}

/// What is not known is not guessed: browsers then offer to save it.
inline std::string_view media_type(std::string_view path) noexcept {
  using Pair = std::pair<std::string_view, std::string_view>;
  constexpr std::string_view plain = "text/plain; charset=utf-8";
  static constexpr Pair types[] = {
      {"avif", "image/avif"},        {"bmp", "image/bmp"},        {"c", plain},
      {"cc", plain},                 {"conf", plain},             {"cpp", plain},
      {"css", "text/css; charset=utf-8"},                         {"csv", "text/csv; charset=utf-8"},
      {"diff", plain},               {"gif", "image/gif"},        {"go", plain},
      {"gz", "application/gzip"},    {"h", plain},                {"hpp", plain},
      {"htm", "text/html; charset=utf-8"},                        {"html", "text/html; charset=utf-8"},
      {"ico", "image/x-icon"},       {"ini", plain},              {"java", plain},
      {"jpeg", "image/jpeg"},        {"jpg", "image/jpeg"},       {"js", "text/javascript; charset=utf-8"},
      {"json", "application/json"},  {"log", plain},              {"mjs", "text/javascript; charset=utf-8"},
      {"mp3", "audio/mpeg"},         {"mp4", "video/mp4"},        {"ogg", "audio/ogg"},
      {"pdf", "application/pdf"},    {"png", "image/png"},        {"py", plain},
      {"rs", plain},                 {"sh", plain},               {"sql", plain},
      {"svg", "image/svg+xml"},      {"toml", plain},             {"ts", plain},
      {"txt", plain},                {"wasm", "application/wasm"}, {"webm", "video/webm"},
      {"webp", "image/webp"},        {"woff", "font/woff"},       {"woff2", "font/woff2"},
      {"xml", "application/xml"},    {"yaml", plain},             {"yml", plain},
      {"zip", "application/zip"},
  };
  static_assert(std::ranges::is_sorted(types, {}, &Pair::first));
  const auto extension = extension_of(path);
  const auto at = std::ranges::lower_bound(types, extension, {}, &Pair::first);
  return at != std::end(types) && at->first == extension ? at->second : "application/octet-stream";
}

}  // namespace wiki::http
