// Parsing HTML in bounded memory and time.
#pragma once

#include <render_cache/renderer/markdown/budget.hpp>
#include <render_cache/renderer/markdown/errors.hpp>

#include <gumbo.h>

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

namespace render_cache::markdown {

/// Memory for gumbo's trees: freed as a whole, and bounded. Gumbo frees trees recursively, which a deep one would not
/// survive, and it takes any allocation for granted, so passing a bound leaves the parser by `longjmp`. That is
/// sound because only gumbo's C frames lie between, and all they own is in here.
class HtmlArena {
 public:
  /// A tree may take this much, and `bytes_ratio` bytes for each of the fragment's.
  static constexpr std::size_t max_bytes = std::size_t{8} << 20;
  static constexpr std::size_t bytes_ratio = 24;

  explicit HtmlArena(Budget& budget) : budget_(budget) {}

  /// The tree of an HTML fragment; lives until the next call. Throws `MarkdownTooMuchHtml` where the tree takes too much, and as
  /// `Budget` does.
  const GumboNode& parse(std::string_view html) {
    blocks_.resize(std::min<std::size_t>(blocks_.size(), 1));  // the first block serves most fragments
    used_ = total_ = since_node_ = 0;
    limit_ = max_bytes + bytes_ratio * html.size();
    GumboOptions options = kGumboDefaultOptions;
    options.allocator = [](void* arena, std::size_t bytes) { return static_cast<HtmlArena*>(arena)->allocate(bytes); };
    options.deallocator = [](void*, void*) {};
    options.userdata = this;
    options.max_errors = 0;
    options.fragment_context = GUMBO_TAG_DIV;
    if (setjmp(full_) != 0) give_up();  // NOLINT(cert-err52-cpp): see above
    return *gumbo_parse_with_options(&options, html.data(), html.size())->root;
  }

 private:
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size;
  };

  [[noreturn]] void give_up() const {
    budget_.check();
    if (total_ > limit_) throw MarkdownTooMuchHtml("bytes in the tree of its raw HTML", total_, limit_);
    throw std::bad_alloc();
  }

  void* allocate(std::size_t bytes) noexcept {
    constexpr std::size_t block_size = 32768, alignment = alignof(std::max_align_t);
    // Gumbo compares each attribute with those before it in the tag. Three allocations are one attribute, and a node of its
    // own is what follows the last one; so those since the last node bound that work.
    since_node_ = bytes == sizeof(GumboNode) ? 0 : since_node_ + 1;
    if (!budget_.spend(16 + since_node_)) std::longjmp(full_, 1);  // NOLINT(cert-err52-cpp)
    bytes = (bytes + alignment - 1) / alignment * alignment;
    if (blocks_.empty() || used_ + bytes > blocks_.back().size) {
      const auto size = std::max(bytes, block_size);
      total_ += size;
      if (total_ > limit_ || !add_block(size)) std::longjmp(full_, 1);  // NOLINT(cert-err52-cpp)
    }
    void* result = blocks_.back().bytes.get() + used_;
    used_ += bytes;
    return result;
  }

  bool add_block(std::size_t size) noexcept {
    try {
      blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size});
      used_ = 0;
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  Budget& budget_;
  std::vector<Block> blocks_;
  std::size_t used_ = 0;
  std::size_t total_ = 0;
  std::size_t limit_ = 0;
  std::size_t since_node_ = 0;
  std::jmp_buf full_;
};

}  // namespace render_cache::markdown
