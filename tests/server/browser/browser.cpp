#include "support/catch.hpp"
#include "support/wiki_process.hpp"

#include <cstdio>
#include <string>

using namespace render_cache::test;

namespace {

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  for (int c; (c = std::fgetc(pipe)) != EOF;) text.push_back(static_cast<char>(c));
  ::pclose(pipe);
  return text;
}

}  // namespace

TEST_CASE("a browser shows a page, and runs nothing in it", "[server]") {
  const TemporaryDirectory files;
  files.write("root/README.md", "# A page\n\n<script>document.title = 'changed'</script>\n\n![picture](picture.svg)\n");
  files.write("root/picture.svg",
              "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"><script>window.ran = 1</script></svg>");
  const WikiServer wiki({"--root", "site=" + (files / "root").string()});
  const auto dom =
      output_of(std::string(RENDER_CACHE_BROWSER) +
                " --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
                "--disable-component-update --disable-sync --user-data-dir=" +
                (files / "profile").string() + " --dump-dom http://127.0.0.1:" + std::to_string(wiki.port()) +
                "/site/README.md 2>/dev/null");
  CHECK_THAT(dom, ContainsSubstring("<title>A page"));
  CHECK_THAT(dom, ContainsSubstring("aria-current=\"page\""));
  CHECK(dom.find("changed") == std::string::npos);
  // It has asked for the style sheet, the icon and the picture too.
  CHECK(wiki.stats()["server"]["requests"].get<int>() >= 4);
}
