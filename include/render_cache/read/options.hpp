// What a caller can ask for: per cache, per call, per batch.
#pragma once

#include <render_cache/requirements.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <stop_token>
#include <thread>

namespace render_cache {

/// How old an answer this call accepts. Age counts from the render, by the store's clock.
class Freshness {
 public:
  /// Which of the three below it is.
  enum class Mode : unsigned char { exact, stale_while_rendering, stale_if_error };
  using Age = std::chrono::microseconds;  ///< time since the render

  /// Only what matches the source now: the default.
  static constexpr Freshness exact() noexcept { return {Mode::exact, Age::zero()}; }
  /// An older value, if the new one is not there within the call's soft limit; the render goes on and is stored. Also served when
  /// the render fails.
  static constexpr Freshness stale_while_rendering(Age max_age) noexcept { return {Mode::stale_while_rendering, max_age}; }
  /// An older value, if the source cannot be sampled, or the render fails or passes the hard limit.
  static constexpr Freshness stale_if_error(Age max_age) noexcept { return {Mode::stale_if_error, max_age}; }

  /// Which of the three this is.
  [[nodiscard]] constexpr Mode mode() const noexcept { return mode_; }
  /// Older than this is not returned. Zero for `exact`.
  [[nodiscard]] constexpr Age max_age() const noexcept { return max_age_; }

 private:
  constexpr Freshness(Mode mode, Age max_age) noexcept : mode_(mode), max_age_(max_age) {}
  Mode mode_;
  Age max_age_;
};

/// A key and the source to render it from.
template <class Key, class Source>
struct Wanted {
  Key key;  ///< which artefact
  Source source;  ///< what to render it from
};

/// One call's wishes.
struct GetOptions {
  /// How old the answer may be.
  Freshness freshness = Freshness::exact();
  /// With `stale_while_rendering`: how long to wait for the render before the older value is returned. Where the background is full
  /// there is nothing to wait for: the older value is returned at once, and the next call tries again.
  std::chrono::milliseconds soft_limit{0};
  /// How long to wait for a render at all; then `RenderTimeout`. The render goes on and is stored, unless the background was full
  /// all the while: then it never began, and the message says so.
  std::optional<std::chrono::milliseconds> hard_limit{};
};

/// How far `get_many` has come.
struct Progress {
  std::size_t done = 0;  ///< keys answered, hits included
  std::size_t total = 0;  ///< keys asked for
  std::size_t hits = 0;  ///< of these, answered without a render
};

/// One batch's wishes.
struct ManyOptions {
  GetOptions each{};  ///< how each key is read
  bool refresh = false;  ///< render every key, whatever is stored
  /// Renders at a time; at least one. With `stale_while_rendering`, those that take longer than their soft limit go on in the
  /// background beside it, at most `CacheOptions::max_background`.
  std::size_t parallel = std::thread::hardware_concurrency();
  /// Keys whose turn has not come by then get `Cancelled`. Running renders, here or in another process, end in their own time.
  std::stop_token stop{};
  std::function<void(const Progress&)> progress{};  ///< called by one thread at a time; must not throw
};

/// Among whom (key, fingerprint) is rendered once at a time.
enum class SingleFlight : unsigned char {
  process,  ///< the threads of this process
  cluster,  ///< all processes that share the store: who renders holds a lease there, and the others wait for what he brings
  automatic,  ///< as `cluster` where the store keeps leases and the render is worth one, else as `process`
};

/// What holds for all calls of one cache.
struct CacheOptions {
  /// Among whom (key, fingerprint) is rendered once at a time. A render that another render has called for never waits for another
  /// process: two of them could wait for each other.
  SingleFlight single_flight = SingleFlight::automatic;
  /// With `automatic`, what a render must be expected to take to be worth a lease, which costs three statements. Expected is what it took
  /// when what is stored was rendered; where nothing is, what this cache's renders have taken on average; before the first one a lease
  /// is taken.
  std::chrono::milliseconds lease_above{10};
  /// How long a lease lives after its holder has died; a living one renews it each third of that. At least 100 ms.
  std::chrono::milliseconds lease_time{5000};
  /// How long a render's error answers for its (key, fingerprint) before it is tried again. Zero: never.
  /// A `RenderRefused`, which rests on nothing but the source, answers until the fingerprint is another one.
  std::chrono::milliseconds failure_memory{1000};
  /// How long an unavailable store is left alone before it is asked again; meanwhile every read renders.
  std::chrono::milliseconds store_pause{1000};
  /// How many entries that were rendered while the store was unavailable are kept to be stored when it is back, one a key; beyond that the
  /// oldest are given up. Each is sampled again first, from a copy of its source, so sources that do not outlive their call
  /// (`outlives_call`) are not owed, but for those in the caller's hands, of which no copy is needed. Zero: none.
  std::size_t max_owed = 1000;
  /// What these may take of memory, in bytes; what copies of sources own is not counted.
  std::size_t max_owed_bytes = std::size_t{64} << 20;
  /// Renders in the background at a time (`stale_while_rendering`, limits). With 0 every call with a hard limit that does not hit
  /// passes it.
  std::size_t max_background = 64;
  /// How long a call waits for a render that another call leads, where its own hard limit does not come first; then `RenderTimeout`.
  /// It should be more than twice of what any render takes: for one that another process goes on with, half of it is waited. It ends
  /// what no check can see: a renderer that asks for its own key from a thread of its own, and a render that hangs.
  std::chrono::milliseconds max_wait = std::chrono::minutes(10);
};

}  // namespace render_cache
