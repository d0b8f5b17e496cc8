// The hash of keys for the tables of a cache.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/keys.hpp>

#include <cstddef>
#include <cstdint>

namespace render_cache::detail {

/// Each with a seed of its own, so that an author who chooses keys cannot make them collide.
template <class Key>
struct KeyHash {
  std::uint64_t seed = random_seed();
  std::size_t operator()(const Key& key) const noexcept { return hash_key(key, seed); }
};

}  // namespace render_cache::detail
