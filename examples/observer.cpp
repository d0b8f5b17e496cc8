// Being told what a cache does: a log of misses, renders, evictions and store errors.
#include <render_cache/cache.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/wiki.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <string_view>

namespace {

using namespace render_cache;

struct Log {
  static long long us(std::chrono::nanoseconds time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  }

  void on_miss(const WikiKey& key, const MissEvent& event) const noexcept {
    std::cout << key.page_path << ": miss, " << to_string(event.reason) << ' ' << event.detail << '\n';
  }
  void on_render(const WikiKey& key, const RenderEvent& event) const noexcept {
    std::cout << key.page_path << (event.error ? ": failed after " : ": rendered in ") << us(event.took) << " us\n";
  }
  void on_store_error(const StoreErrorEvent& event) const noexcept { std::cout << "store: " << event.error.what() << '\n'; }
  void on_evict(const WikiKey& key, const EvictEvent& event) const noexcept {
    std::cout << key.page_path << ": evicted, " << event.weight << " bytes\n";
  }
};

struct Shout {
  std::string_view version() const { return "shout/1"; }
  WikiPage render(const WikiKey&, const std::string& text) const { return {"<h1>" + text + "!</h1>", {"{}"}}; }
};

struct Text {
  Fingerprint components(const std::string& text) const { return Fingerprint().add("source", text); }
};

}  // namespace

int main() {
  MemoryStore<WikiSchema, Evict::s3_fifo, Log> store({.capacity = 4096, .shards = 1});
  RenderCache cache(Shout{}, Text{}, store, {}, Log{});
  for (const auto* const page : {"a", "b", "a", "c", "d", "e", "f", "g", "h", "i"})
    cache.get({"docs", page}, std::string("hello"));
  cache.get({"docs", "a"}, std::string("changed"));
}
