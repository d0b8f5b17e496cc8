// The pages that benchmarks store: the chapters of the Rust book, as Markdown, where they are at hand, else texts of their sizes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

struct BenchmarkPage {
  std::string path;
  std::string html;
};

/// In the order of their paths; 112 of the book.
inline const std::vector<BenchmarkPage>& benchmark_pages() {
  static const auto pages = [] {
    std::vector<BenchmarkPage> all;
    const char* named = std::getenv("RENDER_CACHE_DATA");
    const auto data = std::filesystem::path(named != nullptr ? named : RENDER_CACHE_SOURCE_DIR "/../shared/data");
    std::error_code none;
    for (const auto& file : std::filesystem::directory_iterator(data / "wiki/rust-book", none)) {
      if (file.path().extension() != ".md") continue;
      std::ifstream stream(file.path(), std::ios::binary);
      all.push_back({file.path().filename().string(), {std::istreambuf_iterator<char>(stream), {}}});
    }
    for (std::size_t number = all.size(); number < 100; ++number) {
      BenchmarkPage page{"page-" + std::to_string(number) + ".md", {}};
      while (page.html.size() < 1000 + 170 * number) {
        page.html += "<p>Paragraph " + std::to_string(page.html.size() * 2654435761u) + " of some <em>text</em>.</p>\n";
      }
      all.push_back(std::move(page));
    }
    std::ranges::sort(all, {}, &BenchmarkPage::path);
    return all;
  }();
  return pages;
}
