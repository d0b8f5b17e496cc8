// Complete responses: the layout around a rendered page, compressed where asked for, with the header fields that go with it.
#pragma once

#include "layout.hpp"
#include "outline.hpp"

#include <render_cache/cache.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/wiki.hpp>

#include <boost/hana/adapt_struct.hpp>

#include <string>
#include <string_view>

namespace wiki {

struct ResponseKey {
  std::string repo_alias;
  std::string page_path;
  bool gzip = false;
  friend bool operator==(const ResponseKey&, const ResponseKey&) = default;
};

struct Response {
  std::string etag;
  std::string fields;  ///< each ends in CRLF
  std::string body;
};

}  // namespace wiki

BOOST_HANA_ADAPT_STRUCT(wiki::ResponseKey, repo_alias, page_path, gzip);
BOOST_HANA_ADAPT_STRUCT(wiki::Response, etag, fields, body);

namespace wiki {

struct ResponseSchema {
  using key_type = ResponseKey;
  using value_type = Response;
};

/// What a response is made of. Both parts are immutable, so what was sampled is what is laid out.
struct ResponseParts {
  render_cache::EntryPtr<render_cache::WikiPage> page;
  render_cache::EntryPtr<Outline> outline;
};

/// The fingerprints of the parts, for a reader who has not got the page itself.
struct ResponseSample {
  const render_cache::Fingerprint& page;
  const render_cache::Fingerprint& outline;
};

struct ResponseHasher {
  [[nodiscard]] render_cache::Fingerprint components(const ResponseSample& sample) const {
    render_cache::Fingerprint both = sample.page;
    return both.add(sample.outline);
  }
  [[nodiscard]] render_cache::Fingerprint components(const ResponseParts& parts) const {
    return components(ResponseSample{parts.page->fingerprint, parts.outline->fingerprint});
  }
};

class ResponseRenderer {
 public:
  [[nodiscard]] std::string_view version() const noexcept { return layout_version(); }
  [[nodiscard]] Response render(const ResponseKey& key, const ResponseParts& parts) const;
};

/// The third cache: a hit needs no copy and no layout, only a look-up, and its bytes are sent as they lie there.
using Responses = render_cache::RenderCache<ResponseRenderer, ResponseHasher, render_cache::MemoryStore<ResponseSchema>>;

/// Header fields of every page that is made here, each ending in CRLF.
std::string_view page_fields() noexcept;

}  // namespace wiki
