// What an observer may be told.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/entry.hpp>
#include <render_cache/entry/miss.hpp>
#include <render_cache/entry/named_members.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string_view>

namespace render_cache {

// An observer is told what happens: RenderCache tells of reads, renders, publishes and survived store errors, MemoryStore of
// evictions. Each takes its own as last constructor argument; one that refers to shared counters can be given to both.
//
//   void on_hit(const Key&, const HitEvent&) const noexcept;
//   void on_miss(const Key&, const MissEvent&) const noexcept;
//   void on_render(const Key&, const RenderEvent&) const noexcept;
//   void on_publish(const Key&, const PublishEvent&) const noexcept;
//   void on_evict(const Key&, const EvictEvent&) const noexcept;
//   void on_store_error(const StoreErrorEvent&) const noexcept;
//
// It has those that it wants, at least one; `const auto&` will do for the key. What it lacks costs nothing, not even a look at the
// clock. It is called on the thread on which the event happens, many at once, with no lock held: so it is const, noexcept (an
// exception would end the read that it only watches), and should be quick. What an event refers to is valid during the call.

/// A read was answered by the store, verified.
struct HitEvent {
  Origin origin;  ///< `Origin::store`, or `Origin::near`: this process's memory
  std::chrono::nanoseconds took;  ///< sampling the source, where the call did that, and the look-up; of a batch, the whole of it
};

/// A read was not answered by the store: a render follows, unless the call was a `find`.
struct MissEvent {
  Miss reason;  ///< never `Miss::none`
  std::string_view detail;  ///< as in `Outcome::detail`
  std::chrono::nanoseconds took;  ///< as in `HitEvent`
};

/// The renderer has returned or thrown.
struct RenderEvent {
  std::chrono::nanoseconds took;  ///< in the renderer
  std::exception_ptr error;  ///< what it threw; null if it went well
};

/// An entry was stored.
struct PublishEvent {
  std::chrono::nanoseconds took;  ///< in the store
};

/// An entry left a store in memory to make room. Not told for what was erased, pruned or replaced.
struct EvictEvent {
  std::size_t weight;  ///< bytes that this made free
};

/// What kind of error a store reported.
enum class StoreFailure : std::uint8_t {
  unavailable,  ///< StoreUnavailable
  full,  ///< StoreFull
  refused,  ///< InvalidValue
  forbidden,  ///< StoreForbidden
  other,  ///< any other exception
};

/// A call to the store failed, and the cache did without it.
struct StoreErrorEvent {
  StoreFailure kind;  ///< what kind of error it was
  const std::exception& error;  ///< what the store threw
  std::chrono::nanoseconds took;  ///< until it failed
};

/// Wants to be told of hits.
template <class O, class Key>
concept ObservesHits = requires(const O& observer, const Key& key, const HitEvent& event) {
  { observer.on_hit(key, event) } noexcept;
};

/// Wants to be told of misses.
template <class O, class Key>
concept ObservesMisses = requires(const O& observer, const Key& key, const MissEvent& event) {
  { observer.on_miss(key, event) } noexcept;
};

/// Wants to be told of renders.
template <class O, class Key>
concept ObservesRenders = requires(const O& observer, const Key& key, const RenderEvent& event) {
  { observer.on_render(key, event) } noexcept;
};

/// Wants to be told of what is stored.
template <class O, class Key>
concept ObservesPublishes = requires(const O& observer, const Key& key, const PublishEvent& event) {
  { observer.on_publish(key, event) } noexcept;
};

/// Wants to be told of evictions.
template <class O, class Key>
concept ObservesEvictions = requires(const O& observer, const Key& key, const EvictEvent& event) {
  { observer.on_evict(key, event) } noexcept;
};

/// Wants to be told of store errors that were survived.
template <class O>
concept ObservesStoreErrors = requires(const O& observer, const StoreErrorEvent& event) {
  { observer.on_store_error(event) } noexcept;
};

/// The default: is told nothing, and costs nothing.
struct NoObserver {};

/// Wants to be told of something, or is `NoObserver`.
template <class O, class Key>
concept Observer = std::same_as<O, NoObserver> || ObservesHits<O, Key> || ObservesMisses<O, Key> || ObservesRenders<O, Key> ||
                   ObservesPublishes<O, Key> || ObservesEvictions<O, Key> || ObservesStoreErrors<O>;

/// Says in words what a type lacks to be an Observer. A member of the right name that could not be called is an error, for else it
/// would never be told and nobody would know.
template <class O, class Key>
consteval bool check_observer() {
  if constexpr (!ObservesHits<O, Key> && detail::NamesOnHit<O>) {
    RENDER_CACHE_MISTAKE("`on_hit` of an observer must be `void on_hit(const Key&, const HitEvent&) const noexcept`");
  } else if constexpr (!ObservesMisses<O, Key> && detail::NamesOnMiss<O>) {
    RENDER_CACHE_MISTAKE("`on_miss` of an observer must be `void on_miss(const Key&, const MissEvent&) const noexcept`");
  } else if constexpr (!ObservesRenders<O, Key> && detail::NamesOnRender<O>) {
    RENDER_CACHE_MISTAKE("`on_render` of an observer must be `void on_render(const Key&, const RenderEvent&) const noexcept`");
  } else if constexpr (!ObservesPublishes<O, Key> && detail::NamesOnPublish<O>) {
    RENDER_CACHE_MISTAKE("`on_publish` of an observer must be `void on_publish(const Key&, const PublishEvent&) const noexcept`");
  } else if constexpr (!ObservesEvictions<O, Key> && detail::NamesOnEvict<O>) {
    RENDER_CACHE_MISTAKE("`on_evict` of an observer must be `void on_evict(const Key&, const EvictEvent&) const noexcept`");
  } else if constexpr (!ObservesStoreErrors<O> && detail::NamesOnStoreError<O>) {
    RENDER_CACHE_MISTAKE("`on_store_error` of an observer must be `void on_store_error(const StoreErrorEvent&) const noexcept`");
  } else if constexpr (!Observer<O, Key>) {
    RENDER_CACHE_MISTAKE("give the observer at least one of on_hit, on_miss, on_render, on_publish, on_evict and on_store_error");
  }
  return true;
}

namespace detail {

/// The time since it was made; nothing at all where nobody asks for it.
template <bool used>
class Stopwatch {
 public:
  [[nodiscard]] std::chrono::nanoseconds elapsed() const noexcept { return std::chrono::steady_clock::now() - start_; }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};
template <>
class Stopwatch<false> {};

}  // namespace detail
}  // namespace render_cache
