// What a store keeps for a key, and what it answers when asked.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/fingerprint.hpp>
#include <render_cache/entry/types.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace render_cache {

/// A value with the fingerprint it was rendered under. Immutable once shared.
template <class Value>
struct Entry {
  Value value;              ///< what the renderer made
  Fingerprint fingerprint;  ///< what the source and the renderer were when it was made
  /// When it was rendered, by the store's clock (a database's `now()`), or by this process's when it was rendered here.
  Timestamp rendered_at{};
  /// What the render took; a database keeps it in microseconds. Unknown of a row that an older release has written.
  std::optional<std::chrono::nanoseconds> render_cost{};
};

/// Shared, never copied: safe to hold after the store has evicted, replaced or erased the entry.
template <class Value>
using EntryPtr = std::shared_ptr<const Entry<Value>>;

/// Where an answer came from.
enum class Origin : std::uint8_t {
  store,   ///< the store
  near,    ///< this process's memory: no round trip was made
  render,  ///< this call rendered it
  flight,  ///< another call's render, shared
  stale,   ///< an older value, which this call allowed
};

/// What a look-up saw of a key, whatever it asked for.
struct Seen {
  std::optional<std::string> text{};  ///< what stands where the fingerprint is kept, notes included; none: nothing is stored
  std::optional<std::chrono::nanoseconds> render_cost{};  ///< what the render of it took, if the store knows
};

/// What a look-up found: the entry where the stored fingerprint equals the one asked for, else why not.
template <class Value>
struct Lookup {
  EntryPtr<Value> entry{};              ///< null: a miss
  std::optional<Fingerprint> stored{};  ///< on a miss: the fingerprint that is stored instead, if any
  Seen seen{};                          ///< on a miss, of a store that has `replace`: what was there
  std::string unreadable{};             ///< on a miss: what is wrong with the stored row, if it cannot be read or is damaged
  bool damaged = false;                 ///< on a miss: the row can be read, and is not what was stored
  Origin origin = Origin::store;        ///< `store`, or `near` where a part of the store answered from memory
  bool behind = false;                  ///< on a miss: `lookup_latest` may find what this did not, and `seen` says nothing
};

/// An entry whatever its fingerprint, with its age by the store's own clock.
template <class Value>
struct Aged {
  EntryPtr<Value> entry;            ///< never null
  std::chrono::microseconds age{};  ///< since it was rendered; never negative
};

}  // namespace render_cache
