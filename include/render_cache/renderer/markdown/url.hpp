// Which URLs a page may hold, and where a link in it leads on the server.
#pragma once

#include <render_cache/requirements.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace render_cache::markdown {

/// What became of a URL. A refused one is not written at all.
enum class UrlKind { refused, internal, external };

namespace detail {

// Characters that a URL may hold as they are (RFC 3986, without '%', '[' and ']').
inline constexpr auto url_characters = [] {
  std::array<bool, 256> table{};
  for (unsigned char c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) table[c] = table[c - 32u] = true;
  for (const char c : std::string_view("-._~!$&'()*+,;=:@/?")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

inline bool is_hex(char c) noexcept { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

inline char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

inline bool is_letter(char c) noexcept { return lower(c) >= 'a' && lower(c) <= 'z'; }

inline bool equals_ignoring_case(std::string_view text, std::string_view lower_case) noexcept {
  if (text.size() != lower_case.size()) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (lower(text[at]) != lower_case[at]) return false;
  }
  return true;
}

inline void append_percent(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out.append({'%', digits[byte >> 4], digits[byte & 15]});
}

}  // namespace detail

/// Appends part of a URL; existing `%XX` stay as they are, and `also` (such as the brackets of an IPv6 host) too.
inline void append_url(std::string& out, std::string_view text, std::string_view also = {}) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool escape = c == '%' && at + 2 < text.size() && detail::is_hex(text[at + 1]) && detail::is_hex(text[at + 2]);
    if (escape || detail::url_characters[static_cast<unsigned char>(c)] || also.find(c) != also.npos) {
      out.push_back(c);
    } else {
      detail::append_percent(out, c);
    }
  }
}

/// Appends a name as one segment of a URL's path: '%', '/', '?' and '#' in it are part of the name.
inline void append_url_segment(std::string& out, std::string_view name) {
  for (const char c : name) {
    if (detail::url_characters[static_cast<unsigned char>(c)] && c != '/' && c != '?') {
      out.push_back(c);
    } else {
      detail::append_percent(out, c);
    }
  }
}

/// Rewrites the URLs of one page. Not thread-safe: one per render.
///
/// Relative ones become absolute paths on the server, `PREFIX/ALIAS/path`; `..` cannot leave the repository. A path that
/// begins with '/' counts from the repository's root, as on GitHub. Fragments that lead into a page get the id prefix.
class UrlRewriter {
 public:
  struct Options {
    std::string_view link_prefix;
    std::string_view id_prefix;
    bool html_links_to_pages;
  };

  UrlRewriter(const Options& options, std::string_view repo_alias, std::string_view page_path) : options_(options) {
    root_.assign(options.link_prefix);
    if (!repo_alias.empty()) {  // "//path" would be another host
      root_.push_back('/');
      append_url_segment(root_, repo_alias);
    }
    for (std::size_t slash; (slash = page_path.find('/')) != page_path.npos; page_path.remove_prefix(slash + 1)) {
      if (slash == 0 || dot_segment(page_path.substr(0, slash)) != 0) continue;
      std::string segment;
      append_url_segment(segment, page_path.substr(0, slash));
      folder_.push_back(std::move(segment));
    }
  }

  /// Appends where the `href` leads; `url` is decoded (no character references), the result needs HTML escaping.
  UrlKind link(std::string& out, std::string_view url) { return rewrite(out, url, true); }

  /// The same for an image's `src`: no `mailto:`, and fragments stay as they are.
  UrlKind image(std::string& out, std::string_view url) { return rewrite(out, url, false); }

