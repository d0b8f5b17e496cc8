#include "outline_tree.hpp"

#include "html.hpp"

#include <render_cache/hasher/sha256.hpp>

#include <algorithm>
#include <utility>

namespace wiki {
namespace {

using Place = OutlineTree::Place;

/// What shows of an item where it is listed, so that two lists with the same lines look the same.
void append_line(std::string& text, const OutlineTree::Node& node) {
  text.append(node.path).append(1, '\t').append(node.title).append(node.children > 0 ? "\t+\n" : "\n");
}

/// Lists stay below some 20 KB, whatever their items are called.
std::uint32_t part_size_for(std::size_t widest_line) {
  return static_cast<std::uint32_t>(std::clamp<std::size_t>(20'000 / widest_line, 3, 200));
}

std::size_t line_width(const OutlineItem& item) {
  constexpr std::size_t tags = 50;
  return tags + href_of({}, item.path).size() + escaped(item.title).size();
}

}  // namespace

thread_local std::uint64_t OutlineTree::looked_at_ = 0;

OutlineTree::OutlineTree(render_cache::EntryPtr<Outline> outline) : outline_(std::move(outline)) {
  read_items();
  link_children();
  link_pages();
  digest_branches();
  for (Place place = 1; place < nodes_.size(); ++place) {
    const auto& path = nodes_[place].path;
    if (!path.empty() && path != OutlineItem::part) by_path_.push_back(place);
  }
  // Of a page that is there twice, the first counts.
  std::ranges::sort(by_path_, {}, [this](Place place) { return std::pair(nodes_[place].path, place); });
}

void OutlineTree::read_items() {
  nodes_.reserve(static_cast<std::size_t>(std::ranges::count(outline_->value.items, '\n')) + 1);
  auto& wiki = nodes_.emplace_back();
  wiki.title = outline_->value.title;
  for_each_item(outline_->value, [&](const OutlineItem& item) {
    Place around = static_cast<Place>(nodes_.size() - 1);
    while (around != root && nodes_[around].depth >= item.depth) around = nodes_[around].parent;
    auto& parent = nodes_[around];
    const auto rank = parent.children++;
    auto& node = nodes_.emplace_back();
    static_cast<OutlineItem&>(node) = item;
    node.parent = around;
    node.rank = rank;
    pages_ += item.is_page() ? 1 : 0;
  });
}

void OutlineTree::link_children() {
  children_.resize(nodes_.size() - 1);
  std::uint32_t first = 0;
  for (auto& node : nodes_) node.first_child = std::exchange(first, first + node.children);
  std::vector<std::size_t> widest(nodes_.size(), 1);
  for (Place place = 1; place < nodes_.size(); ++place) {
    const auto& node = nodes_[place];
    children_[nodes_[node.parent].first_child + node.rank] = place;
    widest[node.parent] = std::max(widest[node.parent], line_width(node));
  }
  for (Place place = 0; place < nodes_.size(); ++place) nodes_[place].part_size = part_size_for(widest[place]);
  least_part_size_ = part_size_for(std::ranges::max(widest));
}

void OutlineTree::link_pages() {
  Place last = nowhere;
  for (Place place = 1; place < nodes_.size(); ++place) {
    nodes_[place].previous = last;
    if (nodes_[place].is_page()) last = place;
  }
  last = nowhere;
  for (auto place = static_cast<Place>(nodes_.size()); place-- > 1;) {
    nodes_[place].next = last;
    if (nodes_[place].is_page()) last = place;
  }
}

void OutlineTree::digest_branches() {
  const render_cache::Sha256Hasher hasher;
  std::vector<std::string> above(nodes_.size()), inside(nodes_.size());  // of what has children
  std::string text;
  for (Place place = 0; place < nodes_.size(); ++place) {
    const auto& node = nodes_[place];
    if (node.children == 0) continue;
    text = place == root ? std::string() : above[node.parent];
    append_line(text, node);
    above[place] = hasher.digest(text);
    text = above[place];
    for (const auto child : children(place)) append_line(text, nodes_[child]);
    inside[place] = hasher.digest(text);
  }
  for (Place place = 0; place < nodes_.size(); ++place) {
    auto& node = nodes_[place];
    text = inside[node.parent];
    text.append(inside[place]).append(1, '\n');
    for (const auto neighbour : {node.previous, node.next}) {
      if (neighbour != nowhere) append_line(text, nodes_[neighbour]);
      text.push_back('\n');
    }
    const auto digest = hasher.digest(text);
    std::copy_n(digest.end() - static_cast<std::ptrdiff_t>(node.branch.size()), node.branch.size(), node.branch.begin());
  }
}

std::vector<Place>::const_iterator OutlineTree::first_at(std::string_view path) const noexcept {
  return std::ranges::lower_bound(by_path_, path, {}, [this](Place place) { return (*this)[place].path; });
}

Place OutlineTree::find(std::string_view path) const noexcept {
  const auto at = first_at(path);
  return at != by_path_.end() && (*this)[*at].path == path ? *at : nowhere;
}

Place OutlineTree::folder(std::string_view path) const {
  if (path.empty()) return root;
  for (const char* own : {"", "README.md", "index.md"}) {
    if (const auto place = find(std::string(path) + own); place != nowhere) return place;
  }
  return nowhere;
}

OutlineTree::Standing OutlineTree::standing(std::string_view path) const {
  if (const auto place = find(path); place != nowhere) return {place, false};
  Standing standing;
  for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
    const auto around = folder(path.substr(0, slash + 1));
    if (around == nowhere) break;
    standing.place = around;
  }
  return standing;
}

std::span<const Place> OutlineTree::below(std::string_view prefix) const noexcept {
  const auto first = first_at(prefix);
  const auto last =
      std::partition_point(first, by_path_.end(), [&](Place place) { return (*this)[place].path.starts_with(prefix); });
  return {first, last};
}

std::span<const Place> OutlineTree::near(std::string_view path, std::size_t most) const noexcept {
  const auto at = static_cast<std::size_t>(first_at(path) - by_path_.begin());
  const auto from = std::min(at - std::min(at, most / 2), by_path_.size() - std::min(by_path_.size(), most));
  return std::span(by_path_).subspan(from, std::min(most, by_path_.size() - from));
}

}  // namespace wiki
