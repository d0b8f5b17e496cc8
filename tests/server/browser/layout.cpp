#include "browser/chromium.hpp"
#include "html.hpp"
#include "support/catch.hpp"
#include "support/wiki_process.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace layout_tests {

using namespace render_cache::test;
namespace fs = std::filesystem;

TEST_CASE("on a phone no page scrolls sideways, whatever tables and code are in it", "[server]") {
  const TemporaryDirectory files;
  const std::string word(300, 'w');
  files.write("wide/README.md", "# " + word + "\n\n" + word + " `" + word + "` [" + word + "](x.md) ![" + word +
                                    "](x.png)\n\n```\n" + word + "\n```\n\n| a | b |\n|---|---|\n| `" + word + "` | " + word +
                                    " |\n\n> - " + word +
                                    "\n\n<img width=3000 height=9 src=x.png> <table width=3000><tr><td>x</table>\n\n<pre>" +
                                    word + "</pre>\n\n## " + word + "\n\n### " + word + "\n");
  files.write("wide/" + std::string(200, 'n') + ".md", "");
  const fs::path docs = fs::path(RENDER_CACHE_SOURCE_DIR) / "docs";
  const WikiServer wiki({"--root", "docs=" + docs.string(), "--root", "wide=" + (files / "wide").string()});
  std::vector<std::string> targets{"/", "/wide/", "/wide/?page=1", "/wide/none.md", "/docs/?page=1", "/docs/none.md"};
  for (const auto& file : fs::recursive_directory_iterator(docs)) {
    if (file.path().extension() == ".md") targets.push_back(wiki::url_of("docs", fs::relative(file, docs).string()));
  }
  CHECK(targets.size() > 40);

  Chromium browser;
  constexpr int width = 360;
  browser.call("Emulation.setDeviceMetricsOverride",
               {{"width", width}, {"height", 740}, {"deviceScaleFactor", 2}, {"mobile", true}});
  for (const auto& target : targets) {
    CAPTURE(target);
    browser.open("http://127.0.0.1:" + std::to_string(wiki.port()) + target);
    CHECK(browser.evaluate("document.documentElement.scrollWidth") == width);
  }
}

}  // namespace layout_tests
