// A Renderer for wikis: Markdown in GitHub's dialect to safe HTML, by md4c.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/renderer.hpp>
#include <render_cache/entry/text.hpp>
#include <render_cache/renderer/markdown/budget.hpp>
#include <render_cache/renderer/markdown/cost.hpp>
#include <render_cache/renderer/markdown/errors.hpp>
#include <render_cache/renderer/markdown/front_matter.hpp>
#include <render_cache/renderer/markdown/options.hpp>
#include <render_cache/renderer/markdown/writer.hpp>
#include <render_cache/version.hpp>
#include <render_cache/wiki.hpp>

#include <rapidjson/stringbuffer.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

// Neither library says its version in a header: the build does, as in -D RENDER_CACHE_MD4C_VERSION=0.4.8.
#ifndef RENDER_CACHE_MD4C_VERSION
#define RENDER_CACHE_MD4C_VERSION unknown
#endif
#ifndef RENDER_CACHE_GUMBO_VERSION
#define RENDER_CACHE_GUMBO_VERSION unknown
#endif

namespace render_cache {

/// Renders pages in Markdown (CommonMark with GitHub's tables, task lists, strikethrough and autolinks).
///
/// The HTML is safe to serve whoever wrote the page. Its metadata is JSON:
/// `{"front_matter": {...}, "title": "...", "toc": [{"id": "...", "level": 2, "text": "..."}, ...]}`, and
/// `"front_matter_error"` where front matter could not be read. The title is the front matter's where that is a text, else the
/// first heading of level 1, else the first heading; "" without any. The same source gives the same bytes.
///
/// NUL and every byte that is not UTF-8 become U+FFFD. Thread-safe. Linear time, about 5 microseconds a KB.
class MarkdownRenderer {
 public:
  /// The most that `MarkdownOptions::max_input_bytes` can allow: md4c counts in 32 bits, and U+FFFD takes three bytes.
  static constexpr std::size_t max_input_bytes = std::size_t{1} << 30;

  explicit MarkdownRenderer(MarkdownOptions options = {})
      : options_(std::move(options)),
        version_("markdown/3+md4c-" RENDER_CACHE_DETAIL_TEXT(RENDER_CACHE_MD4C_VERSION) "+gumbo-" RENDER_CACHE_DETAIL_TEXT(
                     RENDER_CACHE_GUMBO_VERSION) "+" +
                 markdown::digest(options_)) {}

  /// Covers the options, and the libraries that decide on the output.
  std::string_view version() const noexcept { return version_; }

  /// Throws `MarkdownTooLarge`, `MarkdownTooDeep`, `MarkdownTooCostly`, `MarkdownTooMuchHtml`, `MarkdownOutputTooLarge`, all of
  /// which a renderer of this version throws for this source each time; and `MarkdownTooSlow`.
  WikiPage render(const WikiKey& key, std::string_view source) const {
    const auto max_bytes = std::min(options_.max_input_bytes, max_input_bytes);
    if (source.size() > max_bytes) throw MarkdownTooLarge(source.size(), max_bytes);
    markdown::Budget budget(options_, source.size());
    const std::string text = clean(source, budget);
    const auto front_matter = markdown::read_front_matter(text, options_.max_front_matter_bytes, options_.max_front_matter_nodes);
    const auto page = std::string_view(text).substr(front_matter.bytes);
    markdown::charge_parsing(budget, page);
    markdown::PageWriter writer(options_, budget, key.repo_alias, key.page_path);
    writer.write(page);
    return {std::move(writer.html()), metadata(front_matter, writer.headings())};
  }

 private:
  // Without byte order mark; valid UTF-8 without NUL.
  static std::string clean(std::string_view source, markdown::Budget& budget) {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (source.starts_with(byte_order_mark)) source.remove_prefix(byte_order_mark.size());
    std::string text = valid_text(source);
    const auto replaced = (text.size() - source.size()) / 2;  // a byte by three
    budget.work(markdown::Budget::small_work * replaced);
    return text;
  }

  static Json metadata(const markdown::FrontMatter& front_matter, const std::vector<markdown::Heading>& headings) {
    rapidjson::StringBuffer text;
    markdown::JsonWriter json(text);
    json.StartObject();
    json.Key("front_matter");
    json.RawValue(front_matter.values.data(), front_matter.values.size(), rapidjson::kObjectType);
    if (!front_matter.error.empty()) {
      json.Key("front_matter_error");
      markdown::write_text(json, front_matter.error);
    }
    json.Key("title");
    markdown::write_text(json, title(front_matter, headings));
    json.Key("toc");
    json.StartArray();
    for (const auto& heading : headings) {
      json.StartObject();
      json.Key("id");
      markdown::write_text(json, heading.id);
      json.Key("level");
      json.Uint(heading.level);
      json.Key("text");
      markdown::write_text(json, heading.text);
      json.EndObject();
    }
    json.EndArray();
    json.EndObject();
    return {{text.GetString(), text.GetSize()}};
  }

  static std::string_view title(const markdown::FrontMatter& front_matter, const std::vector<markdown::Heading>& headings) {
    if (!front_matter.title.empty() || headings.empty()) return front_matter.title;
    const auto first = std::ranges::find(headings, 1u, &markdown::Heading::level);
    return first != headings.end() ? first->text : headings.front().text;
  }

  MarkdownOptions options_;
  std::string version_;
};

static_assert(check_renderer<MarkdownRenderer, WikiKey, std::string_view, WikiPage>());

}  // namespace render_cache
