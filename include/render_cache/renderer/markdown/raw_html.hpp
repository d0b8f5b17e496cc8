// Where raw HTML stands in a page, and putting it there once it is sanitised.
#pragma once

#include <render_cache/renderer/markdown/options.hpp>
#include <render_cache/renderer/markdown/sanitiser.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace render_cache::markdown {

/// Collects the raw HTML of the Markdown nodes that are open, each node's apart: nodes end in the reverse order of their
/// beginnings, so all is kept in one stack.
class RawHtml {
 public:
  /// How much there was when a node began.
  struct Mark {
    std::size_t pieces = 0;
    std::size_t text = 0;
  };

  RawHtml(UrlRewriter& urls, const MarkdownOptions& options, Budget& budget)
      : options_(options), budget_(budget), sanitiser_(urls, options.id_prefix, budget) {}

  Mark mark() const noexcept { return {pieces_.size(), text_.size()}; }

  /// Raw HTML directly in the node that began at `since`, to go before `out[at]` of what is written so far.
  void add(std::string_view html, std::size_t at, Mark since) {
    if (pieces_.size() == since.pieces || pieces_.back().at != at) pieces_.push_back({at, text_.size()});
    text_.append(html);
  }

  /// Ends the node whose content is `out` from `begin` on: its raw HTML, sanitised, goes between the chunks of Markdown.
  /// The content stands `depth` levels deep; says how many levels this adds. Throws as `Sanitiser::append` does.
  std::size_t put_into(std::string& out, std::size_t begin, Mark since, std::size_t depth) {
    if (pieces_.size() == since.pieces) return 0;
    fragment_.clear();
    chunks_.clear();
    auto add_chunk = [&, done = begin](std::size_t end) mutable {
      if (end == done) return;
      chunks_.push_back({fragment_.size(), std::string_view(out).substr(done, end - done)});
      fragment_.append(Sanitiser::marker);
      done = end;
    };
    bool has_tags = false;
    for (auto i = since.pieces; i < pieces_.size(); ++i) {
      const auto end = i + 1 < pieces_.size() ? pieces_[i + 1].text : text_.size();
      const auto html = without_what_comes_to_nothing(std::string_view(text_).substr(pieces_[i].text, end - pieces_[i].text));
      add_chunk(pieces_[i].at);
      fragment_.append(html);
      tags_ += static_cast<std::size_t>(std::ranges::count(html, '<'));
      has_tags = has_tags || html.find_first_not_of(" \n") != html.npos;
    }
    pieces_.resize(since.pieces);
    text_.resize(since.text);
    if (!has_tags) return 0;
    if (tags_ > options_.max_raw_tags) throw MarkdownTooMuchHtml("tags of raw HTML", tags_, options_.max_raw_tags);
    add_chunk(out.size());
    budget_.work((out.size() - begin) / Budget::bytes_moved);
    clean_.clear();
    clean_.reserve(out.size() - begin + fragment_.size());
    const auto deepest = sanitiser_.append(clean_, fragment_, chunks_, depth, options_.max_nesting);
    budget_.check_output(begin + clean_.size());
    out.replace(begin, std::string::npos, clean_);
    return deepest - depth;
  }

 private:
  struct Piece {
    std::size_t at;
    std::size_t text;  // its begin in text_; it ends where the next one begins
  };

  // Most raw HTML is comments, and tags that are only unwrapped (<Listing>, <T>). Dropping them here saves the parser's
  // time, and cannot harm: what it lets through is safe whatever it is given.
  static std::string_view without_what_comes_to_nothing(std::string_view raw) noexcept {
    while (!raw.empty()) {
      std::size_t end = 0;
      if (raw.starts_with("<!--")) {
        end = raw.find("-->", 2);  // "<!-->" is a whole comment
        if (end != raw.npos) end += 2;
      } else if (const auto name = tag_name(raw); !name.empty() && Sanitiser::unwraps(name)) {
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

  const MarkdownOptions& options_;
  Budget& budget_;
  Sanitiser sanitiser_;
  std::vector<Piece> pieces_;
  std::string text_;
  std::size_t tags_ = 0;
  // Kept for their memory.
  std::string fragment_, clean_;
  std::vector<Sanitiser::Chunk> chunks_;
};

}  // namespace render_cache::markdown
