// An outline as a tree: what lies around a page, at a cost that does not grow with the wiki.
#pragma once

#include "outline.hpp"

#include <render_cache/entry/entry.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wiki {

/// Made when an outline has changed, and asked by each request: what is asked costs a binary search, or as much as it returns.
/// Nothing changes in it, so it is thread-safe.
class OutlineTree {
 public:
  using Place = std::uint32_t;  ///< of an item, in reading order
  static constexpr Place root = 0;  ///< the wiki itself, which is around all items
  static constexpr Place nowhere = static_cast<Place>(-1);

  struct Node : OutlineItem {
    Place parent = root;
    Place previous = nowhere, next = nowhere;  ///< pages, in reading order
    std::uint32_t rank = 0;  ///< among its siblings
    std::uint32_t first_child = 0, children = 0;
    std::uint32_t part_size = 0;  ///< how many children a list of them shows at once
    std::array<char, 32> branch{};
  };

  /// Where a page stands: it is an item, or lies within one without being in the outline itself.
  struct Standing {
    Place place = root;
    bool within = true;
  };

  explicit OutlineTree(render_cache::EntryPtr<Outline> outline);

  [[nodiscard]] const render_cache::EntryPtr<Outline>& outline() const noexcept { return outline_; }
  [[nodiscard]] std::string_view title() const noexcept { return outline_->value.title; }
  [[nodiscard]] std::size_t pages() const noexcept { return pages_; }

  const Node& operator[](Place place) const noexcept {
    ++looked_at_;
    return nodes_[place];
  }
  [[nodiscard]] std::span<const Place> children(Place place) const noexcept {
    const auto& node = (*this)[place];
    return std::span(children_).subspan(node.first_child, node.children);
  }

  /// Of lists that are no item's children.
  [[nodiscard]] std::size_t least_part_size() const noexcept { return least_part_size_; }

  /// Digests all that is shown around an item: its ancestors, its siblings, its children, the pages before and after it.
  [[nodiscard]] std::string_view branch(Place place) const noexcept {
    const auto& digest = (*this)[place].branch;
    return {digest.data(), digest.size()};
  }

  /// The item of a page, or of a folder without one (`guide/`); nowhere if there is none.
  [[nodiscard]] Place find(std::string_view path) const noexcept;
  /// The item of a folder, whether or not it has a page of its own. `path` is empty or ends in '/'.
  [[nodiscard]] Place folder(std::string_view path) const;
  [[nodiscard]] Standing standing(std::string_view path) const;

  /// What has a path, in the order of paths: all that begin with `prefix`; at most `most` around the place of `path`.
  [[nodiscard]] std::span<const Place> below(std::string_view prefix) const noexcept;
  [[nodiscard]] std::span<const Place> near(std::string_view path, std::size_t most) const noexcept;

  /// How many items this thread has looked at, in all trees: so that a test can tell what a request costs.
  static std::uint64_t looked_at() noexcept { return looked_at_; }

 private:
  void read_items();
  void link_children();
  void link_pages();
  void digest_branches();
  [[nodiscard]] std::vector<Place>::const_iterator first_at(std::string_view path) const noexcept;

  render_cache::EntryPtr<Outline> outline_;
  std::vector<Node> nodes_;
  std::vector<Place> children_;  // of each node, one after another
  std::vector<Place> by_path_;
  std::size_t pages_ = 0, least_part_size_ = 1;
  static thread_local std::uint64_t looked_at_;
};

using TreePtr = std::shared_ptr<const OutlineTree>;

}  // namespace wiki
