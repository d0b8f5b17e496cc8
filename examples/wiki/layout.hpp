// The pages around the pages: navigation, breadcrumbs, table of contents, and what there is to say when something is missing.
#pragma once

#include "outline_tree.hpp"

#include <render_cache/wiki.hpp>

#include <cstddef>
#include <optional>
#include <span>
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
  const OutlineTree& tree;
  OutlineTree::Standing standing;
};

/// A complete HTML document around a rendered page.
std::string lay_out(const PageParts& parts);

/// What the address of a list leads to: the pages and folders right in a folder or below a page, in parts when they are many.
struct List {
  std::string path;  ///< the list's own, whichever address led to it
  OutlineTree::Standing standing{};
  std::span<const OutlineTree::Place> items{};
  std::size_t part_size = 1;
  std::string_view digest{};  ///< of all that is shown
  std::string_view title{};

  [[nodiscard]] std::size_t parts() const noexcept { return (items.size() + part_size - 1) / part_size; }
};

/// Nothing where there is nothing to list. The wiki itself, `path` being empty, can always be listed.
std::optional<List> list_at(std::string_view path, const OutlineTree& tree);

/// A part of a list, from 1.
std::string list_page(std::string_view alias, const List& list, std::size_t part, const OutlineTree& tree);

/// The list of repositories: alias, title, number of pages.
struct RepositoryLine {
  std::string alias;
  std::string title;
  std::size_t pages = 0;
};
std::string index_page(const std::vector<RepositoryLine>& repositories);

/// A page for a status that is no success: what happened, and what to do.
struct ErrorParts {
  unsigned status;
  std::string_view title;
  std::string_view explanation;
  // What was asked for, where that is known: then there is navigation.
  std::string_view alias{};
  std::string_view path{};
  const OutlineTree* tree = nullptr;
  bool suggest = false;  ///< pages whose names or titles are like the path's last part
};
std::string error_page(const ErrorParts& parts);

}  // namespace wiki
