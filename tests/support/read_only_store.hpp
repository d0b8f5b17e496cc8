// A store that is only read: what must hold of it whatever the database.
#pragma once

#include <render_cache/wiki.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace render_cache::test {

/// `store` has one entry, `there` of `key`, and `lacking` of `other` would be new. Each change is refused, and look-ups go on between
/// them; what changes nothing is not refused. Returns how many changes were.
template <class Store>
std::size_t check_changes_are_refused(Store& store, const WikiKey& key, const EntryPtr<WikiPage>& there, const WikiKey& other,
                                      const EntryPtr<WikiPage>& lacking) {
  const std::string others = "SELECT 'others'";
  const std::vector<Query<WikiKey>> queries{{key, there->fingerprint}, {other, lacking->fingerprint}};
  const std::vector<std::pair<WikiKey, EntryPtr<WikiPage>>> entries{{other, lacking}};
  const auto none = [](const WikiKey&) { return false; };
  const auto all = [](const WikiKey&) { return true; };
  const std::vector<std::function<void()>> changes{
      [&] { store.publish(other, lacking); },     [&] { store.replace(other, lacking, {}); },
      [&] { store.publish_many(entries); },       [&] { store.erase(key); },
      [&] { store.erase_group(key.repo_alias); }, [&] { store.prune(none, {}); },
      [&] { store.prune_groups(others); },        [&] { store.prune_to({.max_bytes = 1}); },
  };
  for (const auto& change : changes) {
    CHECK_THROWS_AS(change(), StoreForbidden);
    const auto hit = store.lookup(key, there->fingerprint).entry;
    REQUIRE(hit);
    CHECK(hit->value.rendered_html == there->value.rendered_html);
    CHECK_FALSE(store.lookup(key, lacking->fingerprint).entry);
    const auto many = store.lookup_many(queries);
    CHECK(many[0].entry);
    CHECK_FALSE(many[1].entry);
    CHECK(store.lookup_stale(key));
  }
  CHECK(store.prune(none, {.dry_run = true}).removed == 1);
  CHECK(store.prune_groups(others, {.dry_run = true}).removed == 1);
  CHECK(store.prune_to({.max_bytes = 1}, {.dry_run = true}).removed == 1);
  CHECK(store.prune(all, {}).examined == 1);  // nothing to erase, nothing to refuse
  CHECK(store.acquire_lease(other, lacking->fingerprint, "a", std::chrono::seconds(1)) == LeaseAnswer::none);
  return changes.size();
}

}  // namespace render_cache::test
