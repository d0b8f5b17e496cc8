// The order and the nesting of a repository's pages: what its navigation shows.
#pragma once

#include <render_cache/hasher/document_root.hpp>
#include <render_cache/hasher/file.hpp>
#include <render_cache/hasher/sha256.hpp>

#include <boost/hana/adapt_struct.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wiki {

struct OutlineKey {
  std::string repo_alias;
  friend bool operator==(const OutlineKey&, const OutlineKey&) = default;
};

/// One line an item: depth, path and title, divided by tabs. A text and not a tree, since a
/// store keeps texts, and since all that is ever done with it is to walk it once.
struct Outline {
  std::string title;  ///< the book's; empty where it has none
  std::string items;
};

}  // namespace wiki

BOOST_HANA_ADAPT_STRUCT(wiki::OutlineKey, repo_alias);
BOOST_HANA_ADAPT_STRUCT(wiki::Outline, title, items);

namespace wiki {

struct OutlineSchema {
  using key_type = OutlineKey;
  using value_type = Outline;
};

struct OutlineItem {
  static constexpr std::string_view part = "#";  ///< the path of what is only a heading between others

  std::size_t depth = 0;   ///< from 0
  std::string_view path;   ///< ends in '/': a folder without a page; empty: a page that is yet to be written
  std::string_view title;

  [[nodiscard]] bool is_page() const noexcept { return !path.empty() && path != part && !path.ends_with('/'); }
};

/// Calls `visit(const OutlineItem&)` in reading order.
template <class Visit>
void for_each_item(const Outline& outline, Visit&& visit) {
  for (std::string_view rest = outline.items; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    const auto first = line.find('\t'), second = line.find('\t', first + 1);
    OutlineItem item{0, line.substr(first + 1, second - first - 1), line.substr(second + 1)};
    for (const char c : line.substr(0, first)) item.depth = item.depth * 10 + static_cast<std::size_t>(c - '0');
    visit(item);
  }
}

/// What an outline is made from: the book's own (SUMMARY.md, as mdBook has it) or the names of all pages.
struct Listing {
  std::optional<std::string> summary;
  std::vector<std::string> pages;  ///< as `sort_pages` sorts them; empty where there is a summary
};

/// In reading order: numbers in names count as numbers, and a folder's own page comes first in it.
void sort_pages(std::vector<std::string>& pages);

inline bool is_page(std::string_view path) noexcept { return path.ends_with(".md") || path.ends_with(".markdown"); }

/// The folder of a repository: names that begin with a dot are not meant for readers (`.git`), nor are links to them.
/// Throws FileError where it cannot be read.
std::shared_ptr<const render_cache::DocumentRoot> open_root(std::filesystem::path folder);

/// Every page below the root, sorted; hidden files and folders are left out. Throws FileError where the root cannot be read;
/// folders in it that cannot are left out.
std::vector<std::string> list_pages(const render_cache::DocumentRoot& root);

/// The hasher of outlines. Its source is a root.
class OutlineHasher {
 public:
  using Root = std::shared_ptr<const render_cache::DocumentRoot>;

  [[nodiscard]] render_cache::Fingerprint components(const Root& root) const { return freeze(root).components; }
  [[nodiscard]] render_cache::Frozen<Listing> freeze(const Root& root) const;

 private:
  render_cache::Sha256Hasher text_;
  render_cache::FileHasher<render_cache::Sha256Hasher> files_;
};

struct OutlineRenderer {
  [[nodiscard]] static std::string_view version() noexcept { return "outline/2"; }
  [[nodiscard]] Outline render(const OutlineKey& key, const Listing& listing) const;
};

}  // namespace wiki
