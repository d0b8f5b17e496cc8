#include "pages_on.hpp"

namespace wiki {
namespace {

struct MemoryHolder {
  PageMemory memory;
};

class MemoryPages final : MemoryHolder, public PagesOn<PageMemory> {
 public:
  explicit MemoryPages(const PagesOptions& options)
      : MemoryHolder{PageMemory({.capacity = options.memory}, page_metrics(options))}, PagesOn(memory, options) {}

  nlohmann::json store_stats() const override { return {{"kind", "memory"}, {"memory", memory_to_json(cache_.store().stats())}}; }
};

}  // namespace

std::unique_ptr<Pages> open_memory_pages(const PagesOptions& options) { return std::make_unique<MemoryPages>(options); }

}  // namespace wiki
