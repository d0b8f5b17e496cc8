// The least that the concepts promise, and test doubles made of it. What RenderCache uses beyond the concepts stops the build here.
#pragma once

#include <render_cache/cache.hpp>
#include <render_cache/wiki.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace archetype {

using namespace render_cache;

/// A Store and nothing more.
class MinimalStore {
 public:
  using key_type = WikiKey;
  using value_type = WikiPage;

  Lookup<WikiPage> lookup(const WikiKey& key, const Fingerprint& fingerprint) {
    const std::lock_guard lock(mutex_);
    ++lookups;
    const auto at = entries_.find(order(key));
    if (at == entries_.end()) return {};
    if (at->second->fingerprint == fingerprint) return {.entry = at->second};
    return {.stored = at->second->fingerprint};
  }
  void publish(const WikiKey& key, EntryPtr<WikiPage> entry) {
    const std::lock_guard lock(mutex_);
    entries_[order(key)] = std::move(entry);
  }
  bool erase(const WikiKey& key) {
    const std::lock_guard lock(mutex_);
    return entries_.erase(order(key)) == 1;
  }
  std::size_t erase_group(const std::string& group) {
    const std::lock_guard lock(mutex_);
    return std::erase_if(entries_, [&](const auto& each) { return std::get<0>(each.first) == group; });
  }
  PruneReport prune(const KeepPredicate<WikiKey>& keep, const PruneOptions& options) {
    const std::lock_guard lock(mutex_);
    PruneReport report{.examined = entries_.size()};
    report.removed = std::erase_if(entries_, [&](const auto& each) {
      return !keep({std::get<0>(each.first), std::get<1>(each.first)}) && !options.dry_run;
    });
    return report;
  }

  std::atomic<int> lookups = 0;

 protected:
  static std::pair<std::string, std::string> order(const WikiKey& key) { return {key.repo_alias, key.page_path}; }
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, EntryPtr<WikiPage>> entries_;
};
static_assert(check_store<MinimalStore>());
static_assert(!HasLookupMany<MinimalStore> && !HasLookupStale<MinimalStore> && !HasNear<MinimalStore>);

/// With every stronger concept, and faults on request.
class FullStore : public MinimalStore {
 public:
  Lookup<WikiPage> lookup(const WikiKey& key, const Fingerprint& fingerprint) {
    before("lookup");
    return MinimalStore::lookup(key, fingerprint);
  }
  void publish(const WikiKey& key, EntryPtr<WikiPage> entry) {
    before("publish");
    MinimalStore::publish(key, std::move(entry));
  }
  bool erase(const WikiKey& key) {
    before("erase");
    return MinimalStore::erase(key);
  }
  std::size_t erase_group(const std::string& group) {
    before("erase_group");
    return MinimalStore::erase_group(group);
  }
  std::vector<Lookup<WikiPage>> lookup_many(std::span<const Query<WikiKey>> queries) {
    before("lookup_many");
    std::vector<Lookup<WikiPage>> found;
    for (const auto& query : queries) found.push_back(MinimalStore::lookup(query.key, query.fingerprint));
    return found;
  }
  std::optional<Aged<WikiPage>> lookup_stale(const WikiKey& key) {
    before("lookup_stale");
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(order(key));
    if (at == entries_.end()) return std::nullopt;
    return Aged<WikiPage>{at->second, age};
  }

  /// Called with the name of each operation before it happens; may throw.
  std::function<void(std::string_view)> before = [](std::string_view) {};
  std::chrono::microseconds age{0};
};
static_assert(check_store<FullStore>() && HasLookupMany<FullStore> && HasLookupStale<FullStore>);

/// Replaces what was seen alone, as the stores that processes share.
class SharedStore : public MinimalStore {
 public:
  Lookup<WikiPage> lookup(const WikiKey& key, const Fingerprint& fingerprint) {
    auto found = MinimalStore::lookup(key, fingerprint);
    if (found.stored) found.seen.text = found.stored->text();
    return found;
  }
  bool replace(const WikiKey& key, EntryPtr<WikiPage> entry, const Seen& seen) {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(order(key));
    const auto there = at == entries_.end() ? std::optional<std::string>() : at->second->fingerprint.text();
    if (there != seen.text) return false;
    entries_[order(key)] = std::move(entry);
    return true;
  }
};
static_assert(check_store<SharedStore>() && HasReplace<SharedStore>);

struct MinimalHasher {
  Fingerprint components(const std::string& source) const { return std::move(Fingerprint().add("source", source)); }
};
static_assert(check_hasher<MinimalHasher, std::string>());
static_assert(!LiveHasher<MinimalHasher> && !FreezingHasher<MinimalHasher, std::string>);

/// Counts its renders; what else it does is up to the test.
struct CountingRenderer {
  struct State {
    std::atomic<int> renders = 0;
    std::string version = "test/1";
    std::function<void(const WikiKey&, const std::string&)> during = [](const WikiKey&, const std::string&) {};
  };
  std::shared_ptr<State> state = std::make_shared<State>();

  std::string_view version() const { return state->version; }
  WikiPage render(const WikiKey& key, const std::string& source) const {
    ++state->renders;
    state->during(key, source);
    return {"<p>" + source + "</p>", {"{}"}};
  }
};
static_assert(check_renderer<CountingRenderer, WikiKey, std::string, WikiPage>());

}  // namespace archetype
