// What the Markdown renderer refuses: pages that would cost too much. Each limit is an option of `MarkdownOptions`.
#pragma once

#include <render_cache/entry/error.hpp>

#include <chrono>
#include <cstddef>
#include <string>

namespace render_cache {

/// The base of the errors below, but for `MarkdownTooSlow`: they are counted, so that the same page is refused everywhere.
class MarkdownLimitError : public RenderRefused {
 public:
  [[gnu::cold]] MarkdownLimitError(const std::string& what, std::size_t value, std::size_t limit, const std::string& advice)
      : RenderRefused("the page has " + std::to_string(value) + ' ' + what + "; the limit is " + std::to_string(limit) + ": " +
                      advice),
        value_(value), limit_(limit) {}

  /// What the page has, or had when the renderer stopped.
  std::size_t value() const noexcept { return value_; }
  /// What it may have.
  std::size_t limit() const noexcept { return limit_; }

 private:
  std::size_t value_;
  std::size_t limit_;
};

/// The source is larger than `max_input_bytes`.
struct MarkdownTooLarge : MarkdownLimitError {
  MarkdownTooLarge(std::size_t bytes, std::size_t limit)
      : MarkdownLimitError("bytes", bytes, limit, "split it, or raise MarkdownOptions::max_input_bytes") {}
};

/// Lists, quotes, emphasis or raw HTML are nested deeper than `max_nesting`.
struct MarkdownTooDeep : MarkdownLimitError {
  MarkdownTooDeep(std::size_t levels, std::size_t limit)
      : MarkdownLimitError("levels of nesting", levels, limit, "flatten it, or raise MarkdownOptions::max_nesting") {}
};

/// HTML and table of contents grow beyond `max_output_bytes` and `max_output_ratio`: few bytes of source can ask for many (link
/// references, wide tables, headings of one letter).
struct MarkdownOutputTooLarge : MarkdownLimitError {
  MarkdownOutputTooLarge(std::size_t bytes, std::size_t limit)
      : MarkdownLimitError("bytes of HTML and table of contents", bytes, limit,
                           "shorten its link definitions, tables or list of headings, or raise MarkdownOptions::max_output_bytes "
                           "and max_output_ratio") {}
};

/// The render would take far more than linear time: `max_work` counts its steps, or bounds them from above.
struct MarkdownTooCostly : MarkdownLimitError {
  MarkdownTooCostly(std::size_t steps, std::size_t limit)
      : MarkdownLimitError("steps of work", steps, limit,
                           "break up its longest paragraph (brackets, rows of URLs), its deepest list, its largest link "
                           "definition or its tags without end, or raise MarkdownOptions::max_work") {}
};

/// There is more raw HTML than `max_raw_tags`, or less of it that an HTML parser unfolds to far more.
struct MarkdownTooMuchHtml : MarkdownLimitError {
  MarkdownTooMuchHtml(const std::string& what, std::size_t value, std::size_t limit)
      : MarkdownLimitError(what, value, limit, "write it as Markdown, split the page, or raise MarkdownOptions::max_raw_tags") {}
};

/// The render took longer than `max_time`. The one limit that is not counted: on a machine that is less busy it may pass.
struct MarkdownTooSlow : RenderError {
  [[gnu::cold]] explicit MarkdownTooSlow(std::chrono::milliseconds limit)
      : RenderError("the page took longer to render than " + std::to_string(limit.count()) +
                    " ms: try again, split it, or raise MarkdownOptions::max_time") {}
};

}  // namespace render_cache
