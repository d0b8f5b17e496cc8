// The wiki's schema: one rendered page a row, in table `wiki_cache` (migrations/*/0001_wiki_cache.up.sql).
#pragma once

#include <render_cache/entry/types.hpp>

#include <boost/hana/adapt_struct.hpp>

#include <string>
#include <string_view>

namespace render_cache {

/// Which page: `repo_alias` names the repository (the group), `page_path` the file below its root, with '/'.
struct WikiKey {
  std::string repo_alias;
  std::string page_path;
  friend bool operator==(const WikiKey&, const WikiKey&) = default;
};

/// A rendered page: the HTML of its body and what the renderer learned on the way (title, toc, front_matter).
struct WikiPage {
  std::string rendered_html;
  Json metadata;
  friend bool operator==(const WikiPage&, const WikiPage&) = default;
};

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
