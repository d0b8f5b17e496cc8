#include "layout.hpp"

#include "embedded.hpp"
#include "html.hpp"

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

using Items = std::vector<OutlineItem>;
constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

std::string digest(std::string_view text) { return render_cache::Sha256Hasher().digest(text).substr(3, 12); }

std::size_t place_in(const Items& items, std::string_view path) {
  const auto at = std::ranges::find(items, path, &OutlineItem::path);
  return at == items.end() ? nowhere : static_cast<std::size_t>(at - items.begin());
}

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
  if (has_pages) html.append(" <a class=\"to-pages\" href=\"#pages\">All pages</a>");
  html.append("</header>\n");
}

// -- navigation -----------------------------------------------------------------------------------------------------------------

void append_item(std::string& html, std::string_view alias, const OutlineItem& item, bool is_current) {
  const bool is_link = item.is_page() || item.path.ends_with('/');
  if (is_link) {
    html.append("<a href=\"").append(href_of(alias, item.path)).append(is_current ? "\" aria-current=\"page\">" : "\">");
  } else {
    html.append("<span class=\"draft\">");
  }
  append_escaped(html, item.title);
  html.append(is_link ? "</a>" : "</span>");
}

/// One list of siblings, from `at` to the next item that is less deep; returns where that is.
std::size_t append_items(std::string& html, std::string_view alias, const Items& items, std::size_t at, std::size_t current) {
  const std::size_t depth = items[at].depth;
  html.append("<ul>");
  while (at < items.size() && items[at].depth >= depth) {
    const auto& item = items[at];
    if (item.path == OutlineItem::part) {
      html.append("<li class=\"part\">");
      append_escaped(html, item.title);
      html.append("</li>");
      ++at;
      continue;
    }
    std::size_t end = at + 1;
    while (end < items.size() && items[end].depth > item.depth) ++end;
    html.append("<li>");
    if (end == at + 1) {
      append_item(html, alias, item, at == current);
    } else {
      html.append(current >= at && current < end ? "<details open><summary>" : "<details><summary>");
      append_item(html, alias, item, at == current);
      html.append("</summary>");
      append_items(html, alias, items, at + 1, current);
      html.append("</details>");
    }
    html.append("</li>\n");
    at = end;
  }
  html.append("</ul>");
  return at;
}

void append_pages(std::string& html, std::string_view alias, const Items& items, std::size_t current) {
  if (items.empty()) return;
  html.append("<nav class=\"pages\" id=\"pages\" aria-label=\"Pages\">\n");
  for (std::size_t at = 0; at < items.size();) at = append_items(html, alias, items, at, current);
  html.append("\n</nav>\n");
}

void append_crumb(std::string& html, std::string_view href, std::string_view text) {
  html.append("<li><a href=\"").append(href).append("\">");
  append_escaped(html, text);
  html.append("</a></li>");
}

/// Home, the repository, what is around the page in the outline, the page.
void append_crumbs(std::string& html, std::string_view alias, std::string_view title, const Items& items, std::size_t current) {
  html.append("<nav class=\"crumbs\" aria-label=\"Breadcrumbs\"><ol>");
  append_crumb(html, "/", "Home");
  append_crumb(html, href_of(alias, ""), alias);
  if (current != nowhere) {
    std::vector<const OutlineItem*> around;
    auto depth = items[current].depth;
    for (std::size_t at = current; at-- > 0 && depth > 0;) {
      if (items[at].depth >= depth) continue;
      depth = items[at].depth;
      around.push_back(&items[at]);
    }
    for (const auto* item : std::vector(around.rbegin(), around.rend())) {
      if (item->path.empty()) continue;
      append_crumb(html, href_of(alias, item->path), item->title);
    }
  }
  html.append("<li aria-current=\"page\">");
  append_escaped(html, title);
  html.append("</li></ol></nav>\n");
}

void append_turn(std::string& html, std::string_view alias, const Items& items, std::size_t current) {
  if (current == nowhere) return;
  const auto append_link = [&](std::string_view kind, std::string_view label, const OutlineItem& item) {
    html.append("<a class=\"").append(kind).append("\" rel=\"").append(kind).append("\" href=\"");
    html.append(href_of(alias, item.path)).append("\"><span>").append(label).append("</span>");
    append_escaped(html, item.title);
    html.append("</a>");
  };
  const auto before = std::find_if(items.rend() - static_cast<std::ptrdiff_t>(current), items.rend(),
                                   [](const OutlineItem& item) { return item.is_page(); });
  const auto after = std::find_if(items.begin() + static_cast<std::ptrdiff_t>(current) + 1, items.end(),
                                  [](const OutlineItem& item) { return item.is_page(); });
  if (before == items.rend() && after == items.end()) return;
  html.append("<nav class=\"turn\" aria-label=\"Previous and next page\">");
  if (before != items.rend()) append_link("prev", "Previous", *before);
  if (after != items.end()) append_link("next", "Next", *after);
  html.append("</nav>\n");
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
std::string document(std::string_view title, std::string_view alias, const Outline* outline, std::string_view crumb,
                     std::string_view text) {
  const Items items = outline ? items_of(*outline) : Items{};
  std::string html;
  append_head(html, title);
  append_bar(html, alias, outline ? std::string_view(outline->title) : alias, !items.empty());
  html.append(items.empty() ? "<div class=\"frame alone\">" : "<div class=\"frame\">").append("<main id=\"content\">\n");
  if (!alias.empty()) {
    html.append("<div class=\"head\">");
    append_crumbs(html, alias, crumb, items, nowhere);
    html.append("</div>\n");
  }
  html.append("<article class=\"text\">\n").append(text).append("</article>\n</main>\n");
  append_pages(html, alias, items, nowhere);
  return html.append("</div>\n</body>\n</html>\n");
}

std::size_t similarity(std::string_view a, std::string_view b) {
  // Dice's coefficient of the letter pairs, in thousandths.
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto pairs = [&](std::string_view text) {
    std::vector<std::pair<char, char>> all;
    for (std::size_t at = 0; at + 1 < text.size(); ++at) all.emplace_back(lower(text[at]), lower(text[at + 1]));
    std::ranges::sort(all);
    return all;
  };
  const auto x = pairs(a), y = pairs(b);
  std::vector<std::pair<char, char>> both;
  std::ranges::set_intersection(x, y, std::back_inserter(both));
  return x.empty() || y.empty() ? 0 : 2000 * both.size() / (x.size() + y.size());
}

std::string_view stem_of(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  const auto name = path.substr(path.rfind('/') + 1);
  return name.substr(0, name.rfind('.'));
}

}  // namespace

