// Text on its way into HTML and URLs.
#pragma once

#include <render_cache/renderer/markdown/url.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace wiki {

/// Appends text so that it stands for itself between tags and in quoted attributes.
inline void append_escaped(std::string& html, std::string_view text) {
  for (std::size_t special; (special = text.find_first_of("&<>\"'")) != text.npos; text.remove_prefix(special + 1)) {
    html.append(text.substr(0, special));
    switch (text[special]) {
      case '&': html.append("&amp;"); break;
      case '<': html.append("&lt;"); break;
      case '>': html.append("&gt;"); break;
      case '"': html.append("&quot;"); break;
      default: html.append("&#39;"); break;
    }
  }
  html.append(text);
}

inline std::string escaped(std::string_view text) {
  std::string html;
  append_escaped(html, text);
  return html;
}

/// A text that is no longer than a title should be; where it was cut off there is an ellipsis.
inline std::string shortened(std::string_view text) {
  constexpr std::size_t most = 200;
  if (text.size() <= most) return std::string(text);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not within a character
  return std::string(text.substr(0, end)) + "\xE2\x80\xA6";
}

/// `/ALIAS/path`, percent-encoded.
inline std::string url_of(std::string_view alias, std::string_view path) {
  std::string url = "/";
  render_cache::markdown::append_url_segment(url, alias);
  for (url.push_back('/'); !path.empty();) {
    const auto slash = path.find('/');
    render_cache::markdown::append_url_segment(url, path.substr(0, slash));
    if (slash == path.npos) break;
    url.push_back('/');
    path.remove_prefix(slash + 1);
  }
  return url;
}

/// The same, for an attribute: encoded URLs may hold '&' and '\''.
inline std::string href_of(std::string_view alias, std::string_view path) { return escaped(url_of(alias, path)); }

}  // namespace wiki
