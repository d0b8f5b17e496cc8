// Many keys at once: one look-up for all, renders in parallel for those that miss.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/hasher.hpp>
#include <render_cache/concepts/store.hpp>
#include <render_cache/entry/error.hpp>
#include <render_cache/entry/text.hpp>
#include <render_cache/read/key_hash.hpp>
#include <render_cache/read/options.hpp>
#include <render_cache/read/outcome.hpp>
#include <render_cache/read/rendering.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <span>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace render_cache::detail {

/// The batches of a cache. Refers to its parts.
template <class Renderer, class Hasher, class Store, class Observer>
class Batches {
 public:
  using Rendering = detail::Rendering<Renderer, Hasher, Store, Observer>;
  using Sampler = typename Rendering::Sampler;
  using Lookups = typename Rendering::Lookups;
  using key_type = typename Rendering::key_type;
  using answer_type = Answer<typename Rendering::value_type>;

  Batches(const Sampler& sampler, Lookups& lookups, Rendering& rendering)
      : sampler_(sampler), lookups_(lookups), rendering_(rendering) {}

  template <class Source>
  std::vector<answer_type> get_many(std::span<const Wanted<key_type, Source>> wanted, const ManyOptions& options) {
    const typename Lookups::Watch watch;
    const auto landings = rendering_.landings();
    std::vector<answer_type> answers(wanted.size(), answer_type(std::exception_ptr{}));
    const Asked asked = sample(wanted, watch, options, answers);
    std::vector<Found> looked_up(asked.places.size(), Found{Lookups::missed(Miss::forced)});
    if (!options.refresh) looked_up = lookups_.find_many(asked.queries);

    Progress progress{.done = wanted.size() - asked.places.size(), .total = wanted.size()};
    Missing missing;
    for (std::size_t i = 0; i < looked_up.size(); ++i) {
      lookups_.note(asked.queries[i].key, looked_up[i].outcome, watch);
      if (looked_up[i].outcome) {
        answers[asked.places[i]] = std::move(looked_up[i].outcome);
        ++progress.hits;
        ++progress.done;
      } else {
        missing.add(asked.places[i], asked.queries[i], std::move(looked_up[i]));
      }
    }
    if (options.progress) options.progress(progress);

    std::mutex reporting;
    std::atomic<std::size_t> next = 0;
    const auto render_missing = [&] {
      for (std::size_t turn; (turn = next.fetch_add(1)) < missing.renders.size();) {
        auto& [query, found, places] = missing.renders[turn];
        answer_type answer(std::exception_ptr{});
        try {
          if (options.stop.stop_requested()) throw Cancelled("stopped before (" + describe_key(query.key) + ") was rendered");
          answer = rendering_.answer(query.key, wanted[places.front()].source,
                                     {landings, std::move(query.fingerprint), std::move(found)}, options.each);
        } catch (...) {
          answer = std::current_exception();
        }
        const std::lock_guard lock(reporting);
        for (const auto place : places) {
          answers[place] = answer;
          ++progress.done;
          if (options.progress) options.progress(progress);
        }
      }
    };

    const auto threads = std::min(std::max<std::size_t>(options.parallel, 1), missing.renders.size());
    if (threads <= 1) {
      render_missing();
    } else {
      std::vector<std::jthread> running;
      try {
        while (running.size() < threads) {
          running.emplace_back([&, parent = rendering_.flights().current()] {
            const typename Rendering::Flights::Scope scope(rendering_.flights(), parent);
            render_missing();
          });
        }
      } catch (const std::system_error&) {  // no more threads: those that run do the work, and this one
        render_missing();
      }
    }
    return answers;
  }

 private:
  using Found = typename Lookups::Found;

  /// The keys that can be asked for.
  struct Asked {
    std::vector<Query<key_type>> queries;
    std::vector<std::size_t> places;  // of each among the wanted ones
  };

  /// What is to be rendered, each key and fingerprint once, wherever it is wanted.
  struct Missing {
    struct Render {
      Query<key_type> query;
      Found found;
      std::vector<std::size_t> places;
    };
    std::vector<Render> renders;
    std::unordered_map<key_type, std::vector<std::size_t>, KeyHash<key_type>> of_key;

    void add(std::size_t place, const Query<key_type>& query, Found found) {
      auto& same_key = of_key[query.key];
      for (const auto i : same_key) {
        // Two sources whose fingerprints are unsettled may differ although these are equal.
        const auto& known = renders[i].query.fingerprint;
        if (query.fingerprint.settled() && known.settled() && known == query.fingerprint) {
          return renders[i].places.push_back(place);
        }
      }
      same_key.push_back(renders.size());
      renders.push_back({query, std::move(found), {place}});
    }
  };

  /// A source that cannot be sampled and a key that no store takes are answered with their own errors and left out.
  template <class Source>
  Asked sample(std::span<const Wanted<key_type, Source>> wanted, const typename Lookups::Watch& watch, const ManyOptions& options,
               std::vector<answer_type>& answers) {
    std::vector<Fingerprint> batch;
    if constexpr (BatchHasher<Hasher, Source>) {
      std::vector<const Source*> sources;
      sources.reserve(wanted.size());
      for (const auto& each : wanted) sources.push_back(&each.source);
      batch = sampler_.fingerprints(std::span<const Source* const>(sources));
    }
    Asked asked;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      try {
        check_key(wanted[i].key);
        if constexpr (BatchHasher<Hasher, Source>) {
          asked.queries.push_back({wanted[i].key, std::move(batch[i])});
        } else {
          asked.queries.push_back({wanted[i].key, sampler_.fingerprint(wanted[i].source)});
        }
        asked.places.push_back(i);
      } catch (const InvalidKey&) {
        answers[i] = std::current_exception();
      } catch (...) {
        try {
          answers[i] = rendering_.older_or_rethrow(wanted[i].key, watch, options.each);
        } catch (...) {
          answers[i] = std::current_exception();
        }
      }
    }
    return asked;
  }

  const Sampler& sampler_;
  Lookups& lookups_;
  Rendering& rendering_;
};

}  // namespace render_cache::detail
