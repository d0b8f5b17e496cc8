#include "response.hpp"

#include "gzip.hpp"

#include <render_cache/hasher/sha256.hpp>

#include <utility>

namespace wiki {

std::string_view page_fields() noexcept {
  // Nothing but this server's own style sheet and images; no script runs even if one got through the renderer.
  return "Content-Type: text/html; charset=utf-8\r\n"
         "Content-Security-Policy: default-src 'none'; style-src 'self'; img-src 'self' https: http: data:; media-src 'self'; "
         "base-uri 'none'; form-action 'none'; frame-ancestors 'self'\r\n"
         "Cross-Origin-Opener-Policy: same-origin\r\n"
         "Cache-Control: no-cache\r\n";
}

namespace {

Response response_of(const ResponseKey& key, const render_cache::Fingerprint& sample, std::string html) {
  // What the response depends on, digested: a strong entity tag, another one for each encoding.
  const auto digest = render_cache::Sha256Hasher().digest(sample.text() + std::string(layout_version()));
  Response response;
  response.etag = '"' + digest.substr(digest.find(':') + 1, 32) + (key.gzip ? "-gzip\"" : "\"");
  response.fields = page_fields();
  response.fields += "Vary: Accept-Encoding\r\nETag: " + response.etag + "\r\n";
  if (key.gzip) response.fields += "Content-Encoding: gzip\r\n";
  response.body = key.gzip ? gzipped(html) : std::move(html);
  response.body.shrink_to_fit();
  return response;
}

}  // namespace

Response ResponseRenderer::render(const ResponseKey& key, const PageSource& source) const {
  return response_of(key, ResponseHasher().components(source),
                     lay_out({key.repo_alias, key.path, source.page->value, *source.tree, source.standing}));
}

Response ResponseRenderer::render(const ResponseKey& key, const ListSource& source) const {
  return response_of(key, ResponseHasher().components(source), list_page(key.repo_alias, source.list, key.part, *source.tree));
}

}  // namespace wiki
