// The counters of caches and stores as JSON.
#pragma once

#include <render_cache/read/stats.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>

namespace wiki {

inline nlohmann::json to_json(const render_cache::CacheStats& stats) {
  nlohmann::json misses;
  for (std::size_t reason = 1; reason < stats.misses.size(); ++reason) {
    misses[std::string(to_string(static_cast<render_cache::Miss>(reason)))] = stats.misses[reason];
  }
  return {{"hits", stats.hits},
          {"near_hits", stats.near_hits},
          {"misses", misses},
          {"renders", stats.renders},
          {"render_failures", stats.render_failures},
          {"failures_remembered", stats.failures_remembered},
          {"render_seconds", static_cast<double>(stats.render_nanoseconds) / 1e9},
          {"shared", stats.shared},
          {"moved", stats.moved},
          {"leases", {{"granted", stats.leases}, {"waited", stats.leases_waited}, {"missing", stats.leases_missing}}},
          {"rendered_elsewhere", stats.rendered_elsewhere},
          {"published", stats.published},
          {"publish_conflicts", stats.publish_conflicts},
          {"owed", {{"now", stats.owed}, {"stored", stats.owed_stored}, {"dropped", stats.owed_dropped}}},
          {"store_available", stats.store_available},
          {"store_errors",
           {{"unavailable", stats.store_unavailable},
            {"full", stats.store_full},
            {"refused", stats.store_refused},
            {"forbidden", stats.store_forbidden},
            {"other", stats.store_other},
            {"skipped", stats.store_skipped}}}};
}

/// Of a MemoryStore.
template <class MemoryStats>
nlohmann::json memory_to_json(const MemoryStats& stats) {
  return {{"entries", stats.entries},
          {"bytes", stats.bytes},
          {"capacity", stats.capacity},
          {"hits", stats.hits},
          {"misses", {{"absent", stats.misses_absent}, {"changed", stats.misses_changed}}},
          {"evictions", stats.evictions},
          {"too_large", stats.too_large}};
}

}  // namespace wiki
