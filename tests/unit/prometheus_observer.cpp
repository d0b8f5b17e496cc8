#include <render_cache/observer/prometheus.hpp>

#include "support/archetypes.hpp"
#include "support/catch.hpp"

#include <render_cache/store/memory.hpp>
#include <render_cache/store/tiered.hpp>

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <stdexcept>
#include <string>

namespace prometheus_observer_tests {

using namespace render_cache;
using archetype::CountingRenderer;
using archetype::FullStore;
using archetype::MinimalHasher;

namespace {

std::string text_of(const prometheus::Registry& registry) { return prometheus::TextSerializer().Serialize(registry.Collect()); }

const WikiKey key{"docs", "a.md"};
const std::string one = "one", two = "two";

}  // namespace

TEST_CASE("what a cache does is counted, by result and with its durations") {
  prometheus::Registry registry;
  const PrometheusObserver observer(registry, {{"cache", "pages"}});
  FullStore far;
  MemoryStore<WikiSchema> near;
  TieredStore store(near, far);
  CountingRenderer renderer;
  RenderCache cache(renderer, MinimalHasher{}, store, {}, observer);
  const auto count = [&](const std::string& metric, const std::string& labels) {
    const auto line = metric + "{cache=\"pages\"" + labels + "} ";
    const auto text = text_of(registry);
    const auto at = text.find(line);
    INFO(text);
    REQUIRE(at != text.npos);
    return text.substr(at + line.size(), text.find('\n', at) - at - line.size());
  };
  const auto lookups = [&](const std::string& result) {
    return count("render_cache_lookup_seconds_count", ",result=\"" + result + "\"");
  };
  CHECK(lookups("changed") == "0");  // there from the start, so that a rate has something to start from

  cache.get(key, one);
  CHECK(lookups("absent") == "1");
  CHECK(count("render_cache_render_seconds_count", ",result=\"done\"") == "1");
  CHECK(count("render_cache_publish_seconds_count", "") == "1");
  cache.get(key, one);
  CHECK(count("render_cache_near_hits_total", "") == "1");
  near.erase(key);
  cache.get(key, one);
  CHECK(lookups("store") == "1");
  cache.get(key, two);
  CHECK(lookups("changed") == "1");

  renderer.state->during = [](const WikiKey&, const std::string&) { throw std::runtime_error("poison"); };
  CHECK_THROWS(cache.refresh(key, one));
  CHECK(lookups("forced") == "1");
  CHECK(count("render_cache_render_seconds_count", ",result=\"failed\"") == "1");

  far.before = [](std::string_view) { throw StoreUnavailable("away"); };
  CHECK_FALSE(cache.find({"docs", "b.md"}, cache.fingerprint(one)));
  CHECK(lookups("store_failed") == "1");
  CHECK(count("render_cache_store_errors_total", ",kind=\"unavailable\"") == "1");
  CHECK(count("render_cache_store_errors_total", ",kind=\"other\"") == "0");
}

TEST_CASE("evictions are counted with what they weighed, by a copy too") {
  prometheus::Registry registry;
  const PrometheusObserver observer(registry);
  MemoryStore<WikiSchema, Evict::s3_fifo, PrometheusObserver> store({.capacity = 8192, .shards = 1}, observer);
  for (int i = 0; i < 100; ++i) {
    store.publish({"docs", std::to_string(i)}, std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{
                                                   {std::string(500, 'x'), {"{}"}}, Fingerprint().add("source", i)}));
  }
  const auto evictions = store.stats().evictions;
  REQUIRE(evictions > 10);
  CHECK_THAT(text_of(registry), ContainsSubstring("render_cache_evictions_total " + std::to_string(evictions) + "\n"));
  CHECK_THAT(text_of(registry), !ContainsSubstring("render_cache_evicted_bytes_total 0\n"));
}

TEST_CASE("two caches of one registry are told apart by their labels, and the same labels count together") {
  prometheus::Registry registry;
  const PrometheusObserver pages(registry, {{"cache", "pages"}}), again(registry, {{"cache", "pages"}}),
      reports(registry, {{"cache", "reports"}});
  pages.on_hit(key, HitEvent{Origin::near, {}});
  again.on_hit(key, HitEvent{Origin::near, {}});
  reports.on_hit(key, HitEvent{Origin::near, {}});
  CHECK_THAT(text_of(registry), ContainsSubstring("render_cache_near_hits_total{cache=\"pages\"} 2\n") &&
                                    ContainsSubstring("render_cache_near_hits_total{cache=\"reports\"} 1\n"));
}

}  // namespace prometheus_observer_tests
