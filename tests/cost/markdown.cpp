// What a render costs is linear in its source, whatever the page: counted, not timed, so that it fails on any machine or on none.
#include <render_cache/renderer/markdown.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/markdown_bombs.hpp"

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace markdown_tests {

using namespace render_cache;
using namespace render_cache::test;

namespace {

struct Cost {
  std::size_t work;  // calls of md4c's, bytes decoded and moved, nodes
  std::size_t allocations;  // of everything that takes part
  std::size_t output;
};

// Of a page without front matter; nothing where it is refused.
std::optional<Cost> cost_of(std::string_view page) {
  const MarkdownOptions options;
  markdown::Budget parsing(options, page.size()), writing(options, page.size());
  Allocations::start();
  try {
    markdown::charge_parsing(parsing, page);
    markdown::PageWriter writer(options, writing, "ALIAS", "b/c.md");
    writer.write(page);
    Allocations::stop();
    return Cost{writing.used(), Allocations::count, writer.html().size()};
  } catch (const RenderRefused&) {
    Allocations::stop();
    return std::nullopt;
  }
}

bool is_front_matter(const Bomb& bomb) { return bomb.name.starts_with("front matter"); }

}  // namespace

TEST_CASE("markdown cost: twice the page is at most 2.2 times the work, the allocations and the output") {
  constexpr std::size_t bytes = 60'000;
  std::size_t rendered = 0;
  for (const auto& bomb : markdown_bombs()) {
    if (is_front_matter(bomb)) continue;  // no part of what md4c reads
    const auto once = cost_of(bomb.page(bytes)), twice = cost_of(bomb.page(2 * bytes));
    if (!once || !twice) continue;
    ++rendered;
    CAPTURE(bomb.name);
    const auto grows = [](std::size_t from, std::size_t to) {
      constexpr std::size_t constant = 5000;
      return static_cast<double>(to) > 2.2 * static_cast<double>(from) + constant;
    };
    if (grows(once->work, twice->work)) CHECK(twice->work == 2 * once->work);
    if (grows(once->allocations, twice->allocations)) CHECK(twice->allocations == 2 * once->allocations);
    if (grows(once->output, twice->output)) CHECK(twice->output == 2 * once->output);
  }
  CHECK(rendered > 100);
}

TEST_CASE("markdown cost: a render takes at most 64 times its source and 16 MB of memory, also one that is refused") {
#ifdef RENDER_CACHE_TEST_ADDRESS_SANITIZER
  constexpr std::size_t most_times = 128;  // its realloc copies where glibc's moves
#else
  constexpr std::size_t most_times = 64;
#endif
  for (const auto& bomb : markdown_bombs()) {
    for (const std::size_t bytes : {20'000u, 300'000u}) {
      const auto page = bomb.page(bytes);
      const MarkdownRenderer renderer;
      Allocations::start();
      try {
        renderer.render({"ALIAS", "b/c.md"}, page);
      } catch (const RenderRefused&) {
      }
      Allocations::stop();
      CAPTURE(bomb.name, page.size());
      if (Allocations::peak > most_times * page.size() + 16'000'000) CHECK(Allocations::peak / page.size() == most_times);
    }
  }
  CHECK(Allocations::count > 0);
}

TEST_CASE("markdown cost: a page that is parsed twice, for a closer look at its links, is charged for that") {
  constexpr std::size_t marks = 150'000;
  const auto page = times(marks, "a*");
  const MarkdownOptions options;
  markdown::Budget budget(options, page.size());
  markdown::charge_parsing(budget, page);
  CHECK(budget.used() >= marks * markdown::Budget::small_work * 3 / 2);
}

TEST_CASE("markdown cost: this project's own pages use little of what they may") {
  std::size_t pages = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(RENDER_CACHE_SOURCE_DIR "/docs")) {
    if (entry.path().extension() != ".md") continue;
    ++pages;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string page{std::istreambuf_iterator<char>(file), {}};
    const MarkdownOptions options;
    markdown::Budget budget(options, page.size());
    markdown::charge_parsing(budget, page);
    markdown::PageWriter writer(options, budget, "ALIAS", "b/c.md");
    writer.write(page);
    CAPTURE(entry.path(), page.size());
    CHECK(budget.used() < options.max_work / 4);
  }
  CHECK(pages > 5);
}

}  // namespace markdown_tests
