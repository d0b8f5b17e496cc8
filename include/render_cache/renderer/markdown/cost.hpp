// What md4c would take for a page beyond linear time, found out before it is asked.
#pragma once

#include <render_cache/renderer/markdown/budget.hpp>
#include <render_cache/requirements.hpp>

#include <md4c.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

// md4c 0.4.8 looks up every pair of brackets in the link definitions, hashing all that is between them, and tries
// each `www.`, `://` and `@` as the beginning of a link that ends at the next space, or at the next mark, which it looks for among
// all that follow in the paragraph. Every version passes through all open lists for each blank line. So brackets and links in
// one paragraph, links in one word, and lists in one line multiply with its length.

namespace render_cache::markdown {

namespace detail {

inline bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

inline constexpr auto noted = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("\\*_~`[]!<>&;|:@.-+\n\r")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

// What md4c may keep a note of, as mark, block, line or list item.
inline bool is_noted(char c) noexcept { return noted[static_cast<unsigned char>(c)]; }

// The list items and quotes that may begin at the start of `line`.
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

/// The bytes that md4c looks at again and again.
struct ParseCost {
  std::size_t blocks;  ///< For finding the blocks.
  std::size_t inlines;  ///< For finding the links within them.
};

/// An upper bound from nothing but the lengths of lines and of what lies between blank lines.
inline ParseCost parse_cost_bound(std::string_view page) noexcept {
  std::size_t lines = 0, deepest = 0, inlines = 0, paragraph = 0;
  while (!page.empty()) {
    const auto end = std::min(page.find('\n'), page.size() - 1) + 1;
    const auto line = page.substr(0, end);
    deepest = std::max(deepest, detail::containers(line));
    ++lines;
    paragraph += line.size();
    page.remove_prefix(end);
    if (page.empty() || line.find_first_not_of(" \t\r\n>") == line.npos) {
      inlines += paragraph * paragraph;
      paragraph = 0;
    }
  }
  return {deepest * lines, inlines};
}

/// The cost of the links in the text of one paragraph, heading or table cell, whatever they are. Linear time.
inline std::size_t link_cost(std::string_view text) noexcept {
  std::size_t brackets = 0, notes = 0, all_links = 0, cost = 0, word_begin = 0, links = 0;  // `links` begin in the current word
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == ']') ++brackets;
    if (detail::is_noted(c)) ++notes;
    const auto rest = text.substr(at);
    if (c == '@' || rest.starts_with("://") || rest.starts_with("www.")) ++links;
    if (!detail::is_space(c) && at + 1 < text.size()) continue;
    cost += links * (at - word_begin);
    all_links += links;
    word_begin = at;
    links = 0;
  }
  return cost + brackets * text.size() + all_links * notes;
}

namespace detail {

// The text of one paragraph, heading or table cell after another.
struct LeafCosts {
  // In place of each ']', and of what costs nothing.
  static constexpr char bracket = '\1', letter = 'x';

  std::size_t limit;
  std::string text;
  bool is_text = true;
  std::size_t cost = 0;

  int next(bool text_follows) noexcept {
    cost += Budget::small_work + link_cost(text);  // a table has a cell for each column and row, written or not
    text.clear();
    is_text = text_follows;
    return cost > limit ? -1 : 0;  // md4c goes on after a number above 0
  }

  int append(std::string_view part, bool counts) noexcept {
    if (!is_text) return 0;
    if (part.size() > text.capacity() - text.size()) {  // allocating could throw through C
      cost = limit + 1;
      return -1;
    }
    for (const char c : part) text.push_back(!counts ? letter : c == bracket ? ']' : c);
    return 0;
  }
};

}  // namespace detail

/// The cost of all links, in the paragraphs, headings and table cells that md4c finds: code blocks do not count, and the rows
/// of a table are no paragraph. Stops above `limit`. As linear as `ParseCost::blocks`; for pages whose bound is too high.
inline std::size_t page_link_cost(std::string_view page, std::size_t limit) {
  using Costs = detail::LeafCosts;
  // Without brackets, and with no links but those in `<>`, md4c is linear, and finds the same blocks.
  std::string harmless(page);
  std::ranges::replace(harmless, '[', Costs::letter);
  std::ranges::replace(harmless, ']', Costs::bracket);
  Costs costs{.limit = limit, .text = {}};
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
  md_parse(harmless.c_str(), static_cast<MD_SIZE>(harmless.size()), &parser, &costs);
  return costs.cost;
}

/// What md4c does between one call and the next is charged before it is asked: an upper bound where that is small, as for nearly
/// every page, else what a closer look finds. Throws as `Budget` does.
inline void charge_parsing(Budget& budget, std::string_view page) {
  // A '[' makes three notes.
  const auto notes = [&] { return std::ranges::count_if(page, detail::is_noted) + 2 * std::ranges::count(page, '['); };
  const bool is_small = page.size() <= budget.left() / (16 * Budget::small_work);
  const auto parse = Budget::small_work * (is_small ? page.size() : static_cast<std::size_t>(notes()));
  budget.work(parse);
  const auto bound = parse_cost_bound(page);
  budget.work(bound.blocks);
  constexpr std::size_t loose = 4;  // the bound takes every byte for a bracket
  if (bound.inlines <= budget.left() / 2) return budget.work(bound.inlines / loose);
  budget.work(parse / 2);  // a closer look is a parse of its own, of which nothing is written
  budget.work(page_link_cost(page, budget.left()));
}

}  // namespace render_cache::markdown
