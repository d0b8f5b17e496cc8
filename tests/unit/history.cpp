// The check of histories: what is built in on purpose is found, and what is right is not.
#include <render_cache/laws/history_check.hpp>

#include "support/archetypes.hpp"
#include "support/catch.hpp"
#include "support/numbers.hpp"
#include "support/temporary_directory.hpp"

#include <render_cache/store/memory.hpp>
#include <render_cache/store/tiered.hpp>

#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace history_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using archetype::MinimalStore;
using archetype::SharedStore;
using laws::Event;
using laws::FaultyStore;
using laws::History;
using laws::Log;
using laws::Promises;
using laws::RecordedStore;
using laws::Verdict;
using laws::WrappedStore;
using test::Freezable;
using test::key_of;
using test::name_of;
using test::NumberRenderer;
using test::Numbers;

namespace {

/// A source that is there for as long as it is owed.
using Kept = std::shared_ptr<const std::atomic<long>>;

}  // namespace

}  // namespace history_tests

template <>
inline constexpr bool render_cache::outlives_call<history_tests::Kept> = true;

namespace history_tests {

namespace {

Verdict checked(const Numbers& numbers, const Promises& promises = {}) {
  auto history = numbers.history();
  return check(history, promises);
}

/// Whether the history shows that this promise is broken, and by what.
void check_found(const Numbers& numbers, const std::string& promise, const std::vector<Event::Kind>& shown,
                 const Promises& promises = {}) {
  const auto verdict = checked(numbers, promises);
  INFO(verdict.text());
  CHECK_FALSE(verdict);
  CHECK(verdict.promise == promise);
  std::vector<Event::Kind> kinds;
  for (const auto& line : verdict.lines) kinds.push_back(line.event.kind);
  CHECK(kinds == shown);
}
void check_well(const Numbers& numbers, const Promises& promises = {}) {
  const auto verdict = checked(numbers, promises);
  INFO(verdict.text());
  CHECK(verdict);
}

/// Does something once, when it is called for the first time.
std::function<void()> once(std::function<void()> step) {
  return [step = std::move(step), done = false]() mutable {
    if (!std::exchange(done, true)) step();
  };
}

void wait_for(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::yield();
}

}  // namespace

TEST_CASE("history: a flight that is keyed by the key alone is found", "[concurrent]") {
  Numbers numbers;
  auto& log = numbers.new_log(1);
  MinimalStore store;
  std::function<void()> during;
  RenderCache cache(NumberRenderer{&numbers.log, [&](const WikiKey&) { during(); }}, Freezable{}, store);
  struct ByKeyAlone {
    decltype(cache)& inner;
    std::atomic<bool> joined = false;
    std::shared_future<Outcome<WikiPage>> flight{};
    Outcome<WikiPage> get(const WikiKey& key, const std::atomic<long>* source) {
      if (flight.valid()) {
        joined = true;
        return flight.get();
      }
      std::promise<Outcome<WikiPage>> leads;
      flight = leads.get_future().share();
      auto outcome = inner.get(key, source);
      leads.set_value(outcome);
      return outcome;
    }
    Outcome<WikiPage> refresh(const WikiKey& key, const std::atomic<long>* source) { return inner.refresh(key, source); }
  } by_key{cache};
  std::future<void> joiner;
  during = once([&] {
    numbers.edit(numbers.log, 0);
    joiner = std::async(std::launch::async, [&] { numbers.read(log, by_key, 0); });
    wait_for(by_key.joined);
  });
  numbers.read(numbers.log, by_key, 0);
  joiner.get();
  check_found(numbers, "a read returned what its source was not between its call and its return",
              {Event::Kind::edit, Event::Kind::edit, Event::Kind::missed});
}

TEST_CASE("history: a stale answer of the store is found") {
  struct Lagging : WrappedStore<SharedStore> {
    using WrappedStore::WrappedStore;
    Lookup<WikiPage> lookup(const WikiKey& key, const Fingerprint& fingerprint) {
      auto found = WrappedStore::lookup(key, fingerprint);
      if (found.stored) found = WrappedStore::lookup(key, *found.stored);  // whatever there is
      return found;
    }
  };
  Numbers numbers;
  SharedStore shared;
  Lagging store(shared);
  RenderCache cache(NumberRenderer{&numbers.log}, Freezable{}, store);
  numbers.read(numbers.log, cache, 0);
  check_well(numbers);
  numbers.edit(numbers.log, 0);
  numbers.read(numbers.log, cache, 0);
  check_found(numbers, "a read returned what its source was not between its call and its return",
              {Event::Kind::edit, Event::Kind::edit, Event::Kind::hit});
}

TEST_CASE("history: a fingerprint that is sampled after the render is found") {
  struct SampledAfter : Freezable {
    std::function<void()> between;
    Frozen<long> freeze(const std::atomic<long>* source) const {
      const long now = source->load();
      between();
      return {Freezable::components(source), now};
    }
  };
  Numbers numbers;
  SharedStore store;
  RenderCache cache(NumberRenderer{&numbers.log}, SampledAfter{{}, once([&] { numbers.edit(numbers.log, 0); })}, store);
  cache.refresh(key_of(0), &numbers.sources[0]);
  numbers.read(numbers.log, cache, 0);
  check_found(numbers, "a value is not what its fingerprint says", {Event::Kind::hit});
}

TEMPLATE_TEST_CASE("history: publishes that come late are found where no compare-and-set fences them", "", MinimalStore,
                   SharedStore) {
  const auto seed = GENERATE(range(1u, 6u));
  Numbers numbers;
  TestType inner;
  RecordedStore recorded(inner, numbers.log);
  FaultyStore store(recorded, {.reordered = 500}, seed);
  RenderCache cache(NumberRenderer{&numbers.log}, Freezable{}, store);
  for (int i = 0; i < 40; ++i) {
    numbers.edit(numbers.log, 0);
    numbers.read(numbers.log, cache, 0);
  }
  store.settle();
  const Promises promises{.keeps = false};
  if constexpr (HasReplace<TestType>) {
    check_well(numbers, promises);
  } else {
    check_found(numbers, "what was stored was replaced by what was rendered of an earlier state",
                {Event::Kind::edit, Event::Kind::edit, Event::Kind::publish, Event::Kind::publish}, promises);
  }
}

namespace {

/// As the library's, and without its fence.
template <class Near, class Far>
struct UnfencedTiers : WrappedStore<Far> {
  Near& near_store;
  UnfencedTiers(Near& near, Far& far) : WrappedStore<Far>(far), near_store(near) {}
  Lookup<WikiPage> lookup(const WikiKey& key, const Fingerprint& fingerprint) {
    auto found = near_store.lookup(key, fingerprint);
    if (found.entry) return found;
    found = WrappedStore<Far>::lookup(key, fingerprint);
    if (found.entry) near_store.publish(key, found.entry);
    return found;
  }
  bool erase(const WikiKey& key) {
    const bool far = WrappedStore<Far>::erase(key);
    return near_store.erase(key) || far;
  }
};

struct Interrupted : WrappedStore<SharedStore> {
  using WrappedStore::WrappedStore;
  std::function<void()> after_hit = [] {};
  Lookup<WikiPage> lookup(const WikiKey& key, const Fingerprint& fingerprint) {
    auto found = WrappedStore::lookup(key, fingerprint);
    if (found.entry) after_hit();
    return found;
  }
};

/// An erase comes between a far hit and the fill of the near tier.
template <template <class, class> class Tiers>
void erase_before_fill(Numbers& numbers) {
  SharedStore shared;
  Interrupted far(shared);
  MemoryStore<WikiSchema> near;
  Tiers tiers(near, far);
  RenderCache cache(NumberRenderer{&numbers.log}, Freezable{}, tiers);
  numbers.read(numbers.log, cache, 0);
  near.erase(key_of(0));
  far.after_hit = once([&] { numbers.log.erase(name_of(0), [&] { return cache.erase(key_of(0)); }); });
  numbers.read(numbers.log, cache, 0);
  numbers.read(numbers.log, cache, 0);
}

}  // namespace

TEST_CASE("history: a tier that is filled without its fence is found") {
  Numbers numbers;
  SECTION("fenced") {
    erase_before_fill<TieredStore>(numbers);
    check_well(numbers);
  }
  SECTION("unfenced") {
    erase_before_fill<UnfencedTiers>(numbers);
    check_found(numbers, "what was erased was hit before it was rendered again",
                {Event::Kind::render, Event::Kind::erase, Event::Kind::hit});
  }
}

TEST_CASE("history: an erase that is not heeded is found, and so is one that a standby has not heard of") {
  struct Deaf : WrappedStore<SharedStore> {
    using WrappedStore::WrappedStore;
    bool erase(const WikiKey&) { return true; }
  };
  Numbers numbers;
  SharedStore shared;
  const auto story = [&](auto&& store) {
    RenderCache cache(NumberRenderer{&numbers.log}, Freezable{}, store);
    for (int i = 0; i < 50; ++i) {
      numbers.read(numbers.log, cache, 0);
      numbers.log.erase(name_of(0), [&] { return cache.erase(key_of(0)); });
      numbers.read(numbers.log, cache, 0);
      numbers.read(numbers.log, cache, 0);
    }
  };
  SECTION("heeded") {
    story(shared);
    check_well(numbers);
  }
  SECTION("not heeded") {
    Deaf deaf(shared);
    story(deaf);
    check_found(numbers, "what was erased was hit before it was rendered again",
                {Event::Kind::render, Event::Kind::erase, Event::Kind::hit});
  }
  SECTION("not heard of") {
    FaultyStore lags(shared, {.stale = 500}, 1);
    story(lags);
    check_found(numbers, "what was erased was hit before it was rendered again",
                {Event::Kind::render, Event::Kind::erase, Event::Kind::hit});
  }
}

namespace {

/// Keeps leases, or says so.
struct Leasing : SharedStore {
  bool keeps;
  std::atomic<int> asked = 0;
  std::mutex leases_mutex{};
  std::string holder{};

