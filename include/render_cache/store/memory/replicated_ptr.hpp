// Shared ownership without a shared counter: a hot object that many processors hand out at once.
#pragma once

#include <render_cache/requirements.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace render_cache::detail {

/// Owns an object together with whoever has a `get(i)` of it. Each `i` has a reference count of its own, on a cache line of
/// its own, so that copies made and dropped on different processors do not wait for each other; one count for all
/// costs a cache miss for nearly every copy, and makes two processors together slower than one alone.
///
/// The object is released when all counts are zero. One allocation, of a cache line for each count and one more.
template <class T>
class ReplicatedPtr {
 public:
  ReplicatedPtr(std::shared_ptr<T> object, std::size_t counts) : block_(Block::make(std::move(object), counts)) {}
  ReplicatedPtr(ReplicatedPtr&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  ReplicatedPtr& operator=(ReplicatedPtr&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~ReplicatedPtr() {
    if (block_ == nullptr) return;
    for (std::size_t i = 0; i < block_->counts; ++i) std::destroy_at(block_->line(i));
    block_->release();
  }

  [[nodiscard]] const std::shared_ptr<T>& get(std::size_t i) const noexcept { return block_->line(i)->pointer; }
  [[nodiscard]] T& operator*() const noexcept { return *block_->object; }

  static constexpr std::size_t bytes(std::size_t counts) noexcept { return (counts + 1) * cache_line; }

 private:
  static constexpr std::size_t cache_line = 64;
  struct Block;

  /// A count (the control block that std::shared_ptr makes in place) and the pointer to copy.
  struct alignas(cache_line) Line {
    std::byte control[cache_line - sizeof(std::shared_ptr<T>)];
    std::shared_ptr<T> pointer;
  };

  /// Puts a control block into its line, and leaves the block when that control block is done with.
  template <class Control>
  struct InLine {
    using value_type = Control;
    InLine(Block* in, std::size_t line) noexcept : block(in), number(line) {}
    template <class Other>
    InLine(const InLine<Other>& other) noexcept : block(other.block), number(other.number) {}
    Control* allocate(std::size_t) noexcept {
      static_assert(sizeof(Control) <= sizeof(Line::control) && alignof(Control) <= cache_line);
      return reinterpret_cast<Control*>(block->line(number)->control);
    }
    void deallocate(Control*, std::size_t) noexcept { block->release(); }
    friend bool operator==(const InLine& a, const InLine& b) noexcept { return a.block == b.block && a.number == b.number; }
    Block* block;
    std::size_t number;
  };

  struct alignas(cache_line) Block {
    static Block* make(std::shared_ptr<T> object, std::size_t counts) {
      void* const memory = ::operator new(bytes(counts), std::align_val_t{cache_line});
      auto* const block = new (memory) Block{std::move(object), counts, counts + 1};
      for (std::size_t i = 0; i < counts; ++i) {
        const auto nothing_to_do = [](T*) noexcept {};  // the block releases the object
        auto* const line = new (block->line(i)) Line;
        line->pointer = std::shared_ptr<T>(block->object.get(), nothing_to_do, InLine<T>(block, i));
      }
      return block;
    }

    Line* line(std::size_t i) noexcept { return reinterpret_cast<Line*>(this + 1) + i; }

    void release() noexcept {
      if (users.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
      std::destroy_at(this);
      ::operator delete(this, std::align_val_t{cache_line});
    }

    const std::shared_ptr<T> object;
    const std::size_t counts;
    std::atomic<std::size_t> users;  // control blocks, and the ReplicatedPtr
  };

  Block* block_;
};

}  // namespace render_cache::detail
