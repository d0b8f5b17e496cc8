// A page of a wiki: rendered on the first run, served from wiki.db on all others, and rendered again when it changes.
#include <render_cache/cache.hpp>
#include <render_cache/hasher/file.hpp>
#include <render_cache/hasher/sha256.hpp>
#include <render_cache/renderer/markdown.hpp>
#include <render_cache/store/sqlite.hpp>
#include <render_cache/wiki_migrations.hpp>

#include <iostream>
#include <memory>

int main(int argc, char** argv) {
  using namespace render_cache;
  if (argc != 4) return std::cerr << "usage: quickstart DIRECTORY PAGE.md CACHE.db\n", 2;

  SqliteStore<WikiSchema> store({.path = argv[3], .migrations = wiki_migrations<SqliteDialect>()});
  RenderCache cache(MarkdownRenderer{}, FileHasher<Sha256Hasher>{}, store);

  const FileSource source{std::make_shared<DocumentRoot>(argv[1]), argv[2]};
  const auto page = cache.get({"docs", source.path}, source);

  std::cout << page->rendered_html << '\n';
  std::cerr << (page.hit() ? "hit" : "rendered, for it was ") << (page.hit() ? "" : to_string(page.miss)) << '\n';
}
