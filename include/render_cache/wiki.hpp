// The wiki's schema: one rendered page a row, in table `wiki_cache` (migrations/*/0001_wiki_cache.up.sql).
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/types.hpp>

#include <boost/hana/adapt_struct.hpp>

#include <string>
#include <string_view>

namespace render_cache {

/// Which page of which repository.
struct WikiKey {
  std::string repo_alias;  ///< the repository, and the group: `erase_group("docs")`
  std::string page_path;   ///< the file below its root, such as "guide/start.md"
  friend bool operator==(const WikiKey&, const WikiKey&) = default;
};

/// A rendered page, and what the renderer learned on the way.
struct WikiPage {
  std::string rendered_html;  ///< of the body; the page around it is the server's
  Json metadata;              ///< `title`, `toc`, `front_matter`
  friend bool operator==(const WikiPage&, const WikiPage&) = default;
};

/// Table `wiki_cache`; its migrations are in wiki_migrations.hpp.
struct WikiSchema {
  using key_type = WikiKey;
  using value_type = WikiPage;
  static constexpr std::string_view table = "wiki_cache";
  static constexpr std::string_view fingerprint_column = "source_hash";
  static constexpr std::string_view rendered_at_column = "rendered_at";
};

}  // namespace render_cache

BOOST_HANA_ADAPT_STRUCT(render_cache::WikiKey, repo_alias, page_path);
BOOST_HANA_ADAPT_STRUCT(render_cache::WikiPage, rendered_html, metadata);
