// Clean-up removes what the predicate does not keep, and nothing else.
#pragma once

#include <render_cache/laws/store/subject.hpp>

#include <cstddef>
#include <stdexcept>
#include <stop_token>
#include <utility>

namespace render_cache::laws {

template <class Model>
void clean_up_laws() {
  Subject<Model> subject;
  auto& store = subject.store;
  using K = typename Subject<Model>::K;
  const auto fill_store = [&](unsigned count) {
    for (unsigned group = 0; group < count; ++group) subject.publish(sample_key<K>(group, group), group);
  };
  const KeepPredicate<K> keep_none = [](const K&) { return false; };
  const auto remaining = [&](unsigned count) {
    unsigned found = 0;
    for (unsigned group = 0; group < count; ++group) {
      if (store.lookup(sample_key<K>(group, group), sample_fingerprint(group)).entry) ++found;
    }
    return found;
  };

  SECTION("a sweep removes what the predicate does not keep, and nothing else") {
    fill_store(10);
    const K dead = sample_key<K>(3, 3), dead_too = sample_key<K>(8, 8);
    const auto report = store.prune([&](const K& key) { return !(key == dead) && !(key == dead_too); }, {});
    CHECK(report.examined <= 10);
    CHECK(report.removed <= 2);
    if (Model::durable) CHECK(report == PruneReport{10, 2, 0, false});
    for (unsigned group = 0; group < 10; ++group) {
      const auto key = sample_key<K>(group, group);
      group == 3 || group == 8 ? subject.check_absent(key, group) : subject.check_holds(key, group);
    }
  }

  SECTION("a dry run counts and changes nothing") {
    fill_store(5);
    PruneOptions options;
    options.dry_run = true;
    const auto report = store.prune(keep_none, options);
    if (Model::durable) CHECK(report == PruneReport{5, 5, 0, false});
    for (unsigned group = 0; group < 5; ++group) subject.check_holds(sample_key<K>(group, group), group);
  }

  SECTION("an empty store is swept") { CHECK(store.prune(keep_none, {}) == PruneReport{}); }

  SECTION("small batches give the same result, and tell their progress") {
    fill_store(10);
    PruneOptions options;
    options.batch = 3;
    PruneReport last;
    std::size_t calls = 0;
    options.progress = [&](const PruneReport& so_far) {
      CHECK(so_far.examined >= last.examined);
      CHECK(so_far.removed >= last.removed);
      last = so_far;
      ++calls;
    };
    const K kept = sample_key<K>(4, 4);
    const auto report = store.prune([&](const K& key) { return key == kept; }, options);
    if (Model::durable) {
      CHECK(report == PruneReport{10, 9, 0, false});
      CHECK(calls >= 4);
      CHECK(last == report);
    }
    CHECK(remaining(10) <= 1);
    subject.check_holds(kept, 4);
  }

  SECTION("a sweep that is asked to stop does so after the batch") {
    fill_store(10);
    std::stop_source stop;
    PruneOptions options;
    options.batch = 2;
    options.stop = stop.get_token();
    options.progress = [&](const PruneReport&) { stop.request_stop(); };
    const auto report = store.prune(keep_none, options);
    if (Model::durable) {
      CHECK(report.stopped);
      CHECK(report.removed >= 2);
      CHECK(remaining(10) == 10 - report.removed);
    }
  }

  SECTION("an exception of the predicate ends the sweep and reaches the caller") {
    fill_store(6);
    const KeepPredicate<K> fails = [](const K&) -> bool { throw std::runtime_error("the root cannot be read"); };
    if (Model::durable) CHECK_THROWS_WITH(store.prune(fails, {}), "the root cannot be read");
    for (unsigned group = 0; group < 6; ++group) subject.check_holds(sample_key<K>(group, group), group);
    subject.publish(sample_key<K>(1, 1), 9);  // the store is still of use
    subject.check_holds(sample_key<K>(1, 1), 9);
  }

  SECTION("what is published while the predicate runs is kept, even under a doomed key") {
    fill_store(3);
    const K reborn = sample_key<K>(1, 1);
    bool published = false;
    const auto report = store.prune(
        [&](const K&) {
          if (!std::exchange(published, true)) subject.publish(reborn, 42);  // no lock is held here
          return false;
        },
        {});
    if (Model::durable) CHECK(report == PruneReport{3, 2, 1, false});
    if (published) subject.check_holds(reborn, 42);
  }
}

}  // namespace render_cache::laws
