// Complete responses: the layout around a rendered page, compressed where asked for, with the header fields that go with it.
#pragma once

#include "layout.hpp"
#include "outline.hpp"

#include <render_cache/cache.hpp>
#include <render_cache/observer/prometheus.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/wiki.hpp>

#include <boost/hana/adapt_struct.hpp>

#include <string>
#include <string_view>

namespace wiki {

struct ResponseKey {
  std::string repo_alias;
  std::string path;      ///< of a page, or of what a list is of
  std::size_t part = 0;  ///< of a list, from 1; 0 for a page
  bool gzip = false;
  friend bool operator==(const ResponseKey&, const ResponseKey&) = default;
};

struct Response {
  std::string etag;
  std::string fields;  ///< each ends in CRLF
  std::string body;
};

}  // namespace wiki

BOOST_HANA_ADAPT_STRUCT(wiki::ResponseKey, repo_alias, path, part, gzip);
BOOST_HANA_ADAPT_STRUCT(wiki::Response, etag, fields, body);

namespace wiki {

struct ResponseSchema {
  using key_type = ResponseKey;
  using value_type = Response;
};

/// What a response is made of. All of it is immutable, so what was sampled is what is laid out.
struct PageSource {
  render_cache::EntryPtr<render_cache::WikiPage> page;
  TreePtr tree;
  OutlineTree::Standing standing;
};
struct ListSource {
  List list;
  TreePtr tree;
};

/// What tells a page's response from another, for a reader who has not got the page itself.
struct PageSample {
  const render_cache::Fingerprint& page;
  std::string_view branch;
};

/// A response depends on its own branch of the outline, so a new page elsewhere leaves it fresh.
struct ResponseHasher {
  [[nodiscard]] render_cache::Fingerprint components(const PageSample& sample) const {
    render_cache::Fingerprint both = sample.page;
    return both.add("navigation", sample.branch);
  }
  [[nodiscard]] render_cache::Fingerprint components(const PageSource& source) const {
    return components(PageSample{source.page->fingerprint, source.tree->branch(source.standing.place)});
  }
  [[nodiscard]] render_cache::Fingerprint components(const ListSource& source) const {
    return std::move(render_cache::Fingerprint().add("navigation", source.list.digest));
  }
};

class ResponseRenderer {
 public:
  [[nodiscard]] std::string_view version() const noexcept { return layout_version(); }
  [[nodiscard]] Response render(const ResponseKey& key, const PageSource& source) const;
  [[nodiscard]] Response render(const ResponseKey& key, const ListSource& source) const;
};

/// The third cache: a hit needs no copy and no layout, only a look-up, and its bytes are sent as they lie there.
using ResponseMemory = render_cache::MemoryStore<ResponseSchema, render_cache::Evict::s3_fifo, render_cache::PrometheusObserver>;
using Responses = render_cache::RenderCache<ResponseRenderer, ResponseHasher, ResponseMemory, render_cache::PrometheusObserver>;

/// Header fields of every page that is made here, each ending in CRLF.
std::string_view page_fields() noexcept;

}  // namespace wiki
