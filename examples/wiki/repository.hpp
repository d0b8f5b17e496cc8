// A served repository: its alias, its folder, and the outline of its pages as it was a moment ago.
#pragma once

#include "outline_tree.hpp"

#include <render_cache/cache.hpp>
#include <render_cache/store/memory.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace wiki {

using Root = std::shared_ptr<const render_cache::DocumentRoot>;
using Outlines = render_cache::RenderCache<OutlineRenderer, OutlineHasher, render_cache::MemoryStore<OutlineSchema>>;

/// Thread-safe.
///
/// A page is verified by each read. The outline around it is layout, not content: to take it means to list the folder, so
/// it is sampled at most once a second, and seldomer where listing takes long, off the I/O threads.
class Repository {
 public:
  using Clock = std::chrono::steady_clock;

  /// What readers of one request see.
  struct View {
    Root root;
    TreePtr tree;
    Clock::time_point sampled;
    Clock::duration cost;  ///< of the sampling
  };
  using ViewPtr = std::shared_ptr<const View>;

  enum class Age : std::uint8_t { fresh, ageing, old };

  /// Throws FileError where the folder cannot be read.
  Repository(std::string alias, std::filesystem::path folder, Outlines& outlines)
      : alias_(std::move(alias)), outlines_(outlines) {
    sample(open_root(std::move(folder)));
  }

  [[nodiscard]] const std::string& alias() const noexcept { return alias_; }
  [[nodiscard]] ViewPtr view() const {
    const std::lock_guard lock(viewing_);
    return view_;
  }

  /// `ageing`: good enough, to be sampled again; `old`: so old that the reader should wait for that.
  [[nodiscard]] static Age age_of(const View& view) noexcept {
    const auto age = Clock::now() - view.sampled;
    const auto interval = std::max<Clock::duration>(std::chrono::seconds(1), 10 * view.cost);
    return age <= interval ? Age::fresh : age <= 3 * interval ? Age::ageing : Age::old;
  }

  /// True for one caller a sampling: the one who is to see to it.
  [[nodiscard]] bool claim_sampling() noexcept { return !claimed_.exchange(true, std::memory_order_relaxed); }

  /// Takes the outline again unless that was done a moment ago. Where the folder cannot be read, what was there stays.
  void sample() {
    const std::lock_guard lock(sampling_);
    const auto before = view();
    if (age_of(*before) != Age::fresh) {
      try {
        sample(current_root(before->root));
      } catch (const std::exception&) {
        failures_.fetch_add(1, std::memory_order_relaxed);
        auto again = std::make_shared<View>(*before);
        again->sampled = Clock::now();
        show(std::move(again));
      }
    }
    claimed_.store(false, std::memory_order_relaxed);
  }

  /// Samplings that could not read the folder.
  [[nodiscard]] std::uint64_t failures() const noexcept { return failures_.load(std::memory_order_relaxed); }

 private:
  void sample(Root root) {
    const auto start = Clock::now();
    auto outline = outlines_.get(OutlineKey{alias_}, root);
    const auto before = view();
    const bool is_same = before && before->tree->outline()->fingerprint == outline.entry->fingerprint;
    auto tree = is_same ? before->tree : std::make_shared<const OutlineTree>(std::move(outline.entry));
    const auto end = Clock::now();
    show(std::make_shared<const View>(std::move(root), std::move(tree), end, end - start));
  }

  void show(ViewPtr view) {
    const std::lock_guard lock(viewing_);
    view_.swap(view);
  }

  /// The folder may have been replaced (a new checkout, a link that now leads to another release): then it is opened again.
  static Root current_root(const Root& open) {
    struct ::stat now;
    const auto& before = open->identity();
    const bool is_same = ::stat(open->path().c_str(), &now) == 0 && now.st_dev == before.device && now.st_ino == before.inode;
    return is_same ? open : open_root(open->path());
  }

  const std::string alias_;
  Outlines& outlines_;
  std::mutex sampling_;
  std::atomic<bool> claimed_{false};
  std::atomic<std::uint64_t> failures_{0};
  mutable std::mutex viewing_;  // not an atomic shared_ptr: that of GCC 12 has a data race (its load unlocks relaxed)
  ViewPtr view_;
};

}  // namespace wiki
