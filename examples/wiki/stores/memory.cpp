#include "pages_on.hpp"

#include <render_cache/store/memory.hpp>

namespace wiki {
namespace {

using Memory = render_cache::MemoryStore<render_cache::WikiSchema>;

struct MemoryHolder {
  Memory memory;
};

class MemoryPages final : MemoryHolder, public PagesOn<Memory> {
 public:
  explicit MemoryPages(const PagesOptions& options)
      : MemoryHolder{Memory({.capacity = options.memory})}, PagesOn(memory, options) {}

  nlohmann::json store_stats() const override { return {{"kind", "memory"}, {"memory", memory_to_json(cache_.store().stats())}}; }
};

}  // namespace

std::unique_ptr<Pages> open_memory_pages(const PagesOptions& options) { return std::make_unique<MemoryPages>(options); }

}  // namespace wiki
