// From the target of a request to a repository's alias and a path below its root.
#pragma once

#include <render_cache/entry/text.hpp>

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace wiki {

/// What a target names, decoded. The path has no empty, "." or ".." segments, no NUL, and is valid UTF-8; it ends in '/'
/// or is empty where a folder is meant.
struct Target {
  enum class Problem : unsigned char {
    none,
    malformed,  ///< no address of anything
    hidden,     ///< of something that is not shown, whether or not it exists
  };
  Problem problem = Problem::none;
  std::string alias{};
  std::string path{};
  bool has_path = false;  ///< `/ALIAS/...` as opposed to `/ALIAS`
  std::size_t part = 0;   ///< of a list, by the query `page=2`; 0 where none is asked for
};

inline std::optional<std::string> percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded.push_back(text[at]);
      continue;
    }
    const int high = at + 2 < text.size() ? digit(text[at + 1]) : -1, low = high < 0 ? -1 : digit(text[at + 2]);
    if (low < 0) return std::nullopt;
    decoded.push_back(static_cast<char>(high * 16 + low));
    at += 2;
  }
  return decoded;
}

/// `page=2`, without leading zeros; every other query is ignored.
inline std::size_t part_in(std::string_view query) {
  constexpr std::string_view name = "page=";
  if (!query.starts_with(name) || query.substr(name.size()).starts_with('0')) return 0;
  std::size_t part = 0;
  const auto [end, error] = std::from_chars(query.data() + name.size(), query.data() + query.size(), part);
  return error == std::errc{} && end == query.data() + query.size() ? part : 0;
}

/// Names that begin with a dot are hidden: they are not meant for readers (`.git`).
inline Target parse_target(std::string_view target) {
  using enum Target::Problem;
  target = target.substr(0, target.find('#'));
  const auto question = target.find('?');
  const auto part = question == target.npos ? 0 : part_in(target.substr(question + 1));
  target = target.substr(0, question);
  if (!target.starts_with('/')) return {malformed};
  auto decoded = percent_decoded(target.substr(1));
  if (!decoded || render_cache::find_invalid_text(*decoded) != decoded->npos) return {malformed};

  auto problem = none;
  for (std::string_view rest = *decoded; !rest.empty();) {
    const auto slash = rest.find('/');
    const auto segment = rest.substr(0, slash);
    if (segment == "." || segment == "..") return {malformed};
    if (segment.empty() || segment.starts_with('.')) problem = hidden;
    if (slash == rest.npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (problem != none) return {problem};
  const auto slash = decoded->find('/');
  if (slash == decoded->npos) return {none, std::move(*decoded)};
  return {none, decoded->substr(0, slash), decoded->substr(slash + 1), true, part};
}

}  // namespace wiki