std::string_view style_sheet() noexcept { return embedded::style_css; }
std::string_view icon() noexcept { return embedded::icon_svg; }

std::string_view layout_version() noexcept {
  static const std::string version = "layout/1+" + digest(style_sheet());
  return version;
}

std::string lay_out(const PageParts& parts) {
  const Items items = items_of(parts.outline);
  const auto current = place_in(items, parts.path);
  auto facts = facts_of(parts.page);
  if (facts.title.empty()) facts.title = current == nowhere ? stem_of(parts.path) : items[current].title;
  const std::string book(parts.outline.title.empty() ? parts.alias : std::string_view(parts.outline.title));

  std::string html;
  html.reserve(parts.page.rendered_html.size() + 160 * items.size() + 4096);
  append_head(html, facts.title == book ? book : facts.title + " \xC2\xB7 " + book);
  append_bar(html, parts.alias, book, !items.empty());
  html.append("<div class=\"frame\"><main id=\"content\">\n<div class=\"head\">");
  append_crumbs(html, parts.alias, facts.title, items, current);
  html.append("</div>\n");
  append_toc(html, facts.headings);
  html.append("<article class=\"text\">\n").append(parts.page.rendered_html).append("</article>\n<div class=\"end\">");
  append_turn(html, parts.alias, items, current);
  html.append("</div>\n</main>\n");
  append_pages(html, parts.alias, items, current);
  return html.append("</div>\n</body>\n</html>\n");
}

std::string folder_page(std::string_view alias, std::string_view folder, const Outline& outline) {
  std::string list;
  for_each_item(outline, [&](const OutlineItem& item) {
    if (!item.is_page() || !item.path.starts_with(folder)) return;
    list.append("<li><a href=\"").append(href_of(alias, item.path)).append("\">");
    append_escaped(list, item.title);
    list.append("</a><span>");
    append_escaped(list, item.path);
    list.append("</span></li>\n");
  });
  if (list.empty() && !folder.empty()) return {};
  if (list.empty()) list = "<li>There are no pages here yet: files that end in .md will be.</li>\n";
  const std::string name(folder.empty() ? alias : stem_of(folder));
  return document(name + " \xC2\xB7 " + std::string(alias), alias, &outline, folder.empty() ? "Pages" : name,
                  "<h1>" + escaped(name) + "</h1>\n<ul class=\"list\">\n" + list + "</ul>\n");
}

std::string index_page(const std::vector<RepositoryLine>& repositories) {
  std::string text = "<h1>Wiki</h1>\n<ul class=\"list\">\n";
  for (const auto& [alias, title, pages] : repositories) {
    text.append("<li><a href=\"").append(href_of(alias, "")).append("\">");
    append_escaped(text, title.empty() ? alias : title);
    text.append("</a><span>");
    append_escaped(text, alias);
    text.append(" \xC2\xB7 ").append(std::to_string(pages)).append(pages == 1 ? " page" : " pages").append("</span></li>\n");
  }
  return document("Wiki", {}, nullptr, {}, text + "</ul>\n");
}

std::string error_page(const ErrorParts& parts) {
  std::string text = "<p class=\"status\">" + std::to_string(parts.status) + "</p>\n<h1>" + escaped(parts.title) + "</h1>\n<p>" +
                     escaped(parts.explanation) + "</p>\n";
  if (!parts.suggestions.empty()) {
    text.append("<p>Perhaps you are looking for:</p>\n<ul>\n");
    for (const auto& item : parts.suggestions) {
      text.append("<li><a href=\"").append(href_of(parts.alias, item.path)).append("\">");
      append_escaped(text, item.title);
      text.append("</a></li>\n");
    }
    text.append("</ul>\n");
  }
  return document(parts.title, parts.alias, parts.outline, parts.title, text);
}

std::vector<OutlineItem> pages_like(std::string_view path, const Outline& outline) {
  constexpr std::size_t alike = 400, most = 5;
  std::vector<std::pair<std::size_t, OutlineItem>> ranked;
  for_each_item(outline, [&](const OutlineItem& item) {
    if (!item.is_page()) return;
    const auto score = std::max(similarity(stem_of(path), stem_of(item.path)), similarity(stem_of(path), item.title));
    if (score >= alike) ranked.emplace_back(score, item);
  });
  std::ranges::stable_sort(ranked, std::ranges::greater(), [](const auto& each) { return each.first; });
  std::vector<OutlineItem> best;
  for (const auto& [score, item] : ranked) {
    if (best.size() < most) best.push_back(item);
  }
  return best;
}

}  // namespace wiki
