// HTML that an author wrote: parsed by a real HTML parser, written again from an allow-list.
#pragma once

#include <render_cache/renderer/markdown/errors.hpp>
#include <render_cache/renderer/markdown/html.hpp>
#include <render_cache/renderer/markdown/html_arena.hpp>
#include <render_cache/renderer/markdown/tag_cost.hpp>
#include <render_cache/renderer/markdown/url.hpp>

#include <gumbo.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache::markdown {

/// Sanitises the raw HTML of one page. Not thread-safe: one per render.
///
/// A fragment comes with *chunks* between its tags: HTML that the renderer wrote itself, balanced and safe, which
/// gumbo need not read again. In the fragment a chunk is an empty comment, known by its offset, so that no author's
/// comment can pass for one. Each chunk appears exactly once in the result, whatever the tags around it do.
///
/// The result is balanced, and no tag in it closes an element outside of it: where HTML lets a start tag close others
/// (`<li>`, `<dd>`, a table within a table's rows), the element is only written where it cannot.
class Sanitiser {
 public:
  struct Chunk {
    std::size_t offset;  // of its marker in the fragment
    std::string_view html;
  };
  static constexpr std::string_view marker = "<!---->";
  /// How a link that leaves the server is marked, besides its class `external`.
  static constexpr std::string_view external_relation = R"( rel="nofollow noopener")";

  Sanitiser(UrlRewriter& urls, std::string_view id_prefix, Budget& budget)
      : urls_(urls), id_prefix_(id_prefix), budget_(budget), arena_(budget) {}

  /// Whether an element of this name leaves nothing but its content: one that HTML does not know (`<T>`), knew once
  /// (`<Listing>`), or that is harmless but not for pages (`<body>`, `<input>`).
  static bool unwraps(std::string_view name) noexcept {
    return treatment(gumbo_tagn_enum(name.data(), static_cast<unsigned>(name.size()))) == Treatment::unwrap;
  }

