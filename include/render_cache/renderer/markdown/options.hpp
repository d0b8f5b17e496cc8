// What a Markdown page may hold, and where its links lead.
#pragma once

#include <render_cache/requirements.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace render_cache {

/// What becomes of HTML tags in a page.
enum class RawHtmlPolicy {
  sanitise,  ///< Parsed by an HTML parser; elements, attributes and URLs on the allow-list stay.
  drop,      ///< Left out; the text between the tags stays.
  escape     ///< Shown as text.
};

/// Options of `MarkdownRenderer`. All of them are part of its version, but for `max_time`.
struct MarkdownOptions {
  /// The path under which the server has its repositories: a relative link leads to `LINK_PREFIX/ALIAS/path`.
  /// Empty, or beginning (and not ending) with '/'.
  std::string link_prefix;
  /// Begins the ids of headings and raw HTML, and the fragments of links to them, so that no page can give an element
  /// the name of something that a script on the server's pages relies on ("DOM clobbering").
  std::string id_prefix = "user-content-";
  /// What becomes of HTML in a page.
  RawHtmlPolicy raw_html = RawHtmlPolicy::sanitise;
  /// Relative links to `a.html` lead to `a.md`: books (mdBook, Jekyll) link to what they are built into.
  bool html_links_to_pages = true;

  /// Of the source. A larger one is `MarkdownTooLarge`.
  std::size_t max_input_bytes = std::size_t{4} << 20;
  /// Of the HTML. More is `MarkdownOutputTooLarge`.
  /// HTML and table of contents, the latter as it is in the metadata and once more as a page shows it: this much whatever the
  /// source, and `max_output_ratio` bytes for each of the source's.
  std::size_t max_output_bytes = std::size_t{2} << 20;
  std::size_t max_output_ratio = 8;  ///< See `max_output_bytes`.
  /// Levels of blocks and spans, and of raw HTML elements within one of them.
  std::size_t max_nesting = 100;
  /// Steps of parsing and writing, of one to five nanoseconds.
  std::size_t max_work = 40'000'000;
  /// Each '<' in raw HTML counts.
  std::size_t max_raw_tags = 20'000;
  /// Larger front matter stays unread, and `front_matter_error` of the metadata says so.
  std::size_t max_front_matter_bytes = std::size_t{64} << 10;
  /// After aliases are unfolded.
  std::size_t max_front_matter_nodes = 10'000;
  /// How long a render may take by the clock, for a machine that is busy; zero: as long as it needs.
  std::chrono::milliseconds max_time{0};
};

namespace markdown {

/// A digest of the options (FNV-1a, 64 bits, hexadecimal), for the renderer's version.
[[gnu::cold]] inline std::string digest(const MarkdownOptions& options) {
  std::string text;
  const auto add = [&](std::string_view part) { text.append(std::to_string(part.size())).append(1, ':').append(part); };
  add(options.link_prefix);
  add(options.id_prefix);
  for (const std::size_t number :
       {static_cast<std::size_t>(options.raw_html), static_cast<std::size_t>(options.html_links_to_pages),
        options.max_input_bytes, options.max_output_bytes, options.max_output_ratio, options.max_nesting, options.max_work,
        options.max_raw_tags, options.max_front_matter_bytes, options.max_front_matter_nodes}) {
    add(std::to_string(number));
  }
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  for (int shift = 60; shift >= 0; shift -= 4) result.push_back(digits[(hash >> shift) & 15]);
  return result;
}

}  // namespace markdown

}  // namespace render_cache
