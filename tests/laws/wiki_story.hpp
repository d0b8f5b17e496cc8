// What a wiki on a cache promises, as tests that run against every store: real files, the real renderer and hasher.
//
// A model is that of store_laws.hpp, for the WikiSchema.
#pragma once

#include <render_cache/cache.hpp>
#include <render_cache/hasher/file.hpp>
#include <render_cache/hasher/sha256.hpp>
#include <render_cache/renderer/markdown.hpp>
#include <render_cache/wiki.hpp>

#include <nlohmann/json.hpp>

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

namespace render_cache::laws {

struct CountingMarkdown {
  std::shared_ptr<std::atomic<int>> renders = std::make_shared<std::atomic<int>>(0);
  MarkdownRenderer renderer{};
  std::string_view version() const { return renderer.version(); }
  WikiPage render(const WikiKey& key, const std::string& source) const {
    ++*renders;
    return renderer.render(key, source);
  }
};

/// One process of the wiki: its own checkout, its own memo of file times, one cache on the given store.
template <class Store>
struct WikiNode {
  test::TemporaryDirectory checkout{};
  std::shared_ptr<const DocumentRoot> root = std::make_shared<DocumentRoot>(checkout.path());
  CountingMarkdown renderer{};
  RenderCache<CountingMarkdown, FileHasher<Sha256Hasher>, Store> cache;

  explicit WikiNode(Store& store) : cache(renderer, FileHasher<Sha256Hasher>{}, store) {}
  Outcome<WikiPage> get(std::string repo, std::string path) { return cache.get({std::move(repo), path}, FileSource{root, path}); }
  int renders() const { return *renderer.renders; }
};

template <class Model>
void wiki_story() {
  Model model;
  auto& store = model.store;
  WikiNode node(store);
  node.checkout.write("a.md", "# Title\n\nSome *text*.\n");
  node.checkout.write("deep/b.md", "[a](../a.md)\n");

  SECTION("a miss renders and stores; then it is served without rendering again") {
    const auto first = node.get("docs", "a.md");
    CHECK(first.miss == Miss::absent);
    CHECK(first.stored);
    CHECK_THAT(first->rendered_html, ContainsSubstring("<em>text</em>"));
    const auto second = node.get("docs", "a.md");
    CHECK(second.hit());
    CHECK(second->rendered_html == first->rendered_html);
    // A database may write JSON in its own way (JSONB does), and says the same.
    CHECK(nlohmann::json::parse(second->metadata.text) == nlohmann::json::parse(first->metadata.text));
    CHECK(node.renders() == 1);
  }

  SECTION("a changed source is a miss that says so, is rendered again, and replaces the old page") {
    node.get("docs", "a.md");
    node.checkout.write("a.md", "# Other\n");
    const auto changed = node.get("docs", "a.md");
    CHECK(changed.miss == Miss::changed);
    CHECK(changed.detail == "source");
    CHECK_THAT(changed->rendered_html, ContainsSubstring("Other"));
    CHECK(node.get("docs", "a.md").hit());
    CHECK(node.renders() == 2);
  }

  SECTION("what one node rendered is a hit for another with the same pages and other file times") {
    node.get("docs", "a.md");
    WikiNode other(store);
    std::filesystem::last_write_time(other.checkout.write("a.md", "# Title\n\nSome *text*.\n"),
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(1000));
    const auto hit = other.get("docs", "a.md");
    CHECK(hit.hit());
    CHECK_THAT(hit->rendered_html, ContainsSubstring("<em>text</em>"));
    CHECK(other.renders() == 0);
  }

  SECTION("clean-up removes what is gone, and nothing else") {
    node.get("docs", "a.md");
    node.get("docs", "deep/b.md");
    node.get("gone", "a.md");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // older than the sweep, by the coarsest store's clock
    const KeepPredicate<WikiKey> lives = [&](const WikiKey& key) {
      return key.repo_alias != "gone" && std::filesystem::exists(node.checkout.path() / key.page_path);
    };
    std::filesystem::remove(node.checkout / "deep/b.md");

    CHECK(node.cache.prune(lives, {.dry_run = true}).removed == 2);
    CHECK(node.get("gone", "a.md").hit());

    const auto report = node.cache.prune(lives);
    CHECK(report.examined == 3);
    CHECK(report.removed == 2);
    CHECK(node.get("docs", "a.md").hit());
    CHECK(node.get("gone", "a.md").miss == Miss::absent);
    CHECK(node.cache.prune([](const WikiKey&) { return true; }).removed == 0);
  }

  SECTION("erasing a repository erases its pages alone") {
    node.get("docs", "a.md");
    node.get("other", "a.md");
    CHECK(node.cache.erase_group("docs") == 1);
    CHECK(node.get("other", "a.md").hit());
    CHECK(node.get("docs", "a.md").miss == Miss::absent);
  }

  SECTION("keys with quotes, percent signs, backslashes and emoji are keys like any other") {
    const std::string path = "it's 100% \\ \"odd\"; -- \xf0\x9f\xa6\x80 $1 {a,b}.md";
    node.checkout.write(path, "text\n");
    CHECK(node.get("odd'); --", path).miss == Miss::absent);
    CHECK(node.get("odd'); --", path).hit());
  }

  SECTION("a file that cannot be a source is an error and leaves the stored page alone") {
    node.get("docs", "a.md");
    std::filesystem::remove(node.checkout / "a.md");
    CHECK_THROWS_AS(node.get("docs", "a.md"), FileError);
    node.checkout.write("a.md", "# Title\n\nSome *text*.\n");
    CHECK(node.get("docs", "a.md").hit());
  }
}

}  // namespace render_cache::laws

#define RENDER_CACHE_WIKI_STORY(Model) \
  TEST_CASE("wiki on " #Model, "[story]") { render_cache::laws::wiki_story<Model>(); }
