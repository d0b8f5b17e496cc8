// Pages that are made to cost more than they look: one kind after another, at any size.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace render_cache::test {

struct Bomb {
  std::string name;
  std::function<std::string(std::size_t bytes)> page;
};

inline std::string times(std::size_t count, std::string_view text) {
  std::string result;
  result.reserve(count * text.size());
  while (count-- > 0) result += text;
  return result;
}

/// `text` again and again, `bytes` long.
inline std::string fill(std::size_t bytes, std::string_view text) {
  return times(bytes / text.size() + 1, text).substr(0, bytes);
}

/// `text(0)`, `text(1)`, ... until that is `bytes` long.
inline std::string number(std::size_t bytes, std::function<std::string(std::size_t)> text) {
  std::string result;
  for (std::size_t i = 0; result.size() < bytes; ++i) result += text(i);
  return result;
}

inline std::vector<Bomb> markdown_bombs() {
  constexpr std::size_t most_tags = 19'990;  // MarkdownOptions::max_raw_tags
  std::vector<Bomb> all;
  const auto add = [&](std::string name, std::function<std::string(std::size_t)> page) {
    all.push_back({std::move(name), std::move(page)});
  };
  for (const std::string text : {"x",
                                 "*",
                                 "_",
                                 "~",
                                 "`",
                                 "[",
                                 "]",
                                 "(",
                                 "<",
                                 "&",
                                 "|",
                                 "\\",
                                 "!",
                                 "#",
                                 "-",
                                 ">",
                                 "+",
                                 "=",
                                 ":",
                                 "@",
                                 "\n",
                                 " ",
                                 "\t",
                                 "\r",
                                 "\xff",
                                 "word ",
                                 "a\n",
                                 "a\n\n",
                                 "a\r\n\r\n",
                                 "*a*",
                                 "*a* ",
                                 "**a** ",
                                 "*a **b ",
                                 "_a __b ",
                                 "*_",
                                 "a*",
                                 "*a",
                                 "a**b",
                                 "***a",
                                 "~a~",
                                 "~~a~~ ",
                                 "`a",
                                 "`a` ",
                                 "`` ` ",
                                 "![",
                                 "[a](b)",
                                 "[a](b) ",
                                 "[a]",
                                 "[](",
                                 "[a](<b",
                                 "[a](b \"",
                                 "![a](b)",
                                 "[[a]]",
                                 "[a][b]",
                                 "<a",
                                 "<a ",
                                 "<a>",
                                 "<a b=",
                                 "<a b=\"",
                                 "</a>",
                                 "</",
                                 "<!--",
                                 "<!-- ",
                                 "<!-->",
                                 "<?",
                                 "<![CDATA[",
                                 "<!A ",
                                 "<http:",
                                 "<http://a>",
                                 "<a@b>",
                                 "<b>",
                                 "<b>x</b>",
                                 "<b>\n",
                                 "<div>\n",
                                 "<div>\n\n",
                                 "<p>",
                                 "<!-- -->\n",
                                 "<T>",
                                 "<T>\n",
                                 "<i>*",
                                 "*<b>* ",
                                 "&a",
                                 "&ab;",
                                 "&amp;",
                                 "&#1;",
                                 "&#",
                                 "&nbsp;",
                                 "&aaa1;",
                                 "\\*",
                                 "\\a",
                                 "www.",
                                 "www._",
                                 "_www.",
                                 "www.a.b",
                                 "www.a.b ",
                                 "http://",
                                 "http://a.b ",
                                 "(http://a.b)",
                                 "a@",
                                 "a@b.",
                                 "a@b.c ",
                                 "http://a.b/*x*",
                                 "# a\n",
                                 "#\n",
                                 "# # #\n",
                                 "a\n=\n",
                                 "a\n-\n",
                                 "## *a*\n",
                                 "# &aaa1;\n",
                                 "- a\n",
                                 "- \n",
                                 "-\n",
                                 "1. a\n",
                                 "- - - a\n",
                                 "> a\n",
                                 ">\n",
                                 "> > > a\n",
                                 "- a\n\n",
                                 "* * *\n",
                                 "---\n",
                                 "    a\n",
                                 "```\n",
                                 "```\n\n",
                                 "~~~ x\n",
                                 "- [ ] a\n",
                                 "a  \n",
                                 "a\\\n",
                                 "|a|\n|---|\n",
                                 "|a",
                                 "|a|b|\n",
                                 "[a]: b\n",
                                 "[a]:\n",
                                 "[a]: <b\n",
                                 "[a]: b \"c\n",
                                 "[a]: b (c\n",
                                 "[a",
                                 "[a]: b\n\n",
                                 "\xc3\xa9",
                                 "\xe2\x80\x83",
                                 "\xf0\x9f\x98\x80"}) {
    add(text, [text](std::size_t bytes) { return fill(bytes, text); });
  }

  const auto halves = [&](const std::string& before, const std::string& first, const std::string& between,
                          const std::string& second, const std::string& after = {}) {
    add(before + first + between + second + after,
        [=](std::size_t bytes) { return before + fill(bytes / 2, first) + between + fill(bytes / 2, second) + after; });
  };
  halves("[a]: javascript:", "&ab;", "\n\n", "[a]\n\n");
  halves("[a]: b '", "c", "'\n\n", "[a]\n\n");
  halves("[a]: b '", "&ab;", "'\n\n![", "![a]", "](c)");
  halves("[a]: ", "a/", "\n\n", "[a]\n\n");
  halves("[x]: y\n\n", "[", "", "]");
  halves("[x]: y\n\n", "![a", "", "](b");
  halves("", "[", "", "]");
  halves("[a](", "(", "", ")");
  for (const std::string text : {"#", "a*", "\xc3\xa9*a*"}) {
    add("[x](<" + text, [text](std::size_t bytes) { return "[x](<" + fill(bytes, text) + ">)"; });
  }
  halves("", "*a ", "", " a*");
  halves("", "*a **b ", "", " b** a*");
  add("definitions", [](std::size_t bytes) {
    return number(bytes / 2, [](auto i) { return "[" + std::to_string(i) + "]: a\n"; }) + "\n" +
           number(bytes / 2, [](auto i) { return "[" + std::to_string(i) + "]\n\n"; });
  });
  add("wide table",
      [](std::size_t bytes) { return fill(bytes / 4, "|a") + "\n" + fill(bytes / 2, "|---") + "\n" + fill(bytes / 4, "|\n"); });
  for (const std::string row : {"|\n", "|a|*b*|`c`\n"}) {
    add("100 columns, " + row,
        [row](std::size_t bytes) { return fill(200, "|a") + "\n" + fill(400, "|---") + "\n" + fill(bytes, row); });
  }
  add("deep list, empty lines", [](std::size_t bytes) { return fill(180, "- ") + "x" + fill(bytes, "\n"); });
  add("deep list, lines", [](std::size_t bytes) { return fill(180, "- ") + "x\n" + fill(bytes, "a\n"); });
  for (const std::string marks : {"- ", "> ", "> - ", "1) "}) {
    add("deep " + marks, [marks](std::size_t bytes) { return fill(bytes, fill(180, marks) + "a\n"); });
    add("deep " + marks + "apart", [marks](std::size_t bytes) { return fill(bytes, fill(180, marks) + "a\n\n"); });
  }
  add("deep emphasis", [](std::size_t bytes) { return fill(bytes, fill(180, "*a ") + fill(180, " a*") + "\n\n"); });
  add("headings that differ",
      [](std::size_t bytes) { return number(bytes, [](auto i) { return "# " + std::to_string(i) + "\n"; }); });
  add("a long heading", [](std::size_t bytes) { return "# " + fill(bytes, "word ") + "\n"; });
  add("names of characters",
      [](std::size_t bytes) { return number(bytes, [](auto i) { return "&a" + std::to_string(i) + ";"; }); });

  const auto tags = [&](const std::string& before, const std::string& text) {
    const auto each = static_cast<std::size_t>(std::ranges::count(text, '<'));
    add(before + "tags " + text,
        [=](std::size_t bytes) { return before + times(std::min(most_tags / each, bytes / text.size()), text); });
  };
  for (const std::string text :
       {"<b>",          "<div>",    "<span>",     "<p>",        "<a href=x>", "<li>",           "<ul><li>",
        "<table>",      "<td>",     "<svg>",      "<select>",   "<br>",       "<font color=1>", "<nobr>",
        "</b>",         "</p>",     "</br>",      "</span>",    "<h1>",       "<button>",       "<form>",
        "<dd>",         "<option>", "<math>",     "<template>", "<ruby><rt>", "<b><p>",         "<b></p>",
        "<b><div></b>", "<a><p>",   "<i><b></i>", "<x>",        "<details>"}) {
    for (const std::string before : {"", "<div>\n", "<table>\n"}) tags(before, text);
    tags("<div><p>\n", text + "x\n");
  }
  add("formatting that differs", [](std::size_t bytes) {
    return "x" + number(std::min<std::size_t>(bytes, 300'000), [](auto i) { return "<b id=" + std::to_string(i) + ">"; });
  });
  add("formatting opened anew", [](std::size_t bytes) {
    return "<div><p>\n" +
           number(std::min<std::size_t>(bytes / 2, 20'000), [](auto i) { return "<b id=" + std::to_string(i) + ">"; }) +
           times(std::min<std::size_t>(9000, bytes / 8), "<p>x\n");
  });
  add("formatting closed by others", [](std::size_t bytes) {
    const auto count = std::min<std::size_t>(bytes / 24, 6000);
    return "<p>\n" + number(12 * count, [](auto i) { return "<b id=" + std::to_string(i) + ">"; }) + "<div>" +
           times(count, "<br>") + times(count, "</b>");
  });
  add("attributes",
      [](std::size_t bytes) { return "<div" + number(bytes, [](auto i) { return " a" + std::to_string(i); }) + ">"; });
  add("raw HTML in deep lists", [](std::size_t bytes) {
    std::string page;
    for (std::size_t i = 0; i < 90; ++i) page += std::string(2 * i, ' ') + "- <b>x\n";
    return page + std::string(180, ' ') + fill(bytes, "word ");
  });
  for (const std::string text : {"x", "&amp;", "<!---->"}) {
    add("<div>\n" + text, [text](std::size_t bytes) { return "<div>\n" + fill(bytes, text); });
  }
  add("<div> around blocks", [](std::size_t bytes) { return fill(bytes, "<div>\n\na\n\n</div>\n\n"); });

  for (const std::string text : {"[",      "{",  "- ",   "a:\n", "? ",  "&a ",       "!a ",           "a: a: ",      "- a\n",
                                 "a: 1\n", "\"", "[a, ", "{a: ", "*a ", "- - - a\n", "a: |\n  b\n",   "a: [b, c]\n", "? a\n",
                                 "[{",     ": ", "- : ", "#\n",  " \n", "!<",        "a: \"\\x41\"\n"}) {
    add("front matter " + text,
        [text](std::size_t bytes) { return "---\n" + fill(std::min<std::size_t>(bytes, 65'000), text) + "\n---\nx"; });
  }
  return all;
}

}  // namespace render_cache::test