  /// Appends the sanitised fragment, which stands `depth` levels deep, and says how deep it goes. Throws
  /// `MarkdownTooMuchHtml`, `MarkdownTooDeep` at more than `max_depth`, and as `Budget` does; then it is of no further use.
  std::size_t append(std::string& out, std::string_view fragment, std::span<const Chunk> chunks, std::size_t depth,
                     std::size_t max_depth) {
    constexpr std::size_t parser_work = 1024, tag_work = 3, byte_work = 32;
    budget_.work(parser_work + byte_work * fragment.size() + tag_work * tag_cost_.of(fragment, marker));
    const GumboNode& root = arena_.parse(fragment);
    fragment_ = fragment;
    chunks_ = chunks;
    written_.assign(chunks.size(), 0);
    max_depth_ = max_depth;
    deepest_ = depth;
    children(out, root, GUMBO_TAG_UNKNOWN, depth);
    // What was left open (a <textarea>, a comment) swallowed the markers after it, but not the page.
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      if (written_[i] == 0) out.append(chunks[i].html);
    }
    return deepest_;
  }

 private:
  enum class Treatment { drop, unwrap, keep, keep_empty };

  static Treatment treatment(const GumboElement& element, GumboTag parent) noexcept {
    if (element.tag_namespace != GUMBO_NAMESPACE_HTML) return Treatment::drop;
    const bool list = parent == GUMBO_TAG_UL || parent == GUMBO_TAG_OL;
    if (element.tag == GUMBO_TAG_LI && !list) return Treatment::unwrap;
    if ((element.tag == GUMBO_TAG_DD || element.tag == GUMBO_TAG_DT) && parent != GUMBO_TAG_DL) return Treatment::unwrap;
    return treatment(element.tag);
  }

  static Treatment treatment(GumboTag tag) noexcept {
    switch (tag) {
      case GUMBO_TAG_A:
      case GUMBO_TAG_ABBR:
      case GUMBO_TAG_B:
      case GUMBO_TAG_BDI:
      case GUMBO_TAG_BDO:
      case GUMBO_TAG_BIG:
      case GUMBO_TAG_BLOCKQUOTE:
      case GUMBO_TAG_CAPTION:
      case GUMBO_TAG_CENTER:
      case GUMBO_TAG_CITE:
      case GUMBO_TAG_CODE:
      case GUMBO_TAG_COLGROUP:
      case GUMBO_TAG_DD:
      case GUMBO_TAG_DEL:
      case GUMBO_TAG_DETAILS:
      case GUMBO_TAG_DFN:
      case GUMBO_TAG_DIV:
      case GUMBO_TAG_DL:
      case GUMBO_TAG_DT:
      case GUMBO_TAG_EM:
      case GUMBO_TAG_FIGCAPTION:
      case GUMBO_TAG_FIGURE:
      case GUMBO_TAG_H1:
      case GUMBO_TAG_H2:
      case GUMBO_TAG_H3:
      case GUMBO_TAG_H4:
      case GUMBO_TAG_H5:
      case GUMBO_TAG_H6:
      case GUMBO_TAG_I:
      case GUMBO_TAG_INS:
      case GUMBO_TAG_KBD:
      case GUMBO_TAG_LI:
      case GUMBO_TAG_MARK:
      case GUMBO_TAG_OL:
      case GUMBO_TAG_P:
      case GUMBO_TAG_PRE:
      case GUMBO_TAG_Q:
      case GUMBO_TAG_RP:
      case GUMBO_TAG_RT:
      case GUMBO_TAG_RUBY:
      case GUMBO_TAG_S:
      case GUMBO_TAG_SAMP:
      case GUMBO_TAG_SMALL:
      case GUMBO_TAG_SPAN:
      case GUMBO_TAG_STRIKE:
      case GUMBO_TAG_STRONG:
      case GUMBO_TAG_SUB:
      case GUMBO_TAG_SUMMARY:
      case GUMBO_TAG_SUP:
      case GUMBO_TAG_TABLE:
      case GUMBO_TAG_TBODY:
      case GUMBO_TAG_TD:
      case GUMBO_TAG_TFOOT:
      case GUMBO_TAG_TH:
      case GUMBO_TAG_THEAD:
      case GUMBO_TAG_TIME:
      case GUMBO_TAG_TR:
      case GUMBO_TAG_TT:
      case GUMBO_TAG_U:
      case GUMBO_TAG_UL:
      case GUMBO_TAG_VAR: return Treatment::keep;
      case GUMBO_TAG_BR:
      case GUMBO_TAG_COL:
      case GUMBO_TAG_HR:
      case GUMBO_TAG_IMG:
      case GUMBO_TAG_WBR: return Treatment::keep_empty;
      // Not text, or text that parsers read by other rules: what is in them goes too.
      case GUMBO_TAG_APPLET:
      case GUMBO_TAG_EMBED:
      case GUMBO_TAG_IFRAME:
      case GUMBO_TAG_MATH:
      case GUMBO_TAG_NOEMBED:
      case GUMBO_TAG_NOFRAMES:
      case GUMBO_TAG_NOSCRIPT:
      case GUMBO_TAG_OBJECT:
      case GUMBO_TAG_PLAINTEXT:
      case GUMBO_TAG_SCRIPT:
      case GUMBO_TAG_SELECT:
      case GUMBO_TAG_STYLE:
      case GUMBO_TAG_SVG:
      case GUMBO_TAG_TEMPLATE:
      case GUMBO_TAG_TEXTAREA:
      case GUMBO_TAG_TITLE:
      case GUMBO_TAG_XMP: return Treatment::drop;
      default: return Treatment::unwrap;
    }
  }

  // `parent` is the innermost element written around these nodes.
  void children(std::string& out, const GumboNode& of, GumboTag parent, std::size_t depth) {
    deepest_ = std::max(deepest_, depth);
    if (depth > max_depth_) throw MarkdownTooDeep(depth, max_depth_);
    const auto& nodes = of.v.element.children;
    for (unsigned i = 0; i < nodes.length; ++i) node(out, *static_cast<const GumboNode*>(nodes.data[i]), parent, depth);
  }

  void node(std::string& out, const GumboNode& node, GumboTag parent, std::size_t depth) {
    switch (node.type) {
      case GUMBO_NODE_TEXT:
      case GUMBO_NODE_WHITESPACE:
        if (!dropping_) append_escaped(out, node.v.text.text);
        return;
      case GUMBO_NODE_COMMENT: return chunk(is_between_cells(parent) ? *fostered_ : out, node.v.text);
      case GUMBO_NODE_ELEMENT:
      case GUMBO_NODE_TEMPLATE: return element(out, node, parent, depth);
      default: return;
    }
  }

  void element(std::string& out, const GumboNode& node, GumboTag parent, std::size_t depth) {
    const auto& element = node.v.element;
    const auto how = dropping_ ? Treatment::drop : treatment(element, parent);
    const bool outermost = how == Treatment::drop && !dropping_;
    const bool written = how == Treatment::keep || how == Treatment::keep_empty;
    const auto inside = written ? element.tag : parent;
    if (outermost) dropping_ = true;
    if (how == Treatment::keep && element.tag == GUMBO_TAG_TABLE) {
      table(out, node, depth);
    } else {
      if (written) open(out, element);
      if (how != Treatment::keep_empty) children(out, node, inside, depth + 1);  // of a dropped one for the chunks in it
      if (how == Treatment::keep) close(out, element);
    }
    if (outermost) dropping_ = false;
  }

  // Chunks between a table's cells go before the table, where browsers would show them ("foster parenting").
  void table(std::string& out, const GumboNode& node, std::size_t depth) {
    std::string before, html;
    auto* const outer = std::exchange(fostered_, &before);
    open(html, node.v.element);
    children(html, node, GUMBO_TAG_TABLE, depth + 1);
    close(html, node.v.element);
    fostered_ = outer;
    budget_.work((before.size() + html.size()) / Budget::bytes_moved);
    budget_.check_output(before.size() + html.size());
    out.append(before).append(html);
  }

  static bool is_between_cells(GumboTag parent) noexcept {
    switch (parent) {
      case GUMBO_TAG_TABLE:
      case GUMBO_TAG_COLGROUP:
      case GUMBO_TAG_THEAD:
      case GUMBO_TAG_TBODY:
      case GUMBO_TAG_TFOOT:
      case GUMBO_TAG_TR: return true;
      default: return false;
    }
  }

  void chunk(std::string& out, const GumboText& comment) {
    const auto offset = static_cast<std::size_t>(comment.original_text.data - fragment_.data());
    const auto found = std::ranges::lower_bound(chunks_, offset, {}, &Chunk::offset);
    if (found == chunks_.end() || found->offset != offset) return;
    written_[static_cast<std::size_t>(found - chunks_.begin())] = 1;
    out.append(found->html);
  }

  static void close(std::string& out, const GumboElement& element) {
    out.append("</").append(gumbo_normalized_tagname(element.tag)).push_back('>');
  }

  void open(std::string& out, const GumboElement& element) {
    out.append(1, '<').append(gumbo_normalized_tagname(element.tag));
    std::string_view classes;
    bool external = false;
    for (unsigned i = 0; i < element.attributes.length; ++i) {
      const auto& attribute = *static_cast<const GumboAttribute*>(element.attributes.data[i]);
      const std::string_view attribute_name = attribute.name;
      if (attribute_name == "class") {
        classes = attribute.value;
      } else if (attribute_name == "href" && element.tag == GUMBO_TAG_A) {
        url_.clear();
        const auto kind = urls_.link(url_, attribute.value);
        if (kind != UrlKind::refused) append_attribute(out, attribute_name, {}, url_);
        external = kind == UrlKind::external;
      } else if (attribute_name == "src" && element.tag == GUMBO_TAG_IMG) {
        url_.clear();
        if (urls_.image(url_, attribute.value) != UrlKind::refused) append_attribute(out, attribute_name, {}, url_);
      } else if (attribute_name == "id" || (attribute_name == "name" && element.tag == GUMBO_TAG_A)) {
        append_attribute(out, attribute_name, id_prefix_, attribute.value);
      } else if (std::ranges::binary_search(plain_attributes, attribute_name)) {
        append_attribute(out, attribute_name, {}, attribute.value);
      }
    }
    if (external) out.append(external_relation);
    if (external || !classes.empty()) {
      const auto separator = classes.empty() ? "external" : "external ";
      append_attribute(out, "class", external ? separator : "", classes);
    }
    out.push_back('>');
  }

  // Attributes whose value is text, a number or a keyword, whatever the element.
  static constexpr std::string_view plain_attributes[] = {
      "abbr", "align",    "alt",  "aria-hidden", "aria-label", "border", "colspan", "datetime", "dir",    "height", "lang",
      "open", "reversed", "role", "rowspan",     "scope",      "span",   "start",   "title",    "valign", "value",  "width"};
  static_assert(std::ranges::is_sorted(plain_attributes));

  UrlRewriter& urls_;
  std::string_view id_prefix_;
  Budget& budget_;
  TagCost tag_cost_;
  HtmlArena arena_;
  std::string_view fragment_;
  std::span<const Chunk> chunks_;
  std::string written_;  // of each chunk 0 or 1: vector<bool> is a lot of code
  bool dropping_ = false;
  std::string* fostered_ = nullptr;  // what goes before the innermost table
  std::size_t max_depth_ = 0;
  std::size_t deepest_ = 0;
  std::string url_;
};

}  // namespace render_cache::markdown
