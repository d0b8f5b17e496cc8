// A complete store of one's own: a map and a mutex. It passes the law tests (tests/laws/own_store.cpp).
#include "own_store.hpp"

#include <render_cache/cache.hpp>

#include <iostream>
#include <string>

namespace {

struct Shout {
  std::string_view version() const { return "shout/1"; }
  render_cache::WikiPage render(const render_cache::WikiKey& key, const std::string& source) const {
    return {"<h1>" + key.page_path + "</h1><p>" + source + "!</p>", {"{}"}};
  }
};

struct Verbatim {
  render_cache::Fingerprint components(const std::string& source) const {
    return std::move(render_cache::Fingerprint().add("source", source));
  }
};

}  // namespace

int main() {
  OwnStore store;
  render_cache::RenderCache cache(Shout{}, Verbatim{}, store);
  for (const std::string source : {"hello", "hello", "goodbye"}) {
    const auto page = cache.get({"docs", "greeting"}, source);
    std::cout << page->rendered_html << "  " << to_string(page.origin) << ", " << to_string(page.miss) << ' ' << page.detail
              << '\n';
  }
}
