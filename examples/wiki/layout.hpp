// The pages around the pages: navigation, breadcrumbs, table of contents, and what there is to say when something is missing.
#pragma once

#include "outline.hpp"

#include <render_cache/wiki.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wiki {

/// Changes with everything below and with the style sheet.
std::string_view layout_version() noexcept;
std::string_view style_sheet() noexcept;
std::string_view icon() noexcept;

struct PageParts {
  std::string_view alias;
  std::string_view path;
  const render_cache::WikiPage& page;
  const Outline& outline;
};

/// A complete HTML document around a rendered page.
std::string lay_out(const PageParts& parts);

/// A folder without a page of its own: the pages below it. Empty where there are none and it is not the root.
std::string folder_page(std::string_view alias, std::string_view folder, const Outline& outline);

/// The list of repositories: alias, title, number of pages.
struct RepositoryLine {
  std::string alias;
  std::string title;
  std::size_t pages = 0;
};
std::string index_page(const std::vector<RepositoryLine>& repositories);

/// A page for a status that is no success: what happened, and what to do. `alias` may be empty.
struct ErrorParts {
  unsigned status;
  std::string_view title;
  std::string_view explanation;
  std::string_view alias{};
  const Outline* outline = nullptr;  ///< where there is one, the navigation is shown
  std::vector<OutlineItem> suggestions{};
};
std::string error_page(const ErrorParts& parts);

/// The pages of an outline whose names or titles are most like the path's last part.
std::vector<OutlineItem> pages_like(std::string_view path, const Outline& outline);

}  // namespace wiki
