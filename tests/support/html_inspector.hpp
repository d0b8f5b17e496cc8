// What a browser would make of rendered HTML, found by parsing it again.
#pragma once

#include <gumbo.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace render_cache::test {

/// What is wrong with the HTML of the page `b/c.md` of the repository `ALIAS`: "" when nothing but what pages may have is in it,
/// and each start tag has its end.
class HtmlInspector {
 public:
  static std::string complaint(const std::string& html) {
    HtmlInspector inspector;
    inspector.check_tags(html);
    const std::string document = "<!DOCTYPE html><body><div id=\"layout\">" + html + "</div><p id=\"after\">x</p></body>";
    auto options = kGumboDefaultOptions;
    options.max_errors = 0;
    auto* parsed = gumbo_parse_with_options(&options, document.data(), document.size());
    inspector.visit(*parsed->root, 0, false);
    // <html> has <head> and <body>, and <body> the layout and what comes after it.
    const auto* body = static_cast<const GumboNode*>(parsed->root->v.element.children.data[1]);
    if (body->v.element.children.length != 2) inspector.complaint_ += "the page reaches out of the layout; ";
    if (!inspector.after_outside_) inspector.complaint_ += "the layout's end was swallowed; ";
    gumbo_destroy_output(&options, parsed);
    return inspector.complaint_;
  }

 private:
  // As it is written, where a browser would mend it: in this HTML a '<' or '>' is nothing but the end of a tag.
  void check_tags(std::string_view html) {
    std::vector<std::string_view> open;
    for (std::size_t at; (at = html.find('<')) != html.npos;) {
      const auto tag = html.substr(at + 1, html.find('>', at) - at - 1);
      const bool is_end = tag.starts_with('/');
      const auto name = tag.substr(is_end ? 1 : 0).substr(0, tag.find_first_of(" /\n", 1) - (is_end ? 1 : 0));
      html.remove_prefix(std::min(at + tag.size() + 2, html.size()));
      if (is_end && (open.empty() || open.back() != name)) {
        complaint_ += "</" + std::string(name) + "> ends nothing; ";
      } else if (is_end) {
        open.pop_back();
      } else if (!without_end.contains(name)) {
        open.push_back(name);
      }
    }
    for (const auto name : open) complaint_ += "<" + std::string(name) + "> has no end; ";
  }

  void visit(const GumboNode& node, int depth, bool in_page) {
    if (node.type == GUMBO_NODE_COMMENT) complaint_ += "a comment; ";
    if (node.type == GUMBO_NODE_TEMPLATE) complaint_ += "a template; ";
    if (node.type != GUMBO_NODE_ELEMENT) return;
    const auto& element = node.v.element;
    const std::string name = gumbo_normalized_tagname(element.tag);
    const auto* id = gumbo_get_attribute(&element.attributes, "id");
    const std::string_view own_id = id != nullptr ? id->value : "";
    if (own_id == "layout" && depth == 2) in_page = true;
    if (own_id == "after") after_outside_ = depth == 2 && !in_page;
    if (in_page && own_id != "layout") {
      if (element.tag_namespace != GUMBO_NAMESPACE_HTML) complaint_ += "foreign <" + name + ">; ";
      if (!elements.contains(name)) complaint_ += "element <" + name + ">; ";
      for (unsigned i = 0; i < element.attributes.length; ++i) {
        check(name, *static_cast<const GumboAttribute*>(element.attributes.data[i]));
      }
    }
    for (unsigned i = 0; i < element.children.length; ++i) {
      visit(*static_cast<const GumboNode*>(element.children.data[i]), depth + 1, in_page);
    }
  }

  void check(const std::string& element, const GumboAttribute& attribute) {
    const std::string name = attribute.name, value = attribute.value;
    if (!attributes.contains(name)) complaint_ += "attribute " + name + " of <" + element + ">; ";
    if ((name == "id" || name == "name") && !value.starts_with("user-content-")) complaint_ += "id " + value + "; ";
    if (name == "type" && (element != "input" || value != "checkbox")) complaint_ += "type " + value + "; ";
    if (name == "href" || name == "src") {
      if (name == "href" && element != "a") complaint_ += "href of <" + element + ">; ";
      if (name == "src" && element != "img") complaint_ += "src of <" + element + ">; ";
      const std::array allowed = {"/ALIAS/", "#", "?", "http:", "https:", "//", name == "href" ? "mailto:" : "//"};
      const bool known = value.empty() || std::ranges::any_of(allowed, [&](auto* prefix) { return value.starts_with(prefix); });
      if (!known) complaint_ += "URL " + value + "; ";
      if (value.find_first_of(" \t\r\n\\<>\"`") != value.npos) complaint_ += "unescaped URL " + value + "; ";
      const auto path = "/" + value.substr(0, value.find_first_of("?#")) + "/";
      if (value.starts_with("/ALIAS/") && path.find("/../") != path.npos) complaint_ += "climbing URL " + value + "; ";
    }
  }

  inline static const std::set<std::string_view> without_end = {"br", "col", "hr", "img", "input", "wbr"};
  inline static const std::set<std::string> elements = {
      "a",    "abbr",     "b",      "bdi", "bdo",     "big", "blockquote", "br",    "caption", "center", "cite",       "code",
      "col",  "colgroup", "dd",     "del", "details", "dfn", "div",        "dl",    "dt",      "em",     "figcaption", "figure",
      "h1",   "h2",       "h3",     "h4",  "h5",      "h6",  "hr",         "i",     "img",     "input",  "ins",        "kbd",
      "li",   "mark",     "ol",     "p",   "pre",     "q",   "rp",         "rt",    "ruby",    "s",      "samp",       "small",
      "span", "strike",   "strong", "sub", "summary", "sup", "table",      "tbody", "td",      "tfoot",  "th",         "thead",
      "time", "tr",       "tt",     "u",   "ul",      "var", "wbr"};
  inline static const std::set<std::string> attributes = {
      "abbr",     "align",  "alt",  "aria-hidden", "aria-label", "border", "checked", "class", "colspan",  "datetime", "dir",
      "disabled", "height", "href", "id",          "lang",       "name",   "open",    "rel",   "reversed", "role",     "rowspan",
      "scope",    "span",   "src",  "start",       "title",      "type",   "valign",  "value", "width"};

  std::string complaint_;
  bool after_outside_ = false;
};

}  // namespace render_cache::test
