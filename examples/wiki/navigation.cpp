#include "navigation.hpp"

#include "html.hpp"

#include <algorithm>
#include <ranges>
#include <vector>

namespace wiki {
namespace {

std::string list_item(std::string_view href, std::string_view text) {
  return "<li><a href=\"" + std::string(href) + "\">" + escaped(text) + "</a></li>";
}

/// The address of a part of a list. `url` is an attribute's value already.
std::string part_href(std::string_view url, std::size_t part) { return std::string(url) + "?page=" + std::to_string(part); }

}  // namespace

std::string Navigation::spend(std::string html) {
  room_ -= std::min(room_, html.size());
  return html;
}

std::string Navigation::link(Place place, std::string_view attributes) const {
  const auto& node = tree_[place];
  if (!node.is_page() && !node.path.ends_with('/')) return "<span class=\"draft\">" + escaped(node.title) + "</span>";
  return "<a href=\"" + href_of(alias_, node.path) + '"' + std::string(attributes) + '>' + escaped(node.title) + "</a>";
}

std::string Navigation::line(Place place) const {
  const auto& node = tree_[place];
  if (node.path == OutlineItem::part) return "<li class=\"part\">" + escaped(node.title) + "</li>\n";
  return (node.children > 0 ? "<li class=\"folder\">" : "<li>") + link(place) + "</li>\n";
}

/// The nearest ones for which there is room, the farthest of them first.
std::string Navigation::ancestors(Place place, std::size_t room) const {
  std::vector<std::string> lines;
  for (; place != OutlineTree::root; place = tree_[place].parent) {
    auto line = "<li>" + link(place) + "</li>";
    const bool fits = line.size() <= room;
    if (!fits) line = "<li>\xE2\x80\xA6</li>";
    room -= std::min(room, line.size());
    lines.push_back(std::move(line));
    if (!fits) break;
  }
  std::string html;
  for (const auto& line : std::views::reverse(lines)) html += line;
  return html;
}

std::string Navigation::more(Place of, std::size_t rank, std::size_t count) const {
  const auto& node = tree_[of];
  const auto text = std::to_string(count) + " more";
  if (of != OutlineTree::root && node.path.empty()) return "<li class=\"more\">" + text + "</li>\n";  // a draft has no address
  return "<li class=\"more\"><a href=\"" + part_href(href_of(alias_, node.path), rank / node.part_size + 1) + "\">" + text +
         "</a></li>\n";
}

/// The child at `center`, which is written as `line`, and as many on both sides of it as there is room for.
std::string Navigation::children(Place of, std::size_t center, std::string line, std::size_t room) const {
  const auto places = tree_.children(of);
  const auto used = line.size() + 2 * more(of, places.size(), places.size()).size();
  room -= std::min(room, used);
  std::size_t first = center, last = center;
  std::vector<std::string> before;
  std::string after;
  const auto fitting = [&](std::size_t index) {  // nothing where there is none, or no room for it
    auto html = index < places.size() ? this->line(places[index]) : std::string();
    if (html.size() > room) html.clear();
    room -= html.size();
    return html;
  };
  for (bool up = true, down = true; up || down;) {
    if (down) {
      const auto next = fitting(last + 1);
      down = !next.empty();
      if (down) after += next, ++last;
    }
    if (up) {
      auto next = fitting(first - 1);  // past the end where `first` is 0
      up = !next.empty();
      if (up) before.push_back(std::move(next)), --first;
    }
  }
  std::string html = "<ul>";
  if (first > 0) html += more(of, first - 1, first);
  for (const auto& each : std::views::reverse(before)) html += each;
  html += line + after;
  if (last + 1 < places.size()) html += more(of, last + 1, places.size() - last - 1);
  return html + "</ul>";
}

std::string Navigation::crumbs(std::string_view title) {
  const auto around = standing_.within ? standing_.place : tree_[standing_.place].parent;
  return spend("<nav class=\"crumbs\" aria-label=\"Breadcrumbs\"><ol>" + list_item("/", "Home") +
               list_item(href_of(alias_, ""), alias_) + ancestors(around, room_ / 4) + "<li aria-current=\"page\">" +
               escaped(shortened(title)) + "</li></ol></nav>\n");
}

std::string Navigation::turn() {
  if (standing_.within) return {};
  std::string html;
  const auto append_link = [&](std::string_view kind, std::string_view label, Place place) {
    if (place == OutlineTree::nowhere) return;
    const auto& node = tree_[place];
    std::string link = "<a class=\"";
    link.append(kind).append("\" rel=\"").append(kind).append("\" href=\"").append(href_of(alias_, node.path));
    link.append("\"><span>").append(label).append("</span>").append(escaped(node.title)).append("</a>");
    if (link.size() <= room_ / 4) html += link;
  };
  append_link("prev", "Previous", tree_[standing_.place].previous);
  append_link("next", "Next", tree_[standing_.place].next);
  if (html.empty()) return html;
  return spend("<nav class=\"turn\" aria-label=\"Previous and next page\">" + html + "</nav>\n");
}

std::string Navigation::list(std::span<const Place> places, std::size_t part, std::size_t part_size, std::string_view url) {
  const auto first = std::min((part - 1) * part_size, places.size());
  std::string html = "<ul class=\"list\">\n";
  for (const auto place : places.subspan(first, std::min(part_size, places.size() - first))) html += line(place);
  html += "</ul>\n";
  const auto parts = (places.size() + part_size - 1) / part_size;
  if (parts > 1) {
    const auto append_link = [&](std::size_t to, std::string_view text, std::string_view attributes) {
      html += "<a" + std::string(attributes) + " href=\"" + part_href(url, to) + "\">" + std::string(text) + "</a>";
    };
    html += "<nav class=\"parts\" aria-label=\"Parts of this list\">";
    if (part > 2) append_link(1, "First", {});
    if (part > 1) append_link(part - 1, "Previous", " rel=\"prev\"");
    html += "<span>Part " + std::to_string(part) + " of " + std::to_string(parts) + "</span>";
    if (part < parts) append_link(part + 1, "Next", " rel=\"next\"");
    if (part + 1 < parts) append_link(parts, "Last", {});
    html += "</nav>\n";
  }
  return spend(std::move(html));
}

std::string Navigation::pages(bool listed) {
  const auto& [place, within] = standing_;
  if (place == OutlineTree::root && !within) return {};
  const auto around = within ? place : tree_[place].parent;
  const auto siblings = tree_.children(around);
  if (siblings.empty()) return {};
  std::string html = "<nav class=\"pages\" id=\"pages\" aria-label=\"Pages\">\n<ol class=\"above\">" +
                     list_item(href_of(alias_, ""), tree_.title().empty() ? alias_ : tree_.title()) +
                     ancestors(around, room_ / 4) + "</ol>\n";
  const std::string end = "\n</nav>\n";
  const auto room = room_ - std::min(room_, html.size() + end.size() + 64);
  if (within) {
    html += children(around, 0, line(siblings[0]), room);
  } else {
    std::string current = "<li class=\"current\">" + link(place, " aria-current=\"page\"");
    const auto own = tree_.children(place);
    if (!listed && !own.empty()) current += children(place, 0, line(own[0]), room / 2);
    html += children(around, tree_[place].rank, current + "</li>\n", room);
  }
  return spend(html + end);
}

}  // namespace wiki
