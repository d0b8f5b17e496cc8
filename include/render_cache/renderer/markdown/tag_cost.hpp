// What gumbo would take for tags beyond linear time, found out before it is asked.
#pragma once

#include <render_cache/renderer/markdown/errors.hpp>
#include <render_cache/renderer/markdown/url.hpp>

#include <gumbo.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

// For each tag gumbo passes through the elements that are open, and for a formatting one (<b id=1>) compares those that it would
// open anew in the next paragraph, of which an end tag need not take any away. So unclosed tags multiply with tags.

namespace render_cache::markdown {

/// Bounds from above how many elements are open, tag by tag.
///
/// An element counts as closed only where that is beyond doubt: its end follows, with nothing between but text and plain elements
/// that were closed in the same way. Whatever else there is (a comment, a table, an attribute with a stray quote) leaves all that
/// is open then counted to the end, for it may swallow the end tag, or the parser may repair what it reads in a way of its own.
class TagCost {
 public:
  /// Of elements that may be open at once.
  static constexpr std::size_t most_open = 4000;

  /// The sum, over the tags of `html`, of the elements that may be open. `marker` is a comment that is known to be one.
  /// Linear time. Throws `MarkdownTooMuchHtml` above `most_open`.
  std::size_t of(std::string_view html, std::string_view marker) {
    open_.clear();
    beyond_doubt_ = 0;
    std::size_t cost = 0;
    while ((html = after(html, html.find('<')), !html.empty())) {
      if (html.starts_with(marker.substr(1))) continue;
      const bool is_end = html.front() == '/';
      const auto name = html.substr(is_end ? 1 : 0, html.substr(is_end ? 1 : 0).find_first_of(" \t\n\f/>\"'<="));
      if (name.empty() || !detail::is_letter(name.front())) {
        if (is_end || html.front() == '!' || html.front() == '?') doubt();
        continue;
      }
      const auto tag = gumbo_tagn_enum(name.data(), static_cast<unsigned>(name.size()));
      is_end ? end(tag, html.substr(1 + name.size())) : begin(tag, html.substr(name.size()));
      if (open_.size() > most_open) throw MarkdownTooMuchHtml("elements of raw HTML without end", open_.size(), most_open);
      cost += open_.size() + 1;
    }
    return cost;
  }

 private:
  // What is after that position, or nothing.
  static std::string_view after(std::string_view text, std::size_t at) noexcept {
    return at == text.npos ? std::string_view() : text.substr(at + 1);
  }

  void doubt() noexcept { beyond_doubt_ = open_.size(); }

  void begin(GumboTag tag, std::string_view rest) {
    if (is_empty(tag)) return;
    if (closes_by_itself(tag)) return doubt();
    open_.push_back(tag);
    if (!is_plain(tag) || !has_plain_attributes(rest)) doubt();
  }

  void end(GumboTag tag, std::string_view rest) noexcept {
    const auto close = rest.find_first_not_of(" \t\n");
    const bool matches = open_.size() > beyond_doubt_ && open_.back() == tag;
    if (!matches || close == rest.npos || rest[close] != '>') return doubt();
    open_.pop_back();
  }

  // Elements that have no content, wherever they stand.
  static bool is_empty(GumboTag tag) noexcept { return tag == GUMBO_TAG_BR || tag == GUMBO_TAG_IMG || tag == GUMBO_TAG_WBR; }

  // Elements that the next of their kind closes, unless another element lies between, which is counted.
  static bool closes_by_itself(GumboTag tag) noexcept {
    switch (tag) {
      case GUMBO_TAG_COL:
      case GUMBO_TAG_COLGROUP:
      case GUMBO_TAG_DD:
      case GUMBO_TAG_DT:
      case GUMBO_TAG_HR:
      case GUMBO_TAG_INPUT:
      case GUMBO_TAG_LI:
      case GUMBO_TAG_P:
      case GUMBO_TAG_TBODY:
      case GUMBO_TAG_TD:
      case GUMBO_TAG_TFOOT:
      case GUMBO_TAG_TH:
      case GUMBO_TAG_THEAD:
      case GUMBO_TAG_TR: return true;
      default: return false;
    }
  }

  // Elements whose end closes them, and nothing else, where all in them is closed.
  static bool is_plain(GumboTag tag) noexcept {
    switch (tag) {
      case GUMBO_TAG_A:
      case GUMBO_TAG_ABBR:
      case GUMBO_TAG_B:
      case GUMBO_TAG_BIG:
      case GUMBO_TAG_BLOCKQUOTE:
      case GUMBO_TAG_CENTER:
      case GUMBO_TAG_CITE:
      case GUMBO_TAG_CODE:
      case GUMBO_TAG_DEL:
      case GUMBO_TAG_DETAILS:
      case GUMBO_TAG_DIV:
      case GUMBO_TAG_EM:
      case GUMBO_TAG_FONT:
      case GUMBO_TAG_I:
      case GUMBO_TAG_INS:
      case GUMBO_TAG_KBD:
      case GUMBO_TAG_MARK:
      case GUMBO_TAG_PRE:
      case GUMBO_TAG_Q:
      case GUMBO_TAG_S:
      case GUMBO_TAG_SAMP:
      case GUMBO_TAG_SMALL:
      case GUMBO_TAG_SPAN:
      case GUMBO_TAG_STRIKE:
      case GUMBO_TAG_STRONG:
      case GUMBO_TAG_SUB:
      case GUMBO_TAG_SUMMARY:
      case GUMBO_TAG_SUP:
      case GUMBO_TAG_TT:
      case GUMBO_TAG_U:
      case GUMBO_TAG_VAR: return true;
      default: return false;
    }
  }

  // Whether the tag surely ends at the first '>': its attributes are written as XML has them, or without quotes.
  static bool has_plain_attributes(std::string_view rest) noexcept {
    rest = rest.substr(0, rest.find('>'));
    while (true) {
      const auto name = rest.find_first_not_of(" \t\n");
      if (name == rest.npos || rest.substr(name) == "/") return true;
      if (name == 0) return false;
      rest.remove_prefix(name);
      const auto end = std::min(rest.find_first_of(" \t\n\f\"'<=/"), rest.size());
      if (end == 0) return false;
      rest.remove_prefix(end);
      if (!rest.starts_with('=')) continue;
      rest.remove_prefix(1);
      const bool is_quoted = rest.starts_with('"') || rest.starts_with('\'');
      const auto value_end = is_quoted ? rest.find(rest.front(), 1) : std::min(rest.find_first_of(" \t\n"), rest.size());
      if (value_end == rest.npos) return false;
      if (rest.substr(is_quoted ? 1 : 0, value_end - (is_quoted ? 1 : 0)).find_first_of(is_quoted ? "<" : "\"'<=`\f") !=
          rest.npos)
        return false;
      rest.remove_prefix(value_end + (is_quoted ? 1 : 0));
    }
  }

  std::vector<GumboTag> open_;
  std::size_t beyond_doubt_ = 0;  // so many of them are taken for open to the end
};

}  // namespace render_cache::markdown