 private:
  UrlKind rewrite(std::string& out, std::string_view given, bool is_link) {
    clean(given);
    std::string_view url = url_;
    if (url.starts_with("//")) {
      append_url(out, url, "#[]");
      return UrlKind::external;
    }
    if (const auto colon = url.find_first_of(":/?#"); colon != url.npos && url[colon] == ':') {
      return absolute(out, url, colon, is_link);
    }
    const auto hash = url.find('#');
    const auto fragment = hash == url.npos ? std::string_view() : url.substr(hash + 1);
    if (hash != url.npos) url = url.substr(0, hash);
    const auto question = url.find('?');
    const auto path = url.substr(0, question);
    const bool to_page = path.empty() ? is_link : append_path(out, path, is_link) && is_link;
    if (question != url.npos) append_url(out, url.substr(question));
    if (hash != url_.npos) {
      out.push_back('#');
      // "#top" is the top of any page (HTML, "scroll to the fragment").
      if (to_page && !fragment.empty() && fragment != "top") append_url(out, options_.id_prefix);
      append_url(out, fragment);
    }
    return UrlKind::internal;
  }

  // What browsers do first (WHATWG URL, "basic URL parser"): control characters and spaces go from both ends, tabs
  // and line ends go from everywhere.
  void clean(std::string_view url) {
    while (!url.empty() && static_cast<unsigned char>(url.front()) <= ' ') url.remove_prefix(1);
    while (!url.empty() && static_cast<unsigned char>(url.back()) <= ' ') url.remove_suffix(1);
    url_.clear();
    for (const char c : url) {
      if (c != '\t' && c != '\n' && c != '\r') url_.push_back(c);
    }
  }

  // The scheme is compared without the control characters and spaces in it: stricter than browsers, which would
  // take such a URL for a relative one.
  UrlKind absolute(std::string& out, std::string_view url, std::size_t colon, bool is_link) {
    std::string scheme;
    for (const char c : url.substr(0, colon)) {
      if (static_cast<unsigned char>(c) > ' ' && c != 0x7f) scheme.push_back(detail::lower(c));
    }
    const bool web = scheme == "http" || scheme == "https";
    if (!web && !(is_link && scheme == "mailto")) return UrlKind::refused;
    out.append(scheme);
    append_url(out, url.substr(colon), "#[]");
    return web ? UrlKind::external : UrlKind::internal;
  }

  // Appends the absolute path; says whether it leads to a page, whose ids have the prefix.
  bool append_path(std::string& out, std::string_view path, bool is_link) {
    segments_.clear();
    if (!path.starts_with('/')) segments_.assign(folder_.begin(), folder_.end());
    bool folder = false;
    while (true) {
      const auto slash = path.find('/');
      const auto segment = path.substr(0, slash);
      const int dots = dot_segment(segment);
      if (dots == 2 && !segments_.empty()) segments_.pop_back();
      if (dots == 0 && !segment.empty()) {
        segments_.emplace_back();
        append_url(segments_.back(), segment);
      }
      folder = dots != 0 || segment.empty();
      if (slash == path.npos) break;
      path.remove_prefix(slash + 1);
    }
    out.append(root_);
    for (const auto& segment : segments_) out.append(1, '/').append(segment);
    if (folder || segments_.empty()) {
      out.push_back('/');
      return true;
    }
    const std::string_view name = segments_.back();
    const auto dot = name.rfind('.');
    if (dot == name.npos || dot == 0) return true;
    const auto extension = name.substr(dot);
    if (is_link && options_.html_links_to_pages && extension == ".html") {
      out.replace(out.size() - extension.size(), extension.size(), ".md");
      return true;
    }
    return extension == ".md" || extension == ".markdown";
  }

  // 1 for ".", 2 for "..", 0 for any other; browsers read "%2e" as a dot too.
  static int dot_segment(std::string_view segment) noexcept {
    int dots = 0;
    while (!segment.empty()) {
      if (segment.front() == '.') {
        segment.remove_prefix(1);
      } else if (detail::equals_ignoring_case(segment.substr(0, 3), "%2e")) {
        segment.remove_prefix(3);
      } else {
        return 0;
      }
      if (++dots > 2) return 0;
    }
    return dots;
  }

  Options options_;
  std::string root_;
  std::vector<std::string> folder_;
  std::vector<std::string> segments_;
  std::string url_;
};

}  // namespace render_cache::markdown