  explicit Leasing(bool really) : keeps(really) {}
  LeaseAnswer acquire_lease(const WikiKey&, const Fingerprint&, const std::string& owner, std::chrono::milliseconds) {
    const std::lock_guard lock(leases_mutex);
    ++asked;
    if (keeps && !holder.empty() && holder != owner) return LeaseAnswer::held;
    holder = owner;
    return LeaseAnswer::granted;
  }
  void renew_leases(std::span<const Query<WikiKey>>, const std::string&, std::chrono::milliseconds) {}
  void release_lease(const WikiKey&, const Fingerprint&, const std::string& owner) {
    const std::lock_guard lock(leases_mutex);
    if (holder == owner) holder.clear();
  }
};

}  // namespace

TEST_CASE("history: two renders under one lease are found", "[concurrent]") {
  const bool keeps = GENERATE(true, false);
  Numbers numbers;
  auto& other = numbers.new_log(2);
  Leasing leases(keeps);
  RecordedStore store_a(leases, numbers.log), store_b(leases, other);
  const CacheOptions options{.single_flight = SingleFlight::cluster};
  std::function<void()> during;
  RenderCache a(NumberRenderer{&numbers.log, [&](const WikiKey&) { during(); }}, Freezable{}, store_a, options);
  std::atomic<bool> rendered = false;
  RenderCache b(NumberRenderer{&other, [&](const WikiKey&) { rendered = true; }}, Freezable{}, store_b, options);
  std::future<void> second;
  during = [&] {
    second = std::async(std::launch::async, [&] { numbers.read(other, b, 0); });
    while (leases.asked < 3 && !rendered) std::this_thread::yield();
  };
  numbers.read(numbers.log, a, 0);
  second.get();
  if (keeps) {
    check_well(numbers);
  } else {
    check_found(numbers, "more than its holder rendered while a lease held",
                {Event::Kind::lease, Event::Kind::render, Event::Kind::render});
  }
}

TEST_CASE("history: a lease that is taken for truth is found", "[concurrent]") {
  /// Who has waited for a lease takes what is stored for what its holder has rendered.
  struct Trusting : WrappedStore<RecordedStore<Leasing>> {
    using WrappedStore::WrappedStore;
    bool trusts = false, waits = false;
    std::atomic<bool> has_waited = false;
    LeaseAnswer acquire_lease(const WikiKey& key, const Fingerprint& fingerprint, const std::string& owner,
                              std::chrono::milliseconds time) {
      const auto answer = WrappedStore::acquire_lease(key, fingerprint, owner, time);
      waits = answer == LeaseAnswer::held;
      return answer;
    }
    Lookup<WikiPage> lookup(const WikiKey& key, const Fingerprint& fingerprint) {
      auto found = WrappedStore::lookup(key, fingerprint);
      if (trusts && waits && found.stored) found = WrappedStore::lookup(key, *found.stored);
      if (waits) has_waited = true;
      return found;
    }
  };
  const bool trusts = GENERATE(false, true);
  Numbers numbers;
  auto& other = numbers.new_log(2);
  Leasing leases(true);
  RecordedStore store_a(leases, numbers.log), recorded_b(leases, other);
  Trusting store_b(recorded_b);
  store_b.trusts = trusts;
  const CacheOptions options{.single_flight = SingleFlight::cluster};
  std::function<void()> during = [] {};
  RenderCache a(NumberRenderer{&numbers.log, [&](const WikiKey&) { during(); }}, Freezable{}, store_a, options);
  RenderCache b(NumberRenderer{&other}, Freezable{}, store_b, options);
  numbers.read(numbers.log, a, 0);
  numbers.edit(numbers.log, 0);
  std::future<void> waiter;
  during = [&] {
    waiter = std::async(std::launch::async, [&] { numbers.read(other, b, 0); });
    wait_for(store_b.has_waited);
  };
  numbers.read(numbers.log, a, 0);
  waiter.get();
  if (trusts) {
    check_found(numbers, "a read returned what its source was not between its call and its return",
                {Event::Kind::edit, Event::Kind::edit, Event::Kind::hit});
  } else {
    check_well(numbers);
    CHECK(checked(numbers).renders == 2);
  }
}

TEST_CASE("history: what is owed and sent without being sampled again is found", "[concurrent]") {
  /// To a thread that is not the reader's, which is the one that pays, each source is what it was.
  struct SampledOnce {
    bool forgets;
    std::thread::id reader = std::this_thread::get_id();
    Fingerprint components(const Kept& source) const {
      return Fingerprint().add("source", forgets && std::this_thread::get_id() != reader ? 0 : source->load());
    }
    Frozen<long> freeze(const Kept& source) const { return Freezable().freeze(source.get()); }
  };
  struct Unreachable : WrappedStore<RecordedStore<SharedStore>> {
    using WrappedStore::WrappedStore;
    std::atomic<bool> away = true;
    Lookup<WikiPage> lookup(const WikiKey& key, const Fingerprint& fingerprint) {
      if (away) throw StoreUnavailable("it is away");
      return WrappedStore::lookup(key, fingerprint);
    }
    bool replace(const WikiKey& key, EntryPtr<WikiPage> entry, const Seen& seen) {
      if (away) throw StoreUnavailable("it is away");
      return WrappedStore::replace(key, std::move(entry), seen);
    }
  };
  const bool forgets = GENERATE(false, true);
  Numbers numbers;
  auto& other = numbers.new_log(2);
  SharedStore shared;
  RecordedStore recorded_a(shared, numbers.log), store_b(shared, other);
  Unreachable store_a(recorded_a);
  RenderCache a(NumberRenderer{&numbers.log}, SampledOnce{forgets}, store_a, {.store_pause = 0ms});
  RenderCache b(NumberRenderer{&other}, Freezable{}, store_b);
  const Kept source(std::shared_ptr<void>(), &numbers.sources[0]);
  numbers.log.read(name_of(0), [&] { return a.get(key_of(0), source); });
  numbers.edit(numbers.log, 0);
  numbers.read(other, b, 0);
  store_a.away = false;
  const auto end = std::chrono::steady_clock::now() + 1min;
  while (a.stats().owed > 0 && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(1ms);
  if (forgets) {
    CHECK(a.stats().owed_stored == 1);
    check_found(numbers, "what was stored was replaced by what was rendered of an earlier state",
                {Event::Kind::edit, Event::Kind::edit, Event::Kind::publish, Event::Kind::publish}, {.keeps = false});
  } else {
    CHECK(a.stats().owed_dropped == 1);
    check_well(numbers, {.keeps = false});
  }
}

TEST_CASE("history: a second look-up that is forgotten is found", "[concurrent]") {
  /// Another call renders and stores the page between a call's look-up and its flight, whose own look-up is left out.
  struct Forgetful : WrappedStore<RecordedStore<SharedStore>> {
    using WrappedStore::WrappedStore;
    bool forgets = false;
    int lookups = 0;
    std::function<void()> between = [] {};
    Lookup<WikiPage> lookup(const WikiKey& key, const Fingerprint& fingerprint) {
      auto found = WrappedStore::lookup(key, fingerprint);
      const int number = ++lookups;
      if (number == 1) between();
      if (number == 3 && forgets) found = {};
      return found;
    }
  };
  const bool forgets = GENERATE(false, true);
  Numbers numbers;
  auto& log = numbers.new_log(1);
  SharedStore shared;
  RecordedStore recorded(shared, numbers.log);
  Forgetful store(recorded);
  store.forgets = forgets;
  RenderCache cache(NumberRenderer{&numbers.log}, Freezable{}, store);
  store.between = [&] { std::async(std::launch::async, [&] { numbers.read(log, cache, 0); }).get(); };
  numbers.read(numbers.log, cache, 0);
  CHECK(store.lookups >= 3);
  if (forgets) {
    check_found(numbers, "what the store held was rendered", {Event::Kind::missed, Event::Kind::publish});
  } else {
    check_well(numbers);
  }
}

TEST_CASE("history: what a file says is what was written, but for a line that was not written to its end") {
  const test::TemporaryDirectory directory;
  const std::string path = directory / "process";
  const std::string key = "a page, 100 % with blanks\n", odd = "source=%7c|\xc3\xa4";
  const auto write = [&](Log& log) {
    log.edit(key, "");
    log.edit(key, odd);
    log.add(Event::Kind::hit, key, odd, Log::now(), Log::now(), "another");
    log.add(Event::Kind::change, "", "", 1, 2);
  };
  Log in_memory, in_file(path);
  write(in_memory);
  write(in_file);
  History expected, read;
  expected.add(in_memory);
  std::ofstream(path, std::ios::app) << "hit 1 1 17";
  std::ifstream file(path);
  read.read(file);
  REQUIRE(read.events().size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto &a = expected.events()[i], &b = read.events()[i];
    CHECK(a.kind == b.kind);
    CHECK(a.process == b.process);
    CHECK(a.thread == b.thread);
    CHECK(expected.text(a.key) == read.text(b.key));
    CHECK(expected.text(a.state) == read.text(b.state));
    CHECK(expected.text(a.says) == read.text(b.says));
  }
  const auto verdict = check(read);
  CHECK(verdict.offences == 1);
  CHECK(verdict.promise == "a value is not what its fingerprint says");
  for (const std::string line : {"hit 1 1 1 2 key state", "hit 1 1 1 2 key state says more", "hits 1 1 1 2 key state says",
                                 "hit 1 1 one 2 key state says", "hit 1 1 1 2 key %zz says", "", "hit 1 1 1 2  state says"}) {
    std::istringstream broken(line + "\n");
    CHECK_THROWS_WITH(History().read(broken), ContainsSubstring("line 1 of the history is none"));
  }
}

TEST_CASE("history: of all that is wrong the shortest is told, as text and as a picture") {
  Log log(7);
  const auto add = [&](Event::Kind kind, const char* state, std::int64_t call, std::int64_t end) {
    log.add(kind, "a<b", state, call, end);
  };
  add(Event::Kind::edit, "1", 1000, 1000);
  add(Event::Kind::hit, "1", 1500, 1600);
  add(Event::Kind::edit, "2", 2000, 2500);
  add(Event::Kind::hit, "1", 2400, 2600);  // the edit may not have happened yet
  add(Event::Kind::hit, "1", 9000, 9100);
  add(Event::Kind::hit, "1", 3000, 4000);
  add(Event::Kind::hit, "2", 1900, 1999);  // too early, and shorter
  auto history = test::merged({&log});
  const auto verdict = check(history);
  CHECK(verdict.offences == 3);
  CHECK(verdict.text() ==
        "a read returned what its source was not between its call and its return (3 in 5 reads):\n"
        "  0.0 to 0.1 us: process 7 hit a<b, 2\n"
        "  0.1 to 0.6 us: process 7 edit a<b, 2\n");
  const auto svg = verdict.svg();
  CHECK_THAT(svg, ContainsSubstring("<svg"));
  CHECK_THAT(svg, ContainsSubstring("process 7 hit a&lt;b, 2"));
  CHECK_THAT(svg, ContainsSubstring("<rect x='180' y='90' width='80'"));
}

TEST_CASE("history: a state that comes back is one that the source had, each time") {
  Log log;
  log.add(Event::Kind::edit, "a", "1", 10, 20);
  log.add(Event::Kind::edit, "a", "2", 30, 40);
  log.add(Event::Kind::edit, "a", "1", 50, 60);
  log.add(Event::Kind::edit, "a", "3", 55, 70);  // at the same time: either may be the later one
  log.add(Event::Kind::hit, "a", "1", 41, 49);
  log.add(Event::Kind::hit, "a", "1", 100, 110);
  log.add(Event::Kind::hit, "a", "3", 100, 110);
  log.add(Event::Kind::hit, "a", "2", 61, 65);
  auto history = test::merged({&log});
  CHECK(check(history).offences == 2);  // the first and the last
}

}  // namespace history_tests
