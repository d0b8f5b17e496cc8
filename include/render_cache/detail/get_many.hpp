// RenderCache::get_many: one look-up for all keys, renders in parallel for those that miss.
#pragma once

#include <render_cache/cache.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace render_cache {

template <class R, class H, Store S>
template <class Source>
auto RenderCache<R, H, S>::get_many(std::span<const Wanted<key_type, Source>> wanted, const ManyOptions& options)
    -> std::vector<Answer<value_type>> {
  const auto ticket = flights_.ticket();
  std::vector<Query<key_type>> queries = sample(wanted);
  std::vector<outcome_type> found = options.refresh ? std::vector<outcome_type>(queries.size(), missed(Miss::forced))
                                                    : find_many(queries);

  std::vector<Answer<value_type>> answers(wanted.size(), Answer<value_type>(std::exception_ptr{}));
  std::vector<std::size_t> missing;
  Progress progress{0, wanted.size(), 0};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (found[i]) {
      answers[i] = std::move(found[i]);
      ++progress.hits;
    } else {
      missing.push_back(i);
    }
  }
  progress.done = progress.hits;
  if (options.progress) options.progress(progress);

  std::mutex reporting;
  std::atomic<std::size_t> next = 0;
  const auto render_missing = [&] {
    for (std::size_t turn; (turn = next.fetch_add(1)) < missing.size();) {
      const std::size_t i = missing[turn];
      try {
        if (options.stop.stop_requested()) throw Cancelled("stopped before (" + describe_key(wanted[i].key) + ") was rendered");
        answers[i] = render_or_join(wanted[i].key, wanted[i].source, std::move(queries[i].fingerprint), std::move(found[i]),
                                    ticket, options);
      } catch (...) {
        answers[i] = std::current_exception();
      }
      const std::lock_guard lock(reporting);
      ++progress.done;
      if (options.progress) options.progress(progress);
    }
  };

  const std::size_t crew_size = std::min(std::max<std::size_t>(options.parallel, 1), missing.size());
  if (crew_size <= 1) {
    render_missing();
  } else {
    std::vector<std::jthread> crew;
    for (std::size_t i = 0; i < crew_size; ++i) {
      crew.emplace_back([&, employer = std::this_thread::get_id()] {
        const typename Flights<key_type, value_type>::Crew member(flights_, employer);
        render_missing();
      });
    }
  }
  return answers;
}

template <class R, class H, Store S>
template <class Source>
auto RenderCache<R, H, S>::sample(std::span<const Wanted<key_type, Source>> wanted) const -> std::vector<Query<key_type>> {
  std::vector<Query<key_type>> queries;
  queries.reserve(wanted.size());
  if constexpr (BatchHasher<H, Source>) {
    std::vector<const Source*> sources;
    for (const auto& each : wanted) sources.push_back(&each.source);
    auto components = hasher_.components_many(sources);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      queries.push_back({wanted[i].key, with_renderer(std::move(components[i]))});
    }
  } else {
    for (const auto& each : wanted) queries.push_back({each.key, fingerprint(each.source)});
  }
  return queries;
}

/// As `find` for each, in one round trip where the store can.
template <class R, class H, Store S>
auto RenderCache<R, H, S>::find_many(std::span<const Query<key_type>> queries) -> std::vector<outcome_type> {
  std::vector<outcome_type> outcomes;
  outcomes.reserve(queries.size());
  if constexpr (HasLookupMany<S>) {
    std::string failure;
    auto found = store_.ask([&](S& store) { return store.lookup_many(queries); }, failure);
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const auto& now = queries[i].fingerprint;
      outcomes.push_back(count(!now.settled() ? missed(Miss::unsettled)
                               : found        ? judge(std::move((*found)[i]), now)
                                              : missed(Miss::store_failed, failure)));
    }
  } else {
    for (const auto& query : queries) outcomes.push_back(find(query.key, query.fingerprint));
  }
  return outcomes;
}

}  // namespace render_cache
