#include "browser/chromium.hpp"
#include "support/catch.hpp"
#include "support/wiki_process.hpp"

#include <string>

namespace browser_tests {

using namespace render_cache::test;

TEST_CASE("a browser shows a page, and runs nothing in it", "[server]") {
  const TemporaryDirectory files;
  files.write("root/README.md", "# A page\n\n<script>document.title = 'changed'</script>\n\n![picture](picture.svg)\n");
  files.write("root/picture.svg",
              "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"><script>window.ran = 1</script></svg>");
  const WikiServer wiki({"--root", "site=" + (files / "root").string()});
  Chromium browser;
  browser.open("http://127.0.0.1:" + std::to_string(wiki.port()) + "/site/README.md");
  CHECK(browser.evaluate("document.title") == "A page \xC2\xB7 site");
  CHECK(browser.evaluate("document.querySelector('img').naturalWidth") == 9);
  // It has asked for the style sheet, the icon and the picture too.
  CHECK(wiki.stats()["server"]["requests"].get<int>() >= 4);
}

}  // namespace browser_tests
