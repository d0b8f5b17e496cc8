// A page of a wiki from a MariaDB table: rendered on the first run, served from the table on all others.
#include "store.hpp"

#include <render_cache/cache.hpp>
#include <render_cache/hasher/file.hpp>
#include <render_cache/hasher/sha256.hpp>
#include <render_cache/renderer/markdown.hpp>
#include <render_cache/sql/create_table.hpp>
#include <render_cache/wiki.hpp>

#include <iostream>
#include <memory>

int main(int argc, char** argv) {
  using namespace mariadb_example;
  if (argc != 6) return std::cerr << "usage: example_mariadb DIRECTORY PAGE.md SOCKET USER DATABASE\n", 2;

  MariaDbOptions options;
  options.socket = argv[3];
  options.user = argv[4];
  options.database = argv[5];
  options.migrations = {create_table<WikiSchema, MariaDbDialect>()};
  MariaDbStore<WikiSchema> store(options);
  RenderCache cache(MarkdownRenderer{}, FileHasher<Sha256Hasher>{}, store);

  const FileSource source{std::make_shared<DocumentRoot>(argv[1]), argv[2]};
  const auto page = cache.get({"docs", source.path}, source);

  std::cout << page->rendered_html << '\n';
  std::cerr << (page.hit() ? "hit" : "rendered, for it was ") << (page.hit() ? "" : to_string(page.miss)) << '\n';
}
