// MarkdownRenderer over all pages of a wiki, beside the least that could be done (md4c's own HTML: no ids, no safe links,
// raw HTML as it comes) and beside cmark. One iteration renders every page. Then the page that takes longest, alone.
#include <render_cache/renderer/markdown.hpp>

#include "support/markdown_bombs.hpp"

#include <benchmark/benchmark.h>
#include <cmark.h>
#include <md4c-html.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Page {
  render_cache::WikiKey key;
  std::string source;
};

// $RENDER_CACHE_DATA/wiki/rust-book, else the same in ../shared/data, else the project's own docs.
fs::path wiki() {
  const char* data = std::getenv("RENDER_CACHE_DATA");
  const auto book = fs::path(data != nullptr ? data : "../shared/data") / "wiki" / "rust-book";
  return fs::exists(book) ? book : fs::path("docs");
}

const std::vector<Page>& pages() {
  static const auto all = [] {
    std::vector<Page> found;
    const auto root = wiki();
    if (!fs::exists(root)) return found;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      if (entry.path().extension() != ".md") continue;
      std::ifstream file(entry.path(), std::ios::binary);
      found.push_back(
          {{"wiki", fs::relative(entry.path(), root).generic_string()}, std::string(std::istreambuf_iterator<char>(file), {})});
    }
    std::ranges::sort(found, {}, [](const Page& page) { return page.key.page_path; });
    return found;
  }();
  return all;
}

template <class Render>
void render_all(benchmark::State& state, Render render) {
  if (pages().empty()) return state.SkipWithError("no pages: set RENDER_CACHE_DATA, or run in the project's root");
  std::int64_t bytes = 0;
  for (const auto& page : pages()) bytes += static_cast<std::int64_t>(page.source.size());
  for (auto _ : state) {
    for (const auto& page : pages()) render(page);
  }
  state.SetBytesProcessed(bytes * state.iterations());
  state.counters["pages"] = static_cast<double>(pages().size());
}

void markdown(benchmark::State& state) {
  const render_cache::MarkdownRenderer renderer;
  render_all(state, [&](const Page& page) { benchmark::DoNotOptimize(renderer.render(page.key, page.source)); });
}

void md4c(benchmark::State& state) {
  render_all(state, [](const Page& page) {
    std::string html;
    const auto append = [](const MD_CHAR* text, MD_SIZE size, void* out) { static_cast<std::string*>(out)->append(text, size); };
    md_html(page.source.c_str(), static_cast<MD_SIZE>(page.source.size()), append, &html, MD_DIALECT_GITHUB, 0);
    benchmark::DoNotOptimize(html);
  });
}

void cmark(benchmark::State& state) {
  render_all(state, [](const Page& page) {
    const std::unique_ptr<char, decltype(&std::free)> html(
        cmark_markdown_to_html(page.source.data(), page.source.size(), CMARK_OPT_UNSAFE), &std::free);
    benchmark::DoNotOptimize(html.get());
  });
}

double cpu_milliseconds() { return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// The costliest of the pages that are made to cost much, rendered or refused: to find it takes half a minute.
const std::string& worst_page() {
  static const auto found = [] {
    const render_cache::MarkdownRenderer renderer;
    std::string worst;
    double most = 0;
    for (const auto& bomb : render_cache::test::markdown_bombs()) {
      for (const std::size_t bytes : {1'100'000u, 1'800'000u, 2'800'000u}) {
        auto page = bomb.page(bytes);
        const auto start = cpu_milliseconds();
        try {
          benchmark::DoNotOptimize(renderer.render({"wiki", "bomb.md"}, page));
        } catch (const render_cache::RenderRefused&) {
        }
        if (const auto taken = cpu_milliseconds() - start; taken > most) {
          most = taken;
          worst = std::move(page);
        }
      }
    }
    return worst;
  }();
  return found;
}

void worst(benchmark::State& state) {
  const render_cache::MarkdownRenderer renderer;
  const auto& page = worst_page();
  for (auto _ : state) {
    try {
      benchmark::DoNotOptimize(renderer.render({"wiki", "bomb.md"}, page));
    } catch (const render_cache::RenderRefused&) {
    }
  }
}

BENCHMARK(markdown)->Name("render/markdown")->Unit(benchmark::kMillisecond);
BENCHMARK(md4c)->Name("render/markdown/limit")->Unit(benchmark::kMillisecond);
BENCHMARK(cmark)->Name("render/cmark")->Unit(benchmark::kMillisecond);
BENCHMARK(worst)->Name("render/worst")->Unit(benchmark::kMillisecond);

}  // namespace
