#include <render_cache/renderer/markdown.hpp>

#include <iostream>

int main() {
  const render_cache::MarkdownRenderer renderer;
  std::cout << renderer.version() << '\n' << renderer.render({"docs", "page.md"}, "# Title").rendered_html << '\n';
  return renderer.version().find("unknown") != std::string_view::npos ? 1 : 0;
}
