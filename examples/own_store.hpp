// A complete store: a map and a mutex. tests/laws/own_store.cpp holds it to the laws.
#pragma once

#include <render_cache/concepts/store.hpp>
#include <render_cache/wiki.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

class OwnStore {
 public:
  using key_type = render_cache::WikiKey;
  using value_type = render_cache::WikiPage;

  render_cache::Lookup<value_type> lookup(const key_type& key, const render_cache::Fingerprint& fingerprint) {
    const std::lock_guard lock(mutex_);
    const auto at = pages_.find(key);
    if (at == pages_.end()) return {};
    const auto& stored = at->second.entry->fingerprint;
    if (stored == fingerprint) return {.entry = at->second.entry};
    return {.stored = stored};
  }
  void publish(const key_type& key, render_cache::EntryPtr<value_type> entry) {
    const std::lock_guard lock(mutex_);
    pages_[key] = {std::move(entry), Clock::now()};
  }
  bool erase(const key_type& key) {
    const std::lock_guard lock(mutex_);
    return pages_.erase(key) == 1;
  }
  std::size_t erase_group(const std::string& repo_alias) {
    const std::lock_guard lock(mutex_);
    return std::erase_if(pages_, [&](const auto& page) { return page.first.repo_alias == repo_alias; });
  }
  render_cache::PruneReport prune(const render_cache::KeepPredicate<key_type>& keep, const render_cache::PruneOptions& options) {
    const auto start = Clock::now();
    render_cache::PruneReport report;
    for (const auto& key : keys()) {  // the predicate may take its time, and use the store: no lock is held while it runs
      ++report.examined;
      if (keep(key)) continue;
      const std::lock_guard lock(mutex_);
      const auto at = pages_.find(key);
      if (at == pages_.end()) continue;
      const bool newer = at->second.published >= start;
      ++(newer ? report.kept_newer : report.removed);
      if (!newer && !options.dry_run) pages_.erase(at);
    }
    return report;
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Page {
    render_cache::EntryPtr<value_type> entry;
    Clock::time_point published;
  };
  struct ByPath {
    bool operator()(const key_type& a, const key_type& b) const {
      return std::tie(a.repo_alias, a.page_path) < std::tie(b.repo_alias, b.page_path);
    }
  };
  std::vector<key_type> keys() {
    const std::lock_guard lock(mutex_);
    std::vector<key_type> all;
    for (const auto& page : pages_) all.push_back(page.first);
    return all;
  }

  std::mutex mutex_;
  std::map<key_type, Page, ByPath> pages_;
};

static_assert(render_cache::check_store<OwnStore>());
