// Whatever a page says, the HTML made of it holds nothing but harmless elements, attributes and URLs, and cannot reach out
// of the place where the server puts it. Checked by parsing the HTML again.
#include <render_cache/renderer/markdown.hpp>

#include "support/catch.hpp"
#include "support/html_inspector.hpp"

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace markdown_safety_tests {

using render_cache::MarkdownLimitError;
using render_cache::MarkdownOptions;
using render_cache::MarkdownRenderer;
using render_cache::RawHtmlPolicy;
using render_cache::test::HtmlInspector;

namespace {

std::string render(std::string_view source, RawHtmlPolicy policy = RawHtmlPolicy::sanitise) {
  MarkdownOptions options;
  options.raw_html = policy;
  return MarkdownRenderer(options).render({"ALIAS", "b/c.md"}, source).rendered_html;
}

const std::vector<std::string>& attacks() {
  static const std::vector<std::string> all = {
      "<script>alert(1)</script>",
      "<ScRiPt >alert(1)</sCrIpT >",
      "<script src=//evil.example/x.js></script>",
      "<<script>alert(1)//<</script>",
      "<script\n>alert(1)</script\n>",
      "<img src=x onerror=alert(1)>",
      "<img src=x:alert(1) onerror=eval(src)>",
      "<img/src=x/onerror=alert(1)>",
      "<img src=\"javascript:alert(1)\">",
      "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
      "<img src=`x` onerror=`alert(1)`>",
      "<img \"\"\"><script>alert(1)</script>\">",
      "<a href=\"javascript:alert(1)\">x</a>",
      "<a href=\"JaVaScRiPt:alert(1)\">x</a>",
      "<a href=\"java\tscript:alert(1)\">x</a>",
      "<a href=\"java&#x0A;script:alert(1)\">x</a>",
      "<a href=\" &#14; javascript:alert(1)\">x</a>",
      "<a href=\"&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A&#x61&#x6C&#x65&#x72&#x74(1)\">x</a>",
      "<a href=\"javascript&colon;alert(1)\">x</a>",
      "<a href=\"java&NewLine;script&colon;alert(1)\">x</a>",
      "<a href=\"vbscript:msgbox(1)\">x</a>",
      "<a href=\"data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==\">x</a>",
      "<a href=\"//evil.example\" onclick=\"alert(1)\" target=\"_blank\" style=\"position:fixed\">x</a>",
      "<a id=\"cookie\" name=\"body\">x</a>",
      "[x](javascript:alert(1))",
      "[x](JAVASCRIPT:alert(1))",
      "[x](java&#x73;cript:alert(1))",
      "[x](java&Tab;script&colon;alert(1))",
      "[x](&#106;&#97;vascript:alert(1))",
      "[x](<java\tscript:alert(1)>)",
      "[x](\x01javascript:alert(1))",
      "[x](javascript&#58;alert(1))",
      "[x](javascript%3Aalert(1))",
      "[x](vbscript:msgbox(1))",
      "[x](data:text/html,<script>alert(1)</script>)",
      "[x](file:///etc/passwd)",
      "[x]: javascript:alert(1)\n\n[x] ![x]",
      "[x](a.md \"t&quot; onclick=&quot;alert(1)\")",
      "[x](a.md '\" onclick=\"alert(1)')",
      "[x](\"onclick=alert(1))",
      "![x](javascript:alert(1))",
      "![x](data:image/svg+xml;base64,AAAA)",
      "![x](mailto:a@b.c)",
      "![\" onerror=\"alert(1)](x)",
      "![<img src=x onerror=alert(1)>](x)",
      "![a ![b](javascript:alert(1))](c)",
      "<javascript:alert(1)>",
      "<data:text/html,x>",
      "<vbscript:x>",
      "javascript:alert(1)",
      "[x](\\\\evil.example/x) [x](/\\evil.example)",
      "[x](../../../../etc/passwd) [x](%2e%2e/%2E%2e/.%2e/x) [x](..;/x)",
      "<iframe src=\"javascript:alert(1)\"></iframe>",
      "<iframe srcdoc=\"<script>alert(1)</script>\">",
      "<object data=\"javascript:alert(1)\"><param name=x></object>",
      "<embed src=\"x.swf\">",
      "<applet code=x>",
      "<base href=\"//evil.example/\">",
      "<link rel=stylesheet href=\"//evil.example/x.css\">",
      "<meta http-equiv=refresh content=\"0;url=javascript:alert(1)\">",
      "<style>*{background:url(javascript:alert(1))}</style>",
      "<style><img src=\"</style><img src=x onerror=alert(1)>\">",
      "<form action=\"javascript:alert(1)\"><input type=submit formaction=\"javascript:alert(1)\"><button>x</button></form>",
      "<input autofocus onfocus=alert(1)>",
      "<details open ontoggle=alert(1)>x</details>",
      "<body onload=alert(1)>",
      "<html onclick=alert(1)>",
      "<frameset onload=alert(1)><frame src=javascript:alert(1)></frameset>",
      "<video><source onerror=alert(1)></video>",
      "<audio src=x onerror=alert(1)>",
      "<marquee onstart=alert(1)>x</marquee>",
      "<svg onload=alert(1)>",
      "<svg><script>alert(1)</script></svg>",
      "<svg><a xlink:href=\"javascript:alert(1)\"><text>x</text></a></svg>",
      "<svg><style><img src=x onerror=alert(1)></style></svg>",
      "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
      "<svg><foreignObject><img src=x onerror=alert(1)></foreignObject></svg>",
      "<svg><desc><table><mglyph><style></desc><img title=\"</style><img src onerror=alert(1)>\">",
      "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
      "<math href=\"javascript:alert(1)\">x</math>",
      "<math><annotation-xml encoding=\"text/html\"><img src=x onerror=alert(1)></annotation-xml></math>",
      "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
      "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>",
      "<noembed><img title=\"</noembed><img src=x onerror=alert(1)>\"></noembed>",
      "<noframes><img title=\"</noframes><img src=x onerror=alert(1)>\"></noframes>",
      "<xmp><img title=\"</xmp><img src=x onerror=alert(1)>\"></xmp>",
      "<textarea><img title=\"</textarea><img src=x onerror=alert(1)>\"></textarea>",
      "<title><img title=\"</title><img src=x onerror=alert(1)>\"></title>",
      "<plaintext><img src=x onerror=alert(1)>",
      "<listing>&lt;img src=x onerror=alert(1)&gt;</listing>",
      "<template><script>alert(1)</script></template>",
      "<select><template><img src=x onerror=alert(1)></template></select>",
      "<select><option><script>alert(1)</script></select>",
      "<table><td><script>alert(1)</script></table>",
      "<table><a href=javascript:alert(1)>x<tr><td></a>y</table>",
      "<isindex prompt=x action=javascript:alert(1)>",
      "<image src=x onerror=alert(1)>",
      "<a<b onclick=alert(1)>x</a>",
      "<p/onclick=alert(1)>x",
      "<div style=\"background:url(javascript:alert(1))\">x</div>",
      "<div data-x='\"><script>alert(1)</script>'>x</div>",
      "<div class='\"><script>alert(1)</script>'>x</div>",
      "<div title='&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;'>x</div>",
      "<p title=\"`onclick=alert(1)`\">x</p>",
      "<!--><script>alert(1)</script>-->",
      "<!--->--><script>alert(1)</script>",
      "<!-- --!><script>alert(1)</script> -->",
      "<!-- <!-- --> --><script>alert(1)</script>",
      "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
      "<![CDATA[<script>alert(1)</script>]]>",
      "<![CDATA[ > <img src=x onerror=alert(1)> ]]>",
      "<?xml version=\"1.0\"?><script>alert(1)</script>",
      "<?php echo '<script>alert(1)</script>' ?>",
      "<!DOCTYPE html [<!ENTITY x \"<script>alert(1)</script>\">]>",
      "</div></div></body></html><script>alert(1)</script>",
      "</div></p></td></tr></table></ul></main></article>",
      "<div><div><div><span><b><i>",
      "<b><p></b><a><p></a><table><b><tr><i><td></b></i>",
      "<Listing caption=\"`x>` <script>alert(1)</script>\">",
      "<Listing caption=\"x>\n\n<script>alert(1)</script>\">",
      "<T title='><script>alert(1)</script>",
      "<!---->",
      "<div><!----></div><!---->x",
      "`<script>alert(1)</script>`",
      "```\"><script>alert(1)</script>\nx\n```",
      "~~~ a\" onclick=\"alert(1)\n</code></pre><script>alert(1)</script>\n~~~",
      "# </h1><script>alert(1)</script>",
      "# \"><img src=x onerror=alert(1)>",
      "| <script>alert(1)</script> | </td></tr></table> |\n|---|---|\n| <b> | </table> |",
      "&lt;script&gt;alert(1)&lt;/script&gt;",
      "&#60;script&#62;alert(1)&#60;/script&#62;",
      "&#x3c;img src=x onerror=alert(1)&#x3e;",
      "\\<script>alert(1)</script>",
      "- <div>\n- </div></li></ul><script>alert(1)</script>",
      "> <blockquote>\n\n</blockquote></blockquote></div>",
      "**<b>** </b> *<i* </i>",
      "- <div><li>x",
      "- <div><div><dl><div><dd><li>x</li></dd></div></dl></div><dt>y",
      "<dl>\n<dd>\n\n- <div><dd>x\n\n</dl>",
      "<table>\n\n> <div><table>x\n\n</table>",
      "<table>\n<tr>\n\n> <div><td>x</td><tr><table>\n\n</table>",
      "<a href=\"a.md\">[x](b.md)</a>",
      "[<a href=javascript:alert(1)>](b.md)</a>",
      std::string("<scr\0ipt>alert(1)</scr\0ipt>", 27),
      std::string("[x](java\0script:alert(1))", 25),
      "<scr\xff"
      "ipt>alert(1)</script>",
      "<img src=x \xc0\xafonerror=alert(1)>",
      "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
      "<\xef\xbc\x9cscript\xef\xbc\x9e"
      "alert(1)",
  };
  return all;
}

}  // namespace

TEST_CASE("markdown safety: the inspector itself sees what it is there for") {
  for (const auto* bad : {"<script>x</script>", "<p onclick=x>", "<a href=javascript:x>", "<img src=data:x>", "<svg></svg>",
                          "<p id=x>", "<!-- x -->", "</div>x", "<textarea>", "<p style=x>", "<template></template>",
                          "<input type=text>", "<iframe>", "<a href='/ALIAS/../x'>", "<p>x", "x</em>", "<b><i>x</b></i>"}) {
    CAPTURE(bad);
    CHECK(!HtmlInspector::complaint(bad).empty());
  }
  CHECK(HtmlInspector::complaint("<p>x <a href=\"/ALIAS/x\">y</a></p>").empty());
}

TEST_CASE("markdown safety: no known attack leaves anything but harmless HTML, under any policy, in any place") {
  const std::string places[] = {"X",
                                "a X b",
                                "X\n\nmore *text*",
                                "- X\n- y",
                                "> X",
                                "# X",
                                "| a |\n|---|\n| X |",
                                "<div>\n\nX\n\n</div>",
                                "*X*",
                                "[X](y)",
                                "![X](y)",
                                "<details>X</details>",
                                "<table><tr><td>\n\nX\n\n</td></tr></table>"};
  for (const auto policy : {RawHtmlPolicy::sanitise, RawHtmlPolicy::drop, RawHtmlPolicy::escape}) {
    for (const auto& attack : attacks()) {
      for (const auto& place : places) {
        std::string page = place;
        page.replace(page.find('X'), 1, attack);
        const auto html = render(page, policy);
        const auto complaint = HtmlInspector::complaint(html);
        if (complaint.empty()) continue;
        CAPTURE(page, html);
        CHECK(complaint == "");
      }
    }
  }
}

TEST_CASE("markdown safety: random mixtures of nasty pieces leave harmless HTML") {
  std::vector<std::string> pieces = attacks();
  for (const auto* piece : {"\n",         "\n\n",       "\n\n",        " ",        "\"",       "'",           ">",
                            "<",          "</",         "-->",         "<!--",     "*",        "**",          "`",
                            "```\n",      "[",          "](",          ")",        "![",       "|",           "\n|---|---|\n",
                            "- ",         "> ",         "# ",          "    ",     "<b>",      "</b>",        "<p>",
                            "</p>",       "<div>",      "</div>",      "<table>",  "<tr>",     "<td>",        "</table>",
                            "<a href=\"", "<textarea>", "</textarea>", "<style>",  "</style>", "<svg>",       "</svg>",
                            "<math>",     "<mtext>",    "<title>",     "<select>", "<xmp>",    "<plaintext>", "<!---->",
                            "<script>",   "</script>",  "<li>",        "<ul>",     "</ul>",    "<details>",   "<img title=\"",
                            "<x-y ",      "=",          "text",        "&",        ";",        "&lt;",        "javascript:",
                            "data:"}) {
    pieces.insert(pieces.end(), 3, piece);
  }
  std::mt19937 random(20240229);
  for (int round = 0; round < 4000; ++round) {
    std::string page;
    for (auto left = random() % 14; left > 0; --left) page += pieces[random() % pieces.size()];
    const auto html = render(page);
    const auto complaint = HtmlInspector::complaint(html);
    if (complaint.empty()) continue;
    CAPTURE(round, page, html);
    CHECK(complaint == "");
  }
}

// md4c 0.4.8 takes the letters around such a delimiter for a part of the link, and then leaves emphasis that it has not entered,
// or never leaves what it has (mity/md4c issue 294). What the two versions show differs; that it is balanced does not.
TEST_CASE("markdown safety: delimiters within a bare URL leave no tag without its other half") {
  std::size_t pages = 0;
  for (const std::string url :
       {"http://.i", "https://.", "http://a.", "http://a.b", "ftp://.i/", "www.i", "www..", "a@b.i", "x@."}) {
    for (const std::string mark : {"*", "**", "***", "_", "~", "~~", "`"}) {
      const std::string marked = mark + "x" + mark, link = url + marked;
      for (const std::string& line :
           {link, link + link, mark + "a " + link, mark + "a " + link + " [b" + mark + "](c)", "[a " + link + "](b) " + link,
            "![a " + link + "](b) " + link, "*a **b ~~c " + link + link + " c~~ b** a*", "<b>" + link + "</b><i>" + link}) {
        for (const std::string& text : {line, "# " + line, "- " + line + "\n  - " + line + "\n" + line + "\n<i>\n\n> " + line,
                                        "| " + line + " | b |\n|---|---|\n| " + line + " | *c* |\n"}) {
          ++pages;
          const auto html = render(text);
          const auto complaint = HtmlInspector::complaint(html);
          if (complaint.empty() && html == render(text)) continue;
          CAPTURE(text, html);
          CHECK(complaint == "");
          CHECK(html == render(text));
        }
      }
    }
  }
  CHECK(pages == 9 * 7 * 8 * 4);
}

}  // namespace markdown_safety_tests
