// One page: md4c's events become HTML.
#pragma once

#include <render_cache/renderer/markdown/budget.hpp>
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
///
/// The same holds for md4c's own spans: 0.4.8 may leave one that it has not entered (`http://.i*x*`), and enter one that it
/// never leaves (mity/md4c issue 294). The stack of nodes alone says what is open, so that the HTML is balanced all the same.
class PageWriter {
 public:
  PageWriter(const MarkdownOptions& options, Budget& budget, std::string_view repo_alias, std::string_view page_path)
      : options_(options), budget_(budget), references_(budget),
        urls_({options.link_prefix, options.id_prefix, options.html_links_to_pages}, repo_alias, page_path),
        raw_html_(urls_, options, budget) {}

  /// `text` is valid UTF-8 without NUL, and followed by a NUL: md4c 0.4.8 reads that byte. Throws as `Budget` does.
  void write(std::string_view text) {
    out_.reserve(text.size() + text.size() / 4);
    MD_PARSER parser{};
    parser.flags = MD_DIALECT_GITHUB | (options_.raw_html == RawHtmlPolicy::escape ? MD_FLAG_NOHTML : 0u);
    parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* writer) {
      return guarded(writer, [&](PageWriter& self) { self.enter_block(type, detail); });
    };
    parser.leave_block = [](MD_BLOCKTYPE type, void*, void* writer) {
      return guarded(writer, [&](PageWriter& self) { self.leave_block(type); });
    };
    parser.enter_span = [](MD_SPANTYPE type, void* detail, void* writer) {
      return guarded(writer, [&](PageWriter& self) { self.enter_span(type, detail); });
    };
    parser.leave_span = [](MD_SPANTYPE type, void*, void* writer) {
      return guarded(writer, [&](PageWriter& self) { self.leave(span, type); });
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
  enum Kind : bool { block, span };

  // A Markdown block or span that is open.
  struct Node {
    Kind kind;
    unsigned type;      // MD_BLOCKTYPE or MD_SPANTYPE
    std::size_t begin;  // of its content, in out_
    RawHtml::Mark raw_html;
    std::size_t depth;  // levels of elements in it
  };

  // An exception must not pass through md4c's C frames: it is kept until they are gone.
  template <class Event>
  static int guarded(void* writer, Event event) noexcept {
    auto& self = *static_cast<PageWriter*>(writer);
    try {
      self.budget_.work(Budget::small_work);
      event(self);
      self.budget_.check_output(self.out_.size());
      return 0;
    } catch (...) {
      self.error_ = std::current_exception();
      return -1;
    }
  }

  // The elements of blocks that need nothing more.
  static std::string_view element(MD_BLOCKTYPE type) noexcept {
    switch (type) {
      case MD_BLOCK_QUOTE: return "blockquote";
      case MD_BLOCK_UL: return "ul";
      case MD_BLOCK_OL: return "ol";
      case MD_BLOCK_LI: return "li";
      case MD_BLOCK_P: return "p";
      case MD_BLOCK_TABLE: return "table";
      case MD_BLOCK_THEAD: return "thead";
      case MD_BLOCK_TBODY: return "tbody";
      case MD_BLOCK_TR: return "tr";
      case MD_BLOCK_TH: return "th";
      case MD_BLOCK_TD: return "td";
      default: return {};
    }
  }

  // The elements of spans, but for images. Others need an extension that is not turned on.
  static std::string_view element(MD_SPANTYPE type) noexcept {
    switch (type) {
      case MD_SPAN_EM: return "em";
      case MD_SPAN_STRONG: return "strong";
      case MD_SPAN_A: return "a";
      case MD_SPAN_CODE: return "code";
      case MD_SPAN_DEL: return "del";
      default: return {};
    }
  }

  void enter_block(MD_BLOCKTYPE type, void* detail) {
    switch (type) {
      case MD_BLOCK_DOC: break;
      case MD_BLOCK_HTML: return;  // no node of its own: its tags may close in a later block
      case MD_BLOCK_HR: out_.append("<hr>\n"); return;
      case MD_BLOCK_H:
        heading_text_.clear();
        heading_level_ = static_cast<MD_BLOCK_H_DETAIL*>(detail)->level;
        in_heading_ = true;
        break;
      case MD_BLOCK_CODE: open_code(*static_cast<MD_BLOCK_CODE_DETAIL*>(detail)); break;
      case MD_BLOCK_OL: open_list(*static_cast<MD_BLOCK_OL_DETAIL*>(detail)); break;
      case MD_BLOCK_LI: open_item(*static_cast<MD_BLOCK_LI_DETAIL*>(detail)); break;
      case MD_BLOCK_TH:
      case MD_BLOCK_TD: open_cell(element(type), *static_cast<MD_BLOCK_TD_DETAIL*>(detail)); break;
      default: out_.append(1, '<').append(element(type)).append(type == MD_BLOCK_P ? ">" : ">\n");
    }
    enter(block, type);
  }

  void leave_block(MD_BLOCKTYPE type) {
    if (type != MD_BLOCK_HTML && type != MD_BLOCK_HR) leave(block, type);
  }

  void enter_span(MD_SPANTYPE type, void* detail) {
    if (type == MD_SPAN_A) charge_attributes(*static_cast<MD_SPAN_A_DETAIL*>(detail));
    if (type == MD_SPAN_IMG) charge_attributes(*static_cast<MD_SPAN_IMG_DETAIL*>(detail));
    if (type == MD_SPAN_IMG && image_depth_++ == 0) open_image(*static_cast<MD_SPAN_IMG_DETAIL*>(detail));
    if (image_depth_ == 0) {  // within an image all is alternative text
      if (type == MD_SPAN_A) {
        open_link(*static_cast<MD_SPAN_A_DETAIL*>(detail));
      } else {
        out_.append(1, '<').append(element(type)).append(1, '>');
      }
    }
    enter(span, type);
  }

  void text(MD_TEXTTYPE type, std::string_view text) {
    switch (type) {
      case MD_TEXT_BR: return line_break("<br>\n");
      case MD_TEXT_SOFTBR: return line_break("\n");
      case MD_TEXT_HTML:
        if (image_depth_ > 0 || options_.raw_html != RawHtmlPolicy::sanitise) return;
        return raw_html_.add(text, out_.size(), nodes_.back().raw_html);
      case MD_TEXT_ENTITY:
        decoded_.clear();
        references_.append_decoded(decoded_, text);
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

  void enter(Kind kind, unsigned type) {
    if (nodes_.size() == options_.max_nesting) throw MarkdownTooDeep(nodes_.size() + 1, options_.max_nesting);
    nodes_.push_back({kind, type, out_.size(), raw_html_.mark(), 0});
  }

  // Closes the innermost node of this kind and type with all in it; nothing where none is open in the innermost block: a span does not
  // reach out of that.
  void leave(Kind kind, unsigned type) {
    const auto is_it = [&](const Node& node) { return node.kind == kind && node.type == type; };
    auto at = nodes_.size() - 1;
    while (nodes_[at].kind == span && !is_it(nodes_[at])) --at;
    if (is_it(nodes_[at])) close_from(at);
  }

  void close_from(std::size_t outermost) {
    while (nodes_.size() > outermost) {
      Node node = nodes_.back();
      // As if its deepest Markdown were in its deepest raw element.
      node.depth += raw_html_.put_into(out_, node.begin, node.raw_html, nodes_.size() + node.depth);
      nodes_.pop_back();
      if (!nodes_.empty()) nodes_.back().depth = std::max(nodes_.back().depth, node.depth + 1);
      node.kind == block ? close_block(static_cast<MD_BLOCKTYPE>(node.type), node.begin)
                         : close_span(static_cast<MD_SPANTYPE>(node.type));
    }
  }

  void close_block(MD_BLOCKTYPE type, std::size_t begin) {
    switch (type) {
      case MD_BLOCK_DOC: break;
      case MD_BLOCK_H: close_heading(begin); break;
      case MD_BLOCK_CODE: out_.append("</code></pre>\n"); break;
      default: out_.append("</").append(element(type)).append(">\n");
    }
  }

  void close_span(MD_SPANTYPE type) {
    if (type == MD_SPAN_IMG) {
      if (--image_depth_ == 0) out_.append(1, '"').append(image_title_).append(1, '>');
    } else if (image_depth_ == 0) {
      out_.append("</").append(element(type)).append(1, '>');
    }
  }

  void close_heading(std::size_t begin) {
    constexpr std::size_t id_work = 512, byte_work = 8;
    budget_.work(id_work + byte_work * heading_text_.size());
    in_heading_ = false;
    std::string id = options_.id_prefix + ids_.add(heading_text_);
    const char level = static_cast<char>('0' + heading_level_);
    tag_.assign({'<', 'h', level}).append(" id=\"");
    append_escaped(tag_, id);
    out_.insert(begin, tag_.append("\">"));
    out_.append({'<', '/', 'h', level, '>', '\n'});
    const auto first = heading_text_.find_first_not_of(' ');
    if (first == heading_text_.npos) return;  // nothing to show in a table of contents, such as an image alone
    const auto last = heading_text_.find_last_not_of(' ');
    budget_.contents(id.size() + last - first + 1);
    headings_.push_back({heading_level_, std::move(id), heading_text_.substr(first, last - first + 1)});
  }

  void open_list(const MD_BLOCK_OL_DETAIL& list) {
    out_.append("<ol");
    if (list.start != 1) attribute("start", std::to_string(list.start));
    out_.append(">\n");
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
    const auto info = decode(code.lang);
    const auto language = info.substr(0, info.find_first_of(",{ \t"));
    out_.append("<pre><code");
    if (!language.empty()) append_attribute(out_, "class", "language-", language);
    out_.push_back('>');
  }

  void open_cell(std::string_view element, const MD_BLOCK_TD_DETAIL& cell) {
    out_.append(1, '<').append(element);
    if (cell.align == MD_ALIGN_LEFT) attribute("align", "left");
    if (cell.align == MD_ALIGN_CENTER) attribute("align", "center");
    if (cell.align == MD_ALIGN_RIGHT) attribute("align", "right");
    out_.push_back('>');
  }

  // md4c puts them together anew at each use of a link definition, when it enters and when it leaves.
  void charge_attributes(const MD_SPAN_A_DETAIL& link) { budget_.work(std::size_t{2} * (link.href.size + link.title.size)); }
  void charge_attributes(const MD_SPAN_IMG_DETAIL& image) { budget_.work(std::size_t{2} * (image.src.size + image.title.size)); }

  void open_link(const MD_SPAN_A_DETAIL& link) {
    url_.clear();
    const auto kind = urls_.link(url_, decode(link.href));
    out_.append("<a");
    if (kind != UrlKind::refused) attribute("href", url_);
    title(out_, link.title);
    if (kind == UrlKind::external) out_.append(Sanitiser::external_relation).append(" class=\"external\"");
    out_.push_back('>');
  }

  void open_image(const MD_SPAN_IMG_DETAIL& image) {
    url_.clear();
    const auto kind = urls_.image(url_, decode(image.src));
    out_.append("<img");
    if (kind != UrlKind::refused) attribute("src", url_);
    out_.append(" alt=\"");
    image_title_.clear();
    title(image_title_, image.title);
  }

  void title(std::string& out, const MD_ATTRIBUTE& text) {
    if (text.text != nullptr) append_attribute(out, "title", {}, decode(text));
  }

  void attribute(std::string_view name, std::string_view value) { append_attribute(out_, name, {}, value); }

  // The text of an attribute, character references decoded. Valid until the next call. A link definition's is decoded, and
  // rewritten if it is a URL, at each use, also where nothing of it is written.
  std::string_view decode(const MD_ATTRIBUTE& value) {
    constexpr std::size_t byte_work = 16;
    budget_.work(byte_work * value.size);
    decoded_.clear();
    for (unsigned i = 0; value.text != nullptr && value.substr_offsets[i] < value.size; ++i) {
      const auto begin = value.substr_offsets[i];
      const std::string_view part(value.text + begin, value.substr_offsets[i + 1] - begin);
      value.substr_types[i] == MD_TEXT_ENTITY ? references_.append_decoded(decoded_, part) : void(decoded_.append(part));
    }
    return decoded_;
  }

  const MarkdownOptions& options_;
  Budget& budget_;
  CharacterReferences references_;
  UrlRewriter urls_;
  RawHtml raw_html_;
  std::exception_ptr error_;
  std::string out_;
  std::vector<Node> nodes_;
  unsigned image_depth_ = 0;
  std::string image_title_;  // the attribute, which follows the alternative text

  HeadingIds ids_;
  std::vector<Heading> headings_;
  std::string heading_text_;
  unsigned heading_level_ = 0;
  bool in_heading_ = false;

  // Kept for their memory.
  std::string decoded_, url_, tag_;
};

}  // namespace render_cache::markdown
