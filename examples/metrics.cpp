// Metrics for Prometheus of what a cache does, printed as the text that a scrape would get.
#include <render_cache/cache.hpp>
#include <render_cache/observer/prometheus.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/wiki.hpp>

#include <prometheus/text_serializer.h>

#include <iostream>
#include <string>
#include <string_view>

namespace {

using namespace render_cache;

struct Shout {
  std::string_view version() const { return "shout/1"; }
  WikiPage render(const WikiKey&, const std::string& text) const { return {"<h1>" + text + "!</h1>", {"{}"}}; }
};

struct Text {
  Fingerprint components(const std::string& text) const { return Fingerprint().add("source", text); }
};

}  // namespace

int main() {
  prometheus::Registry registry;
  const PrometheusObserver observer(registry, {{"cache", "pages"}});
  MemoryStore<WikiSchema, Evict::s3_fifo, PrometheusObserver> store({.capacity = 64 << 20}, observer);
  RenderCache cache(Shout{}, Text{}, store, {}, observer);

  for (const auto* const text : {"hello", "hello", "goodbye"}) cache.get({"docs", "a"}, std::string(text));
  std::cout << prometheus::TextSerializer().Serialize(registry.Collect());
}
