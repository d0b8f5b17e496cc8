// What leads from a page to others: breadcrumbs, the pages around it, the pages before and after, lists of pages.
#pragma once

#include "outline_tree.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace wiki {

/// Whatever the wiki holds and its pages are called, a page carries no more bytes of navigation than this.
inline constexpr std::size_t max_navigation_bytes = 30'000;

/// Writes the navigation of one page into its HTML. What has been written leaves less for what comes after, so the order of
/// the calls is that of importance.
class Navigation {
 public:
  using Place = OutlineTree::Place;

  Navigation(std::string_view alias, const OutlineTree& tree, OutlineTree::Standing standing)
      : alias_(alias), tree_(tree), standing_(standing) {}

  /// Home, the repository, what is around the page, the page.
  [[nodiscard]] std::string crumbs(std::string_view title);
  /// The pages before and after; empty where there are none.
  [[nodiscard]] std::string turn();
  /// The part `part`, from 1, of a list, and how to get to the others. `url` is that of the list.
  [[nodiscard]] std::string list(std::span<const Place> items, std::size_t part, std::size_t part_size, std::string_view url);
  /// What is above the page, its siblings, and its children where those are not `listed` elsewhere. What there is no room for
  /// lies behind lists of it. Empty where there is nothing.
  [[nodiscard]] std::string pages(bool listed = false);

 private:
  [[nodiscard]] std::string link(Place place, std::string_view attributes = {}) const;
  [[nodiscard]] std::string line(Place place) const;
  [[nodiscard]] std::string more(Place of, std::size_t rank, std::size_t count) const;
  [[nodiscard]] std::string ancestors(Place place, std::size_t room) const;
  [[nodiscard]] std::string children(Place of, std::size_t center, std::string line, std::size_t room) const;
  std::string spend(std::string html);

  std::string_view alias_;
  const OutlineTree& tree_;
  OutlineTree::Standing standing_;
  std::size_t room_ = max_navigation_bytes;
};

}  // namespace wiki
