// RenderCache::get_many: one look-up for all keys, renders in parallel for those that miss.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/cache.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace render_cache {

template <class R, class H, class S, class O>
template <class Source>
auto RenderCache<R, H, S, O>::get_many(std::span<const Wanted<key_type, Source>> wanted, const ManyOptions& options)
    -> std::vector<Answer<value_type>> {
  static_assert(check_source<Source>());
  const ReadWatch watch;
  const auto ticket = flights_.ticket();
  std::vector<Answer<value_type>> answers(wanted.size(), Answer<value_type>(std::exception_ptr{}));
  std::vector<Asked> asked = sample(wanted, answers);
  if (options.refresh) {
    for (auto& each : asked) {
      each.outcome = missed(Miss::forced);
      note(each.query.key, each.outcome, watch);
    }
  } else {
    find_many(asked, watch);
  }

  Progress progress{.done = wanted.size() - asked.size(), .total = wanted.size()};
  std::vector<Asked> missing;
  for (auto& each : asked) {
    if (each.outcome) {
      answers[each.place] = std::move(each.outcome);
      ++progress.hits;
      ++progress.done;
    } else {
      missing.push_back(std::move(each));
    }
  }
  if (options.progress) options.progress(progress);

  std::mutex reporting;
  std::atomic<std::size_t> next = 0;
  const auto render_missing = [&] {
    for (std::size_t turn; (turn = next.fetch_add(1)) < missing.size();) {
      auto& [place, query, why] = missing[turn];
      try {
        if (options.stop.stop_requested()) throw Cancelled("stopped before (" + describe_key(query.key) + ") was rendered");
        answers[place] =
            render_or_join(query.key, wanted[place].source, std::move(query.fingerprint), std::move(why), ticket, options.each);
      } catch (...) {
        answers[place] = std::current_exception();
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
    try {
      while (crew.size() < crew_size) {
        crew.emplace_back([&, employer = std::this_thread::get_id()] {
          const typename Flights<key_type, value_type>::Crew member(flights_, employer);
          render_missing();
        });
      }
    } catch (const std::system_error&) {  // no more threads: those that run do the work, and this one
      render_missing();
    }
  }
  return answers;
}

/// The keys that can be asked for, with their fingerprints. A source that cannot be sampled and a key that no store
/// takes are answered with their own errors and left out.
template <class R, class H, class S, class O>
template <class Source>
auto RenderCache<R, H, S, O>::sample(std::span<const Wanted<key_type, Source>> wanted,
                                     std::vector<Answer<value_type>>& answers) const -> std::vector<Asked> {
  std::vector<Fingerprint> batch;
  if constexpr (BatchHasher<H, Source>) {
    std::vector<const Source*> sources;
    sources.reserve(wanted.size());
    for (const auto& each : wanted) sources.push_back(&each.source);
    batch = hasher_.components_many(sources);
  }
  std::vector<Asked> asked;
  asked.reserve(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    try {
      check_key(wanted[i].key);
      if constexpr (BatchHasher<H, Source>) {
        asked.push_back({i, {wanted[i].key, with_renderer(std::move(batch[i]))}, {}});
      } else {
        asked.push_back({i, {wanted[i].key, fingerprint(wanted[i].source)}, {}});
      }
    } catch (...) {
      answers[i] = std::current_exception();
    }
  }
  return asked;
}

/// As `find` for each, in one round trip where the store can.
template <class R, class H, class S, class O>
void RenderCache<R, H, S, O>::find_many(std::vector<Asked>& asked, const ReadWatch& watch) {
  std::vector<Query<key_type>> queries;
  queries.reserve(asked.size());
  for (const auto& each : asked) queries.push_back(each.query);
  std::string failure;
  auto found = store_.ask(
      [&](auto& store) {
        if constexpr (HasLookupMany<std::remove_reference_t<decltype(store)>>) {
          return store.lookup_many(queries);
        } else {
          std::vector<Lookup<value_type>> each;
          for (const auto& query : queries) each.push_back(store.lookup(query.key, query.fingerprint));
          return each;
        }
      },
      failure);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto& now = asked[i].query.fingerprint;
    asked[i].outcome = !now.settled() ? missed(Miss::unsettled)
                       : found        ? judge(std::move((*found)[i]), now)
                                      : missed(Miss::store_failed, failure);
    note(asked[i].query.key, asked[i].outcome, watch);
  }
}

}  // namespace render_cache
