#include <render_cache/laws/renderer_laws.hpp>

#include <render_cache/renderer/markdown.hpp>

namespace renderers_laws {

using namespace render_cache;

namespace {

struct Markdown {
  MarkdownRenderer renderer{};
  static std::vector<std::pair<WikiKey, std::string>> cases() {
    return {{{"docs", "a.md"}, "# One\n\ntext\n"},
            {{"docs", "a.md"}, "# Two\n\n<b>raw</b> | a | b |\n"},
            {{"docs", "deep/b.md"}, "---\ntitle: x\n---\n[a](../a.md)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"},
            {{"other", "deep/b.md"}, "[a](../a.md)\n"}};
  }
};

RENDER_CACHE_RENDERER_LAWS(Markdown)

}  // namespace

}  // namespace renderers_laws
