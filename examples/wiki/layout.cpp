#include "layout.hpp"

#include "embedded.hpp"
#include "html.hpp"
#include "navigation.hpp"

#include <render_cache/hasher/sha256.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

namespace wiki {
namespace {

std::string digest(std::string_view text) { return render_cache::Sha256Hasher().digest(text).substr(3, 12); }

// -- the frame ------------------------------------------------------------------------------------------------------------------

void append_head(std::string& html, std::string_view title) {
  static const std::string style_link = "/-/style.css?v=" + digest(style_sheet());
  html.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
  append_escaped(html, title);
  html.append(
          "</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"/-/icon.svg\">\n"
          "<link rel=\"stylesheet\" href=\"")
      .append(style_link)
      .append("\">\n</head>\n");
}

void append_bar(std::string& html, std::string_view alias, std::string_view book, bool has_pages) {
  html.append(
      "<body>\n<a class=\"skip\" href=\"#content\">Skip to the text</a>\n"
      "<header class=\"bar\"><a class=\"home\" href=\"/\">Wiki</a>");
  if (!alias.empty()) {
    html.append(" <a class=\"book\" href=\"").append(href_of(alias, "")).append("\">");
    append_escaped(html, book.empty() ? alias : book);
    html.append("</a>");
  }
  if (has_pages) html.append(" <a class=\"to-pages\" href=\"#pages\">Pages</a>");
  html.append("</header>\n");
}

// -- what the page knows of itself ----------------------------------------------------------------------------------------------

struct Heading {
  std::string id, text;
  int level;
};

struct PageFacts {
  std::string title;
  std::vector<Heading> headings;
};

PageFacts facts_of(const render_cache::WikiPage& page) {
  PageFacts facts;
  const auto json = nlohmann::json::parse(page.metadata.text, nullptr, false);
  if (!json.is_object()) return facts;
  facts.title = json.value("title", "");
  const auto toc = json.find("toc");
  if (toc == json.end() || !toc->is_array()) return facts;
  for (const auto& heading : *toc) {
    facts.headings.push_back({heading.value("id", ""), heading.value("text", ""), heading.value("level", 2)});
  }
  return facts;
}

/// Two levels of headings. The first one is left out where it is the page's own title.
void append_toc(std::string& html, std::span<const Heading> headings) {
  const auto is_title = [&] {
    return std::ranges::all_of(headings.subspan(1), [&](const Heading& each) { return each.level > headings[0].level; });
  };
  if (!headings.empty() && is_title()) headings = headings.subspan(1);
  if (headings.size() < 2) return;
  const int top = std::ranges::min(headings, {}, &Heading::level).level;
  html.append("<aside class=\"toc\" aria-label=\"On this page\"><details open><summary>On this page</summary><ol>");
  for (const auto& heading : headings) {
    if (heading.level > top + 1) continue;
    html.append("<li class=\"level-").append(std::to_string(heading.level - top + 2)).append("\"><a href=\"#");
    append_escaped(html, heading.id);
    html.append("\">");
    append_escaped(html, heading.text);
    html.append("</a></li>");
  }
  html.append("</ol></details></aside>\n");
}

/// A document whose text this program writes itself.
struct DocumentParts {
  std::string title;
  std::string_view alias{};
  std::string_view book{};
  std::string crumbs{};
  std::string pages{};
};
std::string document(const DocumentParts& parts, std::string_view text) {
  std::string html;
  append_head(html, parts.title);
  append_bar(html, parts.alias, parts.book, !parts.pages.empty());
  html.append(parts.pages.empty() ? "<div class=\"frame alone\">" : "<div class=\"frame\">").append("<main id=\"content\">\n");
  if (!parts.crumbs.empty()) html.append("<div class=\"head\">").append(parts.crumbs).append("</div>\n");
  html.append("<article class=\"text own\">\n").append(text).append("</article>\n</main>\n").append(parts.pages);
  return html.append("</div>\n</body>\n</html>\n");
}

using LetterPairs = std::vector<std::pair<char, char>>;

LetterPairs pairs_of(std::string_view text) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  LetterPairs pairs;
  for (std::size_t at = 0; at + 1 < text.size(); ++at) pairs.emplace_back(lower(text[at]), lower(text[at + 1]));
  std::ranges::sort(pairs);
  return pairs;
}

/// Dice's coefficient of the letter pairs, in thousandths.
std::size_t similarity(const LetterPairs& a, const LetterPairs& b) {
  LetterPairs both;
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  return a.empty() || b.empty() ? 0 : 2000 * both.size() / (a.size() + b.size());
}

std::string_view stem_of(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  const auto name = path.substr(path.rfind('/') + 1);
  return name.substr(0, name.rfind('.'));
}

/// The pages that are most like the path's last part, among a bounded number of those whose paths are near it: what is in the
/// same folder, or in one of nearly the same name.
std::vector<OutlineTree::Place> pages_like(std::string_view path, const OutlineTree& tree) {
  constexpr std::size_t candidates = 256, alike = 400, most = 5, longest_name = 255;
  if (stem_of(path).size() > longest_name) return {};
  const auto asked = pairs_of(stem_of(path));
  std::vector<std::pair<std::size_t, OutlineTree::Place>> ranked;
  for (const auto place : tree.near(path, candidates)) {
    const auto& node = tree[place];
    if (!node.is_page()) continue;
    const auto score = std::max(similarity(asked, pairs_of(stem_of(node.path))), similarity(asked, pairs_of(node.title)));
    if (score >= alike) ranked.emplace_back(score, place);
  }
  std::ranges::sort(ranked,
                    [](const auto& a, const auto& b) { return std::pair(b.first, a.second) < std::pair(a.first, b.second); });
  std::vector<OutlineTree::Place> best;
  for (const auto& [score, place] : ranked) {
    if (best.size() < most) best.push_back(place);
  }
  return best;
}

}  // namespace

