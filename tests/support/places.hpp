// Sources that live elsewhere and change under their readers.
#pragma once

#include "support/archetypes.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace render_cache::test {

struct Place {
  struct State {
    std::string sample, content;
    bool settled = true;
    Fingerprint fingerprint() const {
      auto sampled = Fingerprint().add("source", sample);
      if (!settled) sampled.mark_unsettled();
      return sampled;
    }
  };

  void set(State next) {
    const std::lock_guard lock(mutex_);
    state_ = std::move(next);
  }
  State get() const {
    const std::lock_guard lock(mutex_);
    return state_;
  }

 private:
  mutable std::mutex mutex_;
  State state_;
};
using PlacePtr = std::shared_ptr<Place>;

/// Cannot be frozen: a place is sampled before and after.
struct LivePlaces {
  static constexpr bool source_can_move = true;
  Fingerprint components(const Place* place) const { return place->get().fingerprint(); }
  Fingerprint components(const PlacePtr& place) const { return components(place.get()); }
};

struct PlaceRenderer {
  archetype::CountingRenderer counting;
  std::string_view version() const { return counting.version(); }
  WikiPage render(const WikiKey& key, const Place* place) const { return counting.render(key, place->get().content); }
  WikiPage render(const WikiKey& key, const PlacePtr& place) const { return render(key, place.get()); }
};

}  // namespace render_cache::test

/// The tests keep their places longer than the cache. Of a `Place*` nobody knows.
template <>
inline constexpr bool render_cache::outlives_call<const render_cache::test::Place*> = true;
template <>
inline constexpr bool render_cache::outlives_call<render_cache::test::PlacePtr> = true;
