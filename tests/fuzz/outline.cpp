// Any SUMMARY.md, and any names of files: the outline is lines that can be read back, no path in it leads out, a store can keep
// it, and its tree has every item once.
#include "outline.hpp"
#include "outline_tree.hpp"
#include "target.hpp"

#include <render_cache/entry/text.hpp>

#include "fuzz.hpp"

#include <algorithm>
#include <memory>

using namespace wiki;

namespace {

// Lines of names, as they may stand in a folder: each once.
std::vector<std::string> names(std::string_view input) {
  std::vector<std::string> pages;
  for (std::string_view rest = input; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const auto target = parse_target("/x/" + std::string(line));
    if (target.problem == Target::Problem::none && is_page(target.path)) pages.push_back(target.path);
  }
  std::ranges::sort(pages);
  const auto again = std::ranges::unique(pages);
  pages.erase(again.begin(), again.end());
  const auto once = (sort_pages(pages), pages);
  std::ranges::reverse(pages);
  sort_pages(pages);
  fuzz::expect(pages == once, "there is one order");
  return pages;
}

void check_item(const OutlineItem& item) {
  for (const auto text : {item.path, item.title}) {
    const bool has_control = std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    fuzz::expect(!has_control, "no control characters in '" + std::string(text) + "'");
  }
  fuzz::expect(item.title.size() <= 210, "a title is short");
  if (item.path == OutlineItem::part) return;
  for (std::string_view rest = item.path; !rest.empty();) {
    const auto segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
    fuzz::expect(!segment.empty() && !segment.starts_with('.'), "no climbing or hidden path '" + std::string(item.path) + "'");
  }
}

void check_tree(const Outline& outline, std::size_t items) {
  const OutlineTree tree(std::make_shared<const render_cache::Entry<Outline>>(render_cache::Entry<Outline>{outline, {}}));
  std::size_t reached = 0;
  for (OutlineTree::Place place = 0; place <= items; ++place) {
    for (const auto child : tree.children(place)) {
      ++reached;
      fuzz::expect(child > place && child <= items && tree[child].parent == place, "a child knows its parent");
    }
    const auto& node = tree[place];
    if (place == OutlineTree::root || node.path.empty() || node.path == OutlineItem::part) continue;
    const auto found = tree.find(node.path);
    fuzz::expect(found != OutlineTree::nowhere && found <= place && tree[found].path == node.path, "each path is found");
    fuzz::expect(std::ranges::find(tree.below(node.path), place) != tree.below(node.path).end(), "it lies below itself");
    fuzz::expect(!tree.near(node.path, 3).empty() && tree.near(node.path, 3).size() <= 3, "it has a neighbourhood");
    fuzz::expect(tree.standing(std::string(node.path) + "x/y").place <= items, "what is within it stands somewhere");
  }
  fuzz::expect(reached == items, "each item is one item's child");
}

}  // namespace

// The first byte chooses between the two: 'f' for files.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto input = fuzz::text(data + 1, size - 1);
  Listing listing;
  if (data[0] == 'f') {
    listing.pages = names(input);
  } else {
    listing.summary = input;
  }
  const auto outline = OutlineRenderer().render({"x"}, listing);
  render_cache::check_value(outline);
  std::size_t items = 0, pages = 0;
  for_each_item(outline, [&](const OutlineItem& item) {
    check_item(item);
    ++items;
    if (item.is_page()) ++pages;
  });
  fuzz::expect(items == static_cast<std::size_t>(std::ranges::count(outline.items, '\n')), "a line is an item");
  const auto shown = std::ranges::count_if(listing.pages, [](const std::string& path) { return !path.ends_with("/index.md"); });
  fuzz::expect(listing.summary || pages >= static_cast<std::size_t>(shown), "each page is an item, but for a folder's second");
  check_tree(outline, items);
  return 0;
}
