#include <render_cache/store/memory.hpp>
#include <render_cache/wiki.hpp>

int main() {
  render_cache::MemoryStore<render_cache::WikiSchema> store{{.capacity = std::size_t{1} << 20}};
  return store.erase({"docs", "page.md"}) ? 1 : 0;
}
