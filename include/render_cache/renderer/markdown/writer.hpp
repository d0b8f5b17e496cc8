// One page: md4c's events become HTML.
#pragma once

#include <render_cache/renderer/markdown/errors.hpp>
#include <render_cache/renderer/markdown/html.hpp>
#include <render_cache/renderer/markdown/options.hpp>
#include <render_cache/renderer/markdown/raw_html.hpp>
#include <render_cache/renderer/markdown/slug.hpp>
#include <render_cache/renderer/markdown/url.hpp>

#include <md4c.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache::markdown {

struct Heading {
  unsigned level;
  std::string id;  ///< With its prefix.
  std::string text;
};

/// Renders one page; use once. Raw HTML belongs to the Markdown node it stands in, and cannot reach out of it: a tag
/// that is left open in a list item ends with the item, one that closes nothing is ignored.
class PageWriter {
 public:
  PageWriter(const MarkdownOptions& options, std::string_view repo_alias, std::string_view page_path)
      : options_(options),
        urls_({options.link_prefix, options.id_prefix, options.html_links_to_pages}, repo_alias, page_path),
        sanitiser_(urls_, options.id_prefix) {}

  /// `text` is valid UTF-8 without NUL, and followed by a NUL: md4c 0.4.8 reads that byte. Throws `MarkdownLimitError`s.
  void write(std::string_view text) {
    out_.reserve(text.size() + text.size() / 4);
    MD_PARSER parser{};
    parser.flags = MD_DIALECT_GITHUB | (options_.raw_html == RawHtmlPolicy::escape ? MD_FLAG_NOHTML : 0u);
    parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* writer) {
      return guarded(writer, [&](PageWriter& self) { self.enter_block(type, detail); });
    };
    parser.leave_block = [](MD_BLOCKTYPE type, void* detail, void* writer) {
      return guarded(writer, [&](PageWriter& self) { self.leave_block(type, detail); });
    };
    parser.enter_span = [](MD_SPANTYPE type, void* detail, void* writer) {
      return guarded(writer, [&](PageWriter& self) { self.enter_span(type, detail); });
    };
    parser.leave_span = [](MD_SPANTYPE type, void* detail, void* writer) {
      return guarded(writer, [&](PageWriter& self) { self.leave_span(type, detail); });
    };
    parser.text = [](MD_TEXTTYPE type, const MD_CHAR* data, MD_SIZE size, void* writer) {
      return guarded(writer, [&](PageWriter& self) { self.text(type, {data, size}); });
    };
    const int result = md_parse(text.data(), static_cast<MD_SIZE>(text.size()), &parser, this);
    if (error_) std::rethrow_exception(error_);
    if (result != 0) throw RenderError("md4c could not parse the page (out of memory)");
  }

  std::string& html() noexcept { return out_; }
  const std::vector<Heading>& headings() const noexcept { return headings_; }

 private:
  // A Markdown block or span that is open.
  struct Node {
    std::size_t begin;        // of its content, in out_
    std::size_t first_piece;  // of raw HTML directly in it, in pieces_
    std::size_t raw_begin;    // of their text, in raw_
    std::size_t depth;        // levels of elements in it
  };
  // Raw HTML, to go in before out_[at].
  struct Piece {
    std::size_t at;
    std::size_t raw;  // its begin in raw_; it ends where the next one begins
  };

  // An exception must not pass through md4c's C frames: it is kept until they are gone.
  template <class Event>
  static int guarded(void* writer, Event event) noexcept {
    auto& self = *static_cast<PageWriter*>(writer);
    try {
      event(self);
      if (self.out_.size() <= self.options_.max_output_bytes) return 0;
      throw MarkdownOutputTooLarge(self.out_.size(), self.options_.max_output_bytes);
    } catch (...) {
      self.error_ = std::current_exception();
      return -1;
    }
  }

  void enter_block(MD_BLOCKTYPE type, void* detail) {
    switch (type) {
      case MD_BLOCK_DOC: break;
      case MD_BLOCK_QUOTE: out_.append("<blockquote>\n"); break;
      case MD_BLOCK_UL: out_.append("<ul>\n"); break;
      case MD_BLOCK_OL: open_list(static_cast<MD_BLOCK_OL_DETAIL*>(detail)->start); break;
      case MD_BLOCK_LI: open_item(*static_cast<MD_BLOCK_LI_DETAIL*>(detail)); break;
      case MD_BLOCK_HR: out_.append("<hr>\n"); return;
      case MD_BLOCK_H: heading_text_.clear(); in_heading_ = true; break;
      case MD_BLOCK_CODE: open_code(*static_cast<MD_BLOCK_CODE_DETAIL*>(detail)); break;
      case MD_BLOCK_HTML: return;  // no node of its own: its tags may close in a later block
      case MD_BLOCK_P: out_.append("<p>"); break;
      case MD_BLOCK_TABLE: out_.append("<table>\n"); break;
      case MD_BLOCK_THEAD: out_.append("<thead>\n"); break;
      case MD_BLOCK_TBODY: out_.append("<tbody>\n"); break;
      case MD_BLOCK_TR: out_.append("<tr>\n"); break;
      case MD_BLOCK_TH: open_cell("<th", *static_cast<MD_BLOCK_TD_DETAIL*>(detail)); break;
      case MD_BLOCK_TD: open_cell("<td", *static_cast<MD_BLOCK_TD_DETAIL*>(detail)); break;
    }
    enter();
  }

  void leave_block(MD_BLOCKTYPE type, void* detail) {
    if (type == MD_BLOCK_HR || type == MD_BLOCK_HTML) return;
    const auto begin = leave();
    switch (type) {
      case MD_BLOCK_DOC: break;
      case MD_BLOCK_QUOTE: out_.append("</blockquote>\n"); break;
      case MD_BLOCK_UL: out_.append("</ul>\n"); break;
      case MD_BLOCK_OL: out_.append("</ol>\n"); break;
      case MD_BLOCK_LI: out_.append("</li>\n"); break;
      case MD_BLOCK_H: heading(static_cast<MD_BLOCK_H_DETAIL*>(detail)->level, begin); break;
      case MD_BLOCK_CODE: out_.append("</code></pre>\n"); break;
      case MD_BLOCK_P: out_.append("</p>\n"); break;
      case MD_BLOCK_TABLE: out_.append("</table>\n"); break;
      case MD_BLOCK_THEAD: out_.append("</thead>\n"); break;
      case MD_BLOCK_TBODY: out_.append("</tbody>\n"); break;
      case MD_BLOCK_TR: out_.append("</tr>\n"); break;
      case MD_BLOCK_TH: out_.append("</th>\n"); break;
      case MD_BLOCK_TD: out_.append("</td>\n"); break;
      case MD_BLOCK_HR: case MD_BLOCK_HTML: break;
    }
  }

  void enter_span(MD_SPANTYPE type, void* detail) {
    if (type == MD_SPAN_IMG && image_depth_++ == 0) open_image(*static_cast<MD_SPAN_IMG_DETAIL*>(detail));
    if (image_depth_ == 0) {  // within an image all is alternative text
      switch (type) {
        case MD_SPAN_EM: out_.append("<em>"); break;
        case MD_SPAN_STRONG: out_.append("<strong>"); break;
        case MD_SPAN_A: open_link(*static_cast<MD_SPAN_A_DETAIL*>(detail)); break;
        case MD_SPAN_CODE: out_.append("<code>"); break;
        case MD_SPAN_DEL: out_.append("<del>"); break;
        default: break;  // needs an extension that is not turned on
      }
    }
    enter();
  }

  void leave_span(MD_SPANTYPE type, void* detail) {
    leave();
    if (type == MD_SPAN_IMG && --image_depth_ == 0) return close_image(*static_cast<MD_SPAN_IMG_DETAIL*>(detail));
    if (image_depth_ > 0) return;
    switch (type) {
      case MD_SPAN_EM: out_.append("</em>"); break;
      case MD_SPAN_STRONG: out_.append("</strong>"); break;
      case MD_SPAN_A: out_.append("</a>"); break;
      case MD_SPAN_CODE: out_.append("</code>"); break;
      case MD_SPAN_DEL: out_.append("</del>"); break;
      default: break;
    }
  }

  void text(MD_TEXTTYPE type, std::string_view text) {
    switch (type) {
      case MD_TEXT_BR: return line_break("<br>\n");
      case MD_TEXT_SOFTBR: return line_break("\n");
      case MD_TEXT_HTML: return raw_html(text);
      case MD_TEXT_ENTITY:
        decoded_.clear();
        append_decoded(decoded_, text);
        return plain(decoded_);
      default: return plain(text);
    }
  }

  void plain(std::string_view text) {
    append_escaped(out_, text);
    if (in_heading_ && image_depth_ == 0) heading_text_.append(text);
  }

  void line_break(std::string_view html) {
    out_.append(image_depth_ == 0 ? html : " ");
    if (in_heading_ && image_depth_ == 0) heading_text_.push_back(' ');
  }

  void raw_html(std::string_view text) {
    if (image_depth_ > 0 || options_.raw_html != RawHtmlPolicy::sanitise) return;
    if (pieces_.size() == nodes_.back().first_piece || pieces_.back().at != out_.size()) {
      pieces_.push_back({out_.size(), raw_.size()});
    }
    raw_.append(text);
  }

  void enter() {
    if (nodes_.size() == options_.max_nesting) throw MarkdownTooDeep(nodes_.size() + 1, options_.max_nesting);
    nodes_.push_back({out_.size(), pieces_.size(), raw_.size(), 0});
  }

  // Returns where the node's content begins.
  std::size_t leave() {
    Node node = nodes_.back();
    nodes_.pop_back();
    if (pieces_.size() > node.first_piece) node.depth += sanitise(node);
    if (!nodes_.empty()) nodes_.back().depth = std::max(nodes_.back().depth, node.depth + 1);
    return node.begin;
  }

  // Puts the raw HTML of `node` between the chunks of its content; says how many levels that adds.
  std::size_t sanitise(const Node& node) {
    fragment_.clear();
    chunks_.clear();
    auto done = node.begin;
    const auto add_chunk = [&](std::size_t end) {
      if (end == done) return;
      chunks_.push_back({fragment_.size(), std::string_view(out_).substr(done, end - done)});
      fragment_.append(RawHtml::marker);
      done = end;
    };
    bool has_tags = false;
    for (auto i = node.first_piece; i < pieces_.size(); ++i) {
      const auto end = i + 1 < pieces_.size() ? pieces_[i + 1].raw : raw_.size();
      const auto raw = without_what_comes_to_nothing(std::string_view(raw_).substr(pieces_[i].raw, end - pieces_[i].raw));
      add_chunk(pieces_[i].at);
      fragment_.append(raw);
      for (const char c : raw) tags_ += c == '<';
      has_tags = has_tags || raw.find_first_not_of(" \n") != raw.npos;
    }
    raw_.resize(node.raw_begin);
    pieces_.resize(node.first_piece);
    if (!has_tags) return 0;
    if (tags_ > options_.max_raw_tags) throw MarkdownTooMuchHtml("tags of raw HTML", tags_, options_.max_raw_tags);
    add_chunk(out_.size());
    clean_.clear();
    const auto depth = nodes_.size() + 1 + node.depth;  // as if the deepest chunk were in the deepest element
    const auto deepest = sanitiser_.append(clean_, fragment_, chunks_, depth, options_.max_nesting);
    out_.replace(node.begin, std::string::npos, clean_);
    return deepest - depth;
  }

  // Most raw HTML is comments, and tags that are only unwrapped (<Listing>, <T>). Dropping them here saves the parser's
  // time, and cannot harm: what it lets through is safe whatever it is given.
  static std::string_view without_what_comes_to_nothing(std::string_view raw) noexcept {
    while (!raw.empty()) {
      std::size_t end = 0;
      if (raw.starts_with("<!--")) {
        end = raw.find("-->", 2);  // "<!-->" is a whole comment
        if (end != raw.npos) end += 2;
      } else if (const auto name = tag_name(raw); !name.empty() && RawHtml::unwraps(name)) {
        end = end_of_tag(raw);
      } else if (raw.front() != '\n') {
        return raw;
      }
      raw.remove_prefix(std::min(end, raw.size() - 1) + 1);
    }
    return raw;
  }

  // The name of the tag that `raw` begins with, or "".
  static std::string_view tag_name(std::string_view raw) noexcept {
    if (!raw.starts_with('<')) return {};
    raw.remove_prefix(raw.starts_with("</") ? 2 : 1);
    if (raw.empty() || !detail::is_letter(raw.front())) return {};
    return raw.substr(0, raw.find_first_of(" \t\n/>"));
  }

  // Where its '>' is; a '>' in quotes is part of an attribute.
  static std::size_t end_of_tag(std::string_view raw) noexcept {
    std::size_t at = 0;
    while ((at = raw.find_first_of("\"'>", at)) != raw.npos && raw[at] != '>') {
      at = raw.find(raw[at], at + 1);
      if (at != raw.npos) ++at;
    }
    return at;
  }

  void heading(unsigned level, std::size_t begin) {
    in_heading_ = false;
    std::string id = options_.id_prefix + ids_.add(heading_text_);
    tag_.assign({'<', 'h', static_cast<char>('0' + level)}).append(" id=\"");
    append_escaped(tag_, id);
    out_.insert(begin, tag_.append("\">"));
    out_.append({'<', '/', 'h', static_cast<char>('0' + level), '>', '\n'});
    const auto first = heading_text_.find_first_not_of(' ');
    if (first == heading_text_.npos) return;  // nothing to show in a table of contents, such as an image alone
    const auto last = heading_text_.find_last_not_of(' ');
    headings_.push_back({level, std::move(id), heading_text_.substr(first, last - first + 1)});
  }

  void open_list(unsigned start) {
    if (start == 1) {
      out_.append("<ol>\n");
    } else {
      out_.append("<ol start=\"").append(std::to_string(start)).append("\">\n");
    }
  }

  void open_item(const MD_BLOCK_LI_DETAIL& item) {
    if (item.is_task == 0) {
      out_.append("<li>");
      return;
    }
    out_.append(R"(<li class="task-list-item"><input type="checkbox" disabled)");
    out_.append(item.task_mark == ' ' ? "> " : " checked> ");
  }

  // "rust,ignore" and "rust {1}" are Rust: what follows is for other tools.
  void open_code(const MD_BLOCK_CODE_DETAIL& code) {
    const auto decoded = decode(code.lang);
    const auto language = decoded.substr(0, decoded.find_first_of(",{ \t"));
    out_.append("<pre><code");
    if (!language.empty()) {
      out_.append(" class=\"language-");
      append_escaped(out_, language);
      out_.push_back('"');
    }
    out_.push_back('>');
  }

  void open_cell(std::string_view tag, const MD_BLOCK_TD_DETAIL& cell) {
    out_.append(tag);
    switch (cell.align) {
      case MD_ALIGN_LEFT: out_.append(" align=\"left\">"); break;
      case MD_ALIGN_CENTER: out_.append(" align=\"center\">"); break;
      case MD_ALIGN_RIGHT: out_.append(" align=\"right\">"); break;
      default: out_.push_back('>'); break;
    }
  }

  void open_link(const MD_SPAN_A_DETAIL& link) {
    url_.clear();
    const auto kind = urls_.link(url_, decode(link.href));
    out_.append("<a");
    if (kind != UrlKind::refused) attribute("href", url_);
    title(link.title);
    if (kind == UrlKind::external) out_.append(RawHtml::external_relation).append(" class=\"external\"");
    out_.push_back('>');
  }

  void open_image(const MD_SPAN_IMG_DETAIL& image) {
    url_.clear();
    const auto kind = urls_.image(url_, decode(image.src));
    out_.append("<img");
    if (kind != UrlKind::refused) attribute("src", url_);
    out_.append(" alt=\"");
  }

  void close_image(const MD_SPAN_IMG_DETAIL& image) {
    out_.push_back('"');
    title(image.title);
    out_.push_back('>');
  }

  void title(const MD_ATTRIBUTE& text) {
    if (text.text != nullptr) attribute("title", decode(text));
  }

  void attribute(std::string_view name, std::string_view value) {
    out_.append(1, ' ').append(name).append("=\"");
    append_escaped(out_, value);
    out_.push_back('"');
  }

  // The text of an attribute, character references decoded. Valid until the next call.
  std::string_view decode(const MD_ATTRIBUTE& value) {
    decoded_.clear();
    for (unsigned i = 0; value.text != nullptr && value.substr_offsets[i] < value.size; ++i) {
      const auto begin = value.substr_offsets[i];
      const std::string_view part(value.text + begin, value.substr_offsets[i + 1] - begin);
      value.substr_types[i] == MD_TEXT_ENTITY ? append_decoded(decoded_, part) : void(decoded_.append(part));
    }
    return decoded_;
  }

  const MarkdownOptions& options_;
  UrlRewriter urls_;
  RawHtml sanitiser_;
  std::exception_ptr error_;
  std::string out_;
  std::vector<Node> nodes_;
  unsigned image_depth_ = 0;

  HeadingIds ids_;
  std::vector<Heading> headings_;
  std::string heading_text_;
  bool in_heading_ = false;

  std::vector<Piece> pieces_;
  std::string raw_;
  std::size_t tags_ = 0;

  // Kept for their memory.
  std::string fragment_, clean_, decoded_, url_, tag_;
  std::vector<RawHtml::Chunk> chunks_;
};

}  // namespace render_cache::markdown
