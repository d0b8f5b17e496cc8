#include "outline.hpp"

#include "html.hpp"
#include "target.hpp"

#include <render_cache/entry/text.hpp>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace wiki {
namespace {

namespace fs = std::filesystem;
using render_cache::DocumentRoot;
using render_cache::FileError;

/// Numbers in names count as numbers: "page 9" comes before "page 10". Case does not.
bool comes_first(std::string_view a, std::string_view b) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto number = [&](std::string_view& text) {
    const auto zeros = std::min(text.find_first_not_of('0'), text.size());
    text.remove_prefix(zeros);
    const auto end = std::ranges::find_if_not(text, is_digit);
    const auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(digits.size());
    return digits;
  };
  for (auto x = a, y = b; !x.empty() && !y.empty();) {
    if (is_digit(x.front()) && is_digit(y.front())) {
      const auto n = number(x), m = number(y);
      if (n.size() != m.size()) return n.size() < m.size();
      if (n != m) return n < m;
    } else {
      if (lower(x.front()) != lower(y.front())) {
        // A folder's content follows the folder's name directly: '/' sorts before everything.
        if (x.front() == '/' || y.front() == '/') return x.front() == '/';
        return lower(x.front()) < lower(y.front());
      }
      x.remove_prefix(1);
      y.remove_prefix(1);
    }
    if (x.empty() != y.empty()) return x.empty();
  }
  return a < b;  // they differ in case or in leading zeros only
}

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }
std::string_view folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? std::string_view{} : path.substr(0, slash);
}

bool is_folder_page(std::string_view path) {
  const auto name = name_of(path);
  return name == "README.md" || name == "index.md";
}

/// What a page is sorted by: a folder's own page comes first in it, and README.md before index.md.
std::string_view place_of(std::string_view path) {
  return is_folder_page(path) ? path.substr(0, path.size() - name_of(path).size()) : path;
}
bool page_comes_first(std::string_view a, std::string_view b) {
  const auto x = place_of(a), y = place_of(b);
  return x == y ? a < b : comes_first(x, y);
}

/// "getting_started-guide.md" becomes "Getting started guide".
std::string title_from_name(std::string_view name) {
  std::string title(name.substr(0, is_page(name) ? name.rfind('.') : name.npos));
  std::ranges::replace_if(
      title, [](char c) { return c == '_' || c == '-' || c == '\t' || c == '\n'; }, ' ');
  if (!title.empty() && title.front() >= 'a' && title.front() <= 'z') title.front() = static_cast<char>(title.front() - 32);
  return title;
}

/// A title of a megabyte is none: it is shown in every page around.
void append_item(Outline& outline, std::size_t depth, std::string_view path, std::string_view title) {
  const auto append = [&](std::string_view text) {
    for (const char c : text) outline.items.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  };
  outline.items.append(std::to_string(depth)).push_back('\t');
  append(path);
  outline.items.push_back('\t');
  append(shortened(title));
  outline.items.push_back('\n');
}

// -- from the names of files ----------------------------------------------------------------------------------------------------

/// Each folder is an item, which leads to its own page where it has one, and its content follows one level deeper.
Outline outline_of_files(const std::vector<std::string>& pages) {
  Outline outline;
  std::vector<std::string> open;  // the folders around the current page
  for (std::size_t at = 0; at < pages.size(); ++at) {
    const std::string& path = pages[at];
    const auto folder = folder_of(path);
    while (!open.empty() && folder != open.back() && !folder.starts_with(open.back() + "/")) open.pop_back();
    while (open.empty() ? !folder.empty() : folder != open.back()) {
      const std::size_t start = open.empty() ? 0 : open.back().size() + 1;
      open.emplace_back(folder.substr(0, folder.find('/', start)));
      const bool has_page = is_folder_page(path) && folder == open.back();  // which is the first in it
      append_item(outline, open.size() - 1, has_page ? path : open.back() + "/", title_from_name(name_of(open.back())));
    }
    if (is_folder_page(path) && !folder.empty()) continue;  // the folder's item leads there
    append_item(outline, open.size(), path, is_folder_page(path) ? "Overview" : title_from_name(name_of(path)));
  }
  return outline;
}

// -- from SUMMARY.md ------------------------------------------------------------------------------------------------------------

/// A title without Markdown's marks: `code`, *emphasis*, \escapes.
std::string plain_title(std::string_view text) {
  std::string title;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) {
      title.push_back(text[++at]);
    } else if (text[at] != '`' && text[at] != '*') {
      title.push_back(text[at]);
    }
  }
  return title;
}

/// The position of the ']' that closes the '[' at the text's start.
std::size_t closing_bracket(std::string_view text) {
  std::size_t open = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '[') {
      ++open;
    } else if (text[at] == ']' && --open == 0) {
      return at;
    }
  }
  return text.npos;
}

