// The cache of rendered pages, over whichever store was chosen when the program started.
#pragma once

#include <render_cache/cache.hpp>
#include <render_cache/hasher/file.hpp>
#include <render_cache/observer/prometheus.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/wiki.hpp>

#include <prometheus/registry.h>
#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wiki {

using PageOutcome = render_cache::Outcome<render_cache::WikiPage>;
using PageAnswer = render_cache::Answer<render_cache::WikiPage>;
using WantedPage = render_cache::Wanted<render_cache::WikiKey, render_cache::FileSource>;

/// Memory for pages, alone or in front of a database.
using PageMemory =
    render_cache::MemoryStore<render_cache::WikiSchema, render_cache::Evict::s3_fifo, render_cache::PrometheusObserver>;

/// What the rest of the program needs of RenderCache<MarkdownRenderer, FileHasher, Store>. The virtual calls keep the stores'
/// libraries out of all other files; a hit does not come here but to learn the page's fingerprint. Thread-safe.
class Pages {
 public:
  virtual ~Pages() = default;

  /// Brings the store's tables up to date. Throws StoreUnavailable where it cannot be reached: pages are served all the
  /// same, and the caller may try again later. Throws other StoreErrors where trying again is of no use.
  virtual void prepare() {}

  /// What the page's fingerprint is, if one stat can tell.
  virtual std::optional<render_cache::Fingerprint> fingerprint_near(const render_cache::FileSource& file) const = 0;
  virtual PageOutcome get(const render_cache::WikiKey& key, const render_cache::FileSource& file) = 0;
  virtual std::vector<PageAnswer> get_many(const std::vector<WantedPage>& wanted, const render_cache::ManyOptions& options) = 0;

  using Keep = render_cache::KeepPredicate<render_cache::WikiKey>;
  virtual render_cache::PruneReport prune(const Keep& keep, const render_cache::PruneOptions& options) = 0;
  /// Throws Error where the store is no database.
  virtual render_cache::PruneReport prune_groups(std::string_view live_query, const render_cache::PruneOptions& options) = 0;
  /// What that query names, to be asked for each alias.
  virtual std::function<bool(const std::string&)> live_repositories(std::string_view live_query) = 0;

  /// What the store is kept within unless another bound is given: none in memory.
  virtual render_cache::Bounds bounds() const = 0;
  /// Entries for which `stays` says false count as gone. Throws Error where the store is no database.
  virtual render_cache::PruneReport prune_to(const render_cache::Bounds& bounds, const render_cache::PruneOptions& options,
                                             const Keep& stays) = 0;

  virtual render_cache::CacheStats stats() const = 0;
  virtual nlohmann::json store_stats() const = 0;
  /// Where the caches of this wiki are counted: this one as {cache="pages"}.
  virtual prometheus::Registry& metrics() const = 0;
};

/// `memory`, `sqlite:PATH` or `postgres:CONNINFO`.
struct StoreChoice {
  enum class Kind : unsigned char { memory, sqlite, postgres };
  Kind kind = Kind::memory;
  std::string place;  ///< a path or a connection string
  bool read_only = false;  ///< a file that was made before

  /// Throws Error for anything else.
  static StoreChoice parse(const std::string& text);
  /// By nodes that know nothing of each other's repositories.
  [[nodiscard]] bool is_shared() const { return kind == Kind::postgres; }
  /// For people: without a password.
  [[nodiscard]] std::string describe() const;
};

struct PagesOptions {
  StoreChoice store;
  std::size_t memory = 0;  ///< bytes in front of a database, or for the memory store
  std::chrono::milliseconds render_limit{0};  ///< for one render, by the clock; zero: as long as it takes
  std::function<void(const std::exception&)> on_store_error{};
  std::shared_ptr<prometheus::Registry> metrics = std::make_shared<prometheus::Registry>();  ///< where all is counted
};

/// Throws what the store's constructor throws.
std::unique_ptr<Pages> open_pages(const PagesOptions& options);

// One for each kind, in a file of its own.
std::unique_ptr<Pages> open_memory_pages(const PagesOptions& options);
std::unique_ptr<Pages> open_sqlite_pages(const PagesOptions& options);
std::unique_ptr<Pages> open_postgres_pages(const PagesOptions& options);

}  // namespace wiki
