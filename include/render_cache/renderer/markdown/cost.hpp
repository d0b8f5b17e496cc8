// What md4c would take for a page beyond linear time, found out before it is asked.
#pragma once

#include <md4c.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

// md4c 0.4.8 looks up every pair of brackets in the link definitions, hashing all that is between them, and tries
// each `www.`, `://` and `@` as the beginning of a link that ends at the next space. Every version passes through all open lists
// for a blank line. So brackets in one paragraph, links in one word, and lists in one line multiply with its length.

namespace render_cache::markdown {

namespace detail {

inline bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The list items and quotes that may begin at the start of this line.
inline std::size_t containers(std::string_view line) noexcept {
  std::size_t count = 0;
  for (const char c : line) {
    if (c == '>' || c == '-' || c == '*' || c == '+' || c == '.' || c == ')') {
      ++count;
    } else if (!is_space(c) && !(c >= '0' && c <= '9')) {
      break;
    }
  }
  return count;
}

}  // namespace detail

/// Upper bounds of the bytes that md4c looks at again and again. One is about a nanosecond, six at most.
struct ParseCost {
  std::size_t blocks = 0;   ///< For finding the blocks.
  std::size_t inlines = 0;  ///< For the links within them.
};

/// The cost of `text`, taking everything for a paragraph. Linear time.
inline ParseCost parse_cost(std::string_view text) noexcept {
  static constexpr auto watched = [] {
    std::array<bool, 256> table{};
    for (const unsigned char c : {']', '@', ':', '.', '\n'}) table[c] = true;
    return table;
  }();
  std::size_t lines = 1, deepest = detail::containers(text);
  std::size_t paragraph = 0, brackets = 0;  // where it began, and the ']' in it
  std::size_t word_end = 0, word_size = 0;  // of the last word with a link in it
  std::size_t inlines = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!watched[static_cast<unsigned char>(text[at])]) continue;
    const auto follows = [&](std::string_view part) { return text.substr(at, part.size()) == part; };
    if (text[at] == ']') {
      ++brackets;
    } else if (text[at] == '\n') {
      ++lines;
      const auto rest = text.substr(at + 1);
      deepest = std::max(deepest, detail::containers(rest));
      if (const auto first = rest.find_first_not_of(" \t\r>"); first != rest.npos && rest[first] != '\n') continue;
      inlines += brackets * (at - paragraph);
      paragraph = at;
      brackets = 0;
    } else if (text[at] == '@' || follows("://") || (at >= 3 && text.substr(at - 3, 3) == "www")) {
      if (at >= word_end) {
        std::size_t begin = at;
        while (begin > 0 && !detail::is_space(text[begin - 1])) --begin;
        word_end = at;
        while (word_end < text.size() && !detail::is_space(text[word_end])) ++word_end;
        word_size = word_end - begin;
      }
      inlines += word_size;
    }
  }
  return {deepest > 1 ? deepest * lines : 0, inlines + brackets * (text.size() - paragraph)};
}

namespace detail {

// The text of one paragraph, heading or table cell after another.
struct LeafCosts {
  // In place of all brackets: without them, and with no links but those in `<>`, md4c is linear, and finds the same blocks.
  static constexpr char bracket = '\1';

  std::string text;
  bool is_text = true;
  std::size_t cost = 0;

  int next(bool text_follows) noexcept {
    cost += parse_cost(text).inlines;
    text.clear();
    is_text = text_follows;
    return 0;
  }

  int append(std::string_view part, bool counts) noexcept {
    if (!is_text) return 0;
    if (part.size() > text.capacity() - text.size()) return -1;  // cannot be, but allocating could throw through C
    for (const char c : part) text.push_back(!counts ? 'x' : c == bracket ? ']' : c);
    return 0;
  }
};

}  // namespace detail

/// `ParseCost::inlines` of the paragraphs, headings and table cells that md4c finds: code blocks do not count, and the
/// rows of a table are no paragraph. For pages that `parse_cost` finds too costly; as linear as `ParseCost::blocks`.
inline std::size_t exact_inline_cost(std::string_view page) {
  using Costs = detail::LeafCosts;
  std::string harmless(page);
  std::ranges::replace_if(harmless, [](char c) { return c == '[' || c == ']'; }, Costs::bracket);
  Costs costs;
  costs.text.reserve(2 * page.size() + 64);
  MD_PARSER parser{};
  parser.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH;
  parser.enter_block = [](MD_BLOCKTYPE type, void*, void* user) {
    return static_cast<Costs*>(user)->next(type != MD_BLOCK_CODE && type != MD_BLOCK_HTML);
  };
  parser.leave_block = [](MD_BLOCKTYPE, void*, void* user) { return static_cast<Costs*>(user)->next(true); };
  parser.enter_span = parser.leave_span = [](MD_SPANTYPE, void*, void*) { return 0; };
  parser.text = [](MD_TEXTTYPE type, const MD_CHAR* data, MD_SIZE size, void* user) {
    return static_cast<Costs*>(user)->append({data, size}, type != MD_TEXT_CODE && type != MD_TEXT_HTML);
  };
  const int result = md_parse(harmless.c_str(), static_cast<MD_SIZE>(harmless.size()), &parser, &costs);
  return result == 0 ? costs.cost : std::string_view::npos;
}

}  // namespace render_cache::markdown