/// The link's target as a path below the root; empty for a draft, nothing for what leads elsewhere.
std::optional<std::string> page_path(std::string_view link) {
  if (link.starts_with('<') && link.ends_with('>')) link = link.substr(1, link.size() - 2);
  while (link.starts_with("./")) link.remove_prefix(2);
  if (link.empty()) return std::string();
  if (link.find("://") != link.npos) return std::nullopt;
  const auto target = parse_target("/x/" + std::string(link));
  return target.problem == Target::Problem::none ? std::optional(target.path) : std::nullopt;
}

/// mdBook's format: a title, parts as headings, and chapters as links, most of them in nested lists.
Outline outline_of_summary(std::string_view summary) {
  Outline outline;
  std::vector<std::size_t> indents;
  for (std::size_t end; !summary.empty(); summary.remove_prefix(std::min(end + 1, summary.size()))) {
    end = std::min(summary.find('\n'), summary.size());
    auto line = summary.substr(0, end);
    const auto indent = std::min(line.find_first_not_of(" \t"), line.size());
    line.remove_prefix(indent);
    if (line.starts_with("# ")) {
      const auto heading = plain_title(line.substr(2, line.find_last_not_of(" \r#") - 1));
      indents.clear();
      if (!outline.items.empty()) {
        append_item(outline, 0, OutlineItem::part, heading);
      } else if (heading != "Summary") {
        outline.title = shortened(heading);
      }
      continue;
    }
    if (line.starts_with("- ") || line.starts_with("* ") || line.starts_with("+ ")) {
      while (!indents.empty() && indents.back() >= indent) indents.pop_back();
      indents.push_back(indent);
      line.remove_prefix(std::min(line.find_first_not_of(' ', 1), line.size()));
    } else {
      indents.clear();
    }
    const auto close = line.starts_with('[') ? closing_bracket(line) : line.npos;
    if (close == line.npos || line.substr(close + 1, 1) != "(") continue;
    const auto link = line.substr(close + 2, line.rfind(')') - std::min(line.rfind(')'), close + 2));
    const auto path = page_path(link);
    if (path) append_item(outline, indents.empty() ? 0 : indents.size() - 1, *path, plain_title(line.substr(1, close - 1)));
  }
  return outline;
}

/// Whether a link leads to a file below the root.
bool is_within(const DocumentRoot& root, const std::string& link) {
  try {
    return static_cast<bool>(root.open(link));
  } catch (const FileError&) {
    return false;
  }
}

}  // namespace

std::shared_ptr<const DocumentRoot> open_root(fs::path folder) {
  return std::make_shared<const DocumentRoot>(std::move(folder), DocumentRoot::Names::visible);
}

void sort_pages(std::vector<std::string>& pages) { std::ranges::sort(pages, page_comes_first); }

std::vector<std::string> list_pages(const DocumentRoot& root) {
  constexpr auto options = fs::directory_options::skip_permission_denied;
  std::vector<std::string> pages;
  std::error_code error;
  fs::recursive_directory_iterator entry(root.path(), options, error);
  if (error) root.fail(error.value(), ".");
  for (const fs::recursive_directory_iterator end; entry != end; entry.increment(error)) {
    if (error) root.fail(error.value(), ".");
    const auto name = entry->path().filename().string();
    if (name.starts_with('.')) {
      entry.disable_recursion_pending();
      continue;
    }
    std::error_code vanished;
    if (!is_page(name) || !entry->is_regular_file(vanished)) continue;
    auto path = entry->path().lexically_relative(root.path()).generic_string();
    if (render_cache::find_invalid_text(path) != path.npos) continue;  // no URL leads there
    if (entry->is_symlink(vanished) && !is_within(root, path)) continue;
    pages.push_back(std::move(path));
  }
  if (error) root.fail(error.value(), ".");
  sort_pages(pages);
  return pages;
}

render_cache::Frozen<Listing> OutlineHasher::freeze(const Root& root) const {
  try {
    auto summary = files_.freeze({root, "SUMMARY.md"});
    return {std::move(summary.components), Listing{std::move(summary.content), {}}};
  } catch (const FileError& error) {
    if (error.kind != FileError::Kind::not_found) throw;
  }
  Listing listing{std::nullopt, list_pages(*root)};
  std::string names;
  for (const auto& page : listing.pages) names.append(page).push_back('\0');
  return {text_.components(names), std::move(listing)};
}

Outline OutlineRenderer::render(const OutlineKey&, const Listing& listing) const {
  return listing.summary ? outline_of_summary(render_cache::valid_text(*listing.summary)) : outline_of_files(listing.pages);
}

}  // namespace wiki