std::string_view style_sheet() noexcept { return embedded::style_css; }
std::string_view icon() noexcept { return embedded::icon_svg; }

std::string_view layout_version() noexcept {
  static const std::string version = "layout/2+" + digest(style_sheet());
  return version;
}

std::string lay_out(const PageParts& parts) {
  const auto& [alias, path, page, tree, standing] = parts;
  auto facts = facts_of(page);
  if (facts.title.empty()) facts.title = standing.within ? stem_of(path) : tree[standing.place].title;
  const std::string book(tree.title().empty() ? alias : tree.title());
  Navigation navigation(alias, tree, standing);
  const auto crumbs = navigation.crumbs(facts.title), turn = navigation.turn(), pages = navigation.pages();

  std::string html;
  html.reserve(page.rendered_html.size() + crumbs.size() + turn.size() + pages.size() + 4096);
  append_head(html, facts.title == book ? book : facts.title + " \xC2\xB7 " + book);
  append_bar(html, alias, book, !pages.empty());
  html.append("<div class=\"frame\"><main id=\"content\">\n<div class=\"head\">").append(crumbs).append("</div>\n");
  append_toc(html, facts.headings);
  html.append("<article class=\"text\">\n").append(page.rendered_html).append("</article>\n<div class=\"end\">");
  html.append(turn).append("</div>\n</main>\n").append(pages);
  return html.append("</div>\n</body>\n</html>\n");
}

std::optional<List> list_at(std::string_view path, const OutlineTree& tree) {
  const bool is_folder = path.empty() || path.ends_with('/');
  const auto place = is_folder ? tree.folder(path) : tree.find(path);
  if (place != OutlineTree::nowhere) {
    const auto& node = tree[place];
    if (node.children == 0 && place != OutlineTree::root) return std::nullopt;
    return List{std::string(node.path), {place, false}, tree.children(place), node.part_size, tree.branch(place), node.title};
  }
  // A folder that the outline, a book's own, does not know as such: whatever lies in it, in the order of paths.
  const auto items = is_folder ? tree.below(path) : std::span<const OutlineTree::Place>();
  if (items.empty()) return std::nullopt;
  return List{std::string(path), tree.standing(path), items, tree.least_part_size(), tree.outline()->fingerprint.text(),
              stem_of(path)};
}

std::string list_page(std::string_view alias, const List& list, std::size_t part, const OutlineTree& tree) {
  const bool is_root = list.path.empty();
  const auto book = tree.title().empty() ? alias : tree.title();
  const std::string name(is_root ? book : list.title);
  Navigation navigation(alias, tree, is_root ? OutlineTree::Standing{} : list.standing);
  DocumentParts parts{.title = is_root ? name : name + " \xC2\xB7 " + std::string(book), .alias = alias, .book = book};
  parts.crumbs = navigation.crumbs(is_root ? "Pages" : name);
  auto text = "<h1>" + escaped(name) + "</h1>\n";
  text += list.items.empty() ? "<p>There are no pages here yet: files that end in .md will be.</p>\n"
                             : navigation.list(list.items, part, list.part_size, href_of(alias, list.path));
  if (!is_root) parts.pages = navigation.pages(true);
  return document(parts, text);
}

std::string index_page(const std::vector<RepositoryLine>& repositories) {
  std::string text = "<h1>Wiki</h1>\n<ul class=\"wikis\">\n";
  for (const auto& [alias, title, pages] : repositories) {
    text.append("<li><a href=\"").append(href_of(alias, "")).append("\">");
    append_escaped(text, title.empty() ? alias : title);
    text.append("</a><span>");
    append_escaped(text, alias);
    text.append(" \xC2\xB7 ").append(std::to_string(pages)).append(pages == 1 ? " page" : " pages").append("</span></li>\n");
  }
  return document({.title = "Wiki"}, text + "</ul>\n");
}

std::string error_page(const ErrorParts& parts) {
  auto text = "<p class=\"status\">" + std::to_string(parts.status) + "</p>\n<h1>" + escaped(parts.title) + "</h1>\n<p>" +
              escaped(parts.explanation) + "</p>\n";
  DocumentParts document_parts{.title = std::string(parts.title), .alias = parts.alias, .book = parts.alias};
  if (parts.tree == nullptr) return document(document_parts, text);
  const auto& tree = *parts.tree;
  if (const auto like = parts.suggest ? pages_like(parts.path, tree) : std::vector<OutlineTree::Place>(); !like.empty()) {
    text.append("<p>Perhaps you are looking for:</p>\n<ul>\n");
    for (const auto place : like) {
      text.append("<li><a href=\"").append(href_of(parts.alias, tree[place].path)).append("\">");
      append_escaped(text, tree[place].title);
      text.append("</a></li>\n");
    }
    text.append("</ul>\n");
  }
  Navigation navigation(parts.alias, tree, {tree.standing(parts.path).place, true});
  if (!tree.title().empty()) document_parts.book = tree.title();
  document_parts.crumbs = navigation.crumbs(parts.title);
  document_parts.pages = navigation.pages();
  return document(document_parts, text);
}

}  // namespace wiki
