#include <render_cache/store/replica.hpp>

#include "support/archetypes.hpp"
#include "support/catch.hpp"

#include <render_cache/laws/wrapped_store.hpp>
#include <render_cache/store/memory.hpp>
#include <render_cache/store/tiered.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace replica_tests {

using namespace render_cache;
using namespace std::chrono_literals;
using archetype::CountingRenderer;
using archetype::MinimalHasher;
using archetype::SharedStore;
using laws::WrappedStore;

namespace {

const WikiKey key{"docs", "a.md"}, other{"docs", "b.md"}, stranger{"notes", "a.md"};

Fingerprint fingerprint(const std::string& source) { return std::move(Fingerprint().add("source", source)); }
EntryPtr<WikiPage> page(const std::string& source, const std::string& html = "html") {
  return std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{html, {"{}"}}, fingerprint(source)});
}

/// Takes down what it is asked, and may fail.
struct Copy : SharedStore {
  bool away = false;
  std::vector<std::string> asked{};

  void ask(std::string what) {
    const std::lock_guard lock(mutex_);
    asked.push_back(std::move(what));
    if (away) throw StoreUnavailable("it is away");
  }
  Lookup<WikiPage> lookup(const WikiKey& of, const Fingerprint& now) {
    ask("lookup " + of.page_path);
    return SharedStore::lookup(of, now);
  }
  std::vector<Lookup<WikiPage>> lookup_many(std::span<const Query<WikiKey>> queries) {
    std::string what = "lookup_many";
    for (const auto& query : queries) what += " " + query.key.page_path;
    ask(what);
    std::vector<Lookup<WikiPage>> found;
    for (const auto& query : queries) found.push_back(SharedStore::lookup(query.key, query.fingerprint));
    return found;
  }
  void publish_many(std::span<const std::pair<WikiKey, EntryPtr<WikiPage>>> entries) {
    for (const auto& [of, entry] : entries) publish(of, entry);
  }
  std::optional<Aged<WikiPage>> lookup_stale(const WikiKey& of) {
    ask("lookup_stale " + of.page_path);
    return std::nullopt;
  }
  std::vector<std::string> take_asked() { return std::exchange(asked, {}); }
};
using Asked = std::vector<std::string>;

struct Copies {
  Copy replica{}, primary{};
  ReplicaStore<Copy, Copy> store;
  explicit Copies(const ReplicaOptions& options = {}) : store(replica, primary, options) {}
};

}  // namespace

TEST_CASE("what the replica has is not asked of the primary, and what it lacks is") {
  Copies copies;
  copies.replica.publish(key, page("x"));
  CHECK(copies.store.lookup(key, fingerprint("x")).entry);
  CHECK(copies.primary.take_asked().empty());
  copies.primary.publish(key, page("y"));
  CHECK(copies.store.lookup(key, fingerprint("y")).entry);
  CHECK(copies.primary.take_asked() == Asked{"lookup a.md"});
  const auto missed = copies.store.lookup(key, fingerprint("z"));
  CHECK(missed.seen.text == fingerprint("y").text());
  CHECK_FALSE(missed.behind);
  CHECK(copies.store.stats().hits == 1);
  CHECK(copies.store.stats().misses == 2);
}

TEST_CASE("a batch asks the replica for all, and the primary in one round trip for what that lacks") {
  Copies copies;
  copies.replica.publish(other, page("x"));
  copies.primary.publish(key, page("y"));
  const std::vector<Query<WikiKey>> queries{
      {key, fingerprint("x")}, {other, fingerprint("x")}, {key, fingerprint("y")}, {stranger, fingerprint("x")}};
  const auto check_answers = [&] {
    const auto found = copies.store.lookup_many(queries);
    REQUIRE(found.size() == 4);
    CHECK(found[0].stored == fingerprint("y"));
    CHECK(found[2].entry);
    CHECK_FALSE(found[3].entry);
    return bool(found[1].entry);
  };
  CHECK(check_answers());
  CHECK(copies.replica.take_asked() == Asked{"lookup_many a.md b.md a.md a.md"});
  CHECK(copies.primary.take_asked() == Asked{"lookup_many a.md a.md a.md"});
  copies.store.erase(key);
  copies.primary.publish(key, page("y"));
  copies.primary.publish(other, page("x"));
  CHECK(check_answers());  // of which other keys are asked for at the primary, too, is chance
  copies.replica.take_asked(), copies.primary.take_asked();
  const std::vector<Query<WikiKey>> changed{{key, fingerprint("x")}, {key, fingerprint("y")}};
  CHECK(copies.store.lookup_many(changed)[1].entry);
  CHECK(copies.replica.take_asked().empty());
  CHECK(copies.primary.take_asked() == Asked{"lookup_many a.md a.md"});
  CHECK(copies.store.lookup_many({}).empty());
  CHECK(copies.primary.take_asked().empty());
}

TEST_CASE("a batch that the replica fails is the primary's") {
  Copies copies;
  copies.replica.away = true;
  copies.primary.publish(key, page("x"));
  const std::vector<Query<WikiKey>> queries{{key, fingerprint("x")}, {other, fingerprint("x")}};
  const auto found = copies.store.lookup_many(queries);
  REQUIRE(found.size() == 2);
  CHECK(found[0].entry);
  CHECK_FALSE(found[1].entry);
  CHECK(copies.primary.take_asked() == Asked{"lookup_many a.md b.md"});
}

TEST_CASE("a replica that fails is left alone for a while, and the cache does not hear of it") {
  Copies copies({.pause = 1h});
  copies.replica.away = true;
  const CountingRenderer renderer;
  RenderCache cache(renderer, MinimalHasher{}, copies.store);
  for (int i = 0; i < 5; ++i) CHECK(cache.get(key, std::string("x")).value()->rendered_html == "<p>x</p>");
  CHECK(copies.replica.asked.size() == 1);
  CHECK(renderer.state->renders == 1);
  CHECK(cache.stats().hits == 4);
  CHECK(cache.stats().store_available);
  CHECK(cache.stats().store_unavailable == 0);
  CHECK(copies.store.stats().failures == 1);
  CHECK_FALSE(copies.store.stats().available);
}

TEST_CASE("a replica that is back is asked again") {
  Copies copies({.pause = 0ms});
  copies.replica.publish(key, page("x"));
  copies.replica.away = true;
  CHECK_FALSE(copies.store.lookup(key, fingerprint("x")).entry);
  copies.replica.away = false;
  CHECK(copies.store.lookup(key, fingerprint("x")).entry);
  CHECK(copies.store.stats().available);
}

TEST_CASE("what a replica refuses the caller is told") {
  struct Refusing : Copy {
    Lookup<WikiPage> lookup(const WikiKey&, const Fingerprint&) { throw InvalidKey("no key"); }
  } replica;
  Copy primary;
  ReplicaStore store(replica, primary);
  CHECK_THROWS_AS(store.lookup(key, fingerprint("x")), InvalidKey);
  CHECK(store.stats().available);
}

TEST_CASE("a primary that is away is away, but for what the replica has") {
  Copies copies;
  copies.replica.publish(key, page("x"));
  copies.primary.away = true;
  CHECK(copies.store.lookup(key, fingerprint("x")).entry);
  CHECK_THROWS_AS(copies.store.lookup(key, fingerprint("y")), StoreUnavailable);
  CHECK_THROWS_AS(copies.store.lookup_latest(key, fingerprint("x")), StoreUnavailable);
  CHECK_THROWS_AS(copies.store.lookup_stale(key), StoreUnavailable);
}

TEST_CASE("what was changed by this process the primary answers for, until the replica must have heard of it") {
  const auto max_lag = GENERATE(0ms, std::chrono::milliseconds(1h));
  Copies copies({.max_lag = max_lag});
  for (const auto& each : {key, other, stranger}) {
    copies.replica.publish(each, page("x"));
    copies.primary.publish(each, page("x"));
  }
  const auto finds = [&](const WikiKey& of) { return bool(copies.store.lookup(of, fingerprint("x")).entry); };
  SECTION("an erase") {
    copies.store.erase(key);
    CHECK(finds(key) == (max_lag == 0ms));
    CHECK(finds(other));
  }
  SECTION("an erase that fails, and may have happened") {
    struct LosesAnswers : WrappedStore<Copy> {
      using WrappedStore::WrappedStore;
      bool erase(const WikiKey& of) {
        WrappedStore::erase(of);
        throw StoreUnavailable("the answer was lost");
      }
    } primary(copies.primary);
    ReplicaStore store(copies.replica, primary, {.max_lag = max_lag});
    CHECK_THROWS_AS(store.erase(key), StoreUnavailable);
    CHECK(bool(store.lookup(key, fingerprint("x")).entry) == (max_lag == 0ms));
  }
  SECTION("an erase of a group") {
    copies.store.erase_group("docs");
    CHECK(finds(key) == (max_lag == 0ms));
    CHECK(finds(other) == (max_lag == 0ms));
    CHECK(finds(stranger));
  }
  SECTION("a publish of another value of the same state") {
    copies.store.publish(key, page("x", "newer"));
    CHECK(copies.store.lookup(key, fingerprint("x")).entry->value.rendered_html == (max_lag == 0ms ? "html" : "newer"));
  }
  SECTION("a publish of many") {
    const std::vector<std::pair<WikiKey, EntryPtr<WikiPage>>> entries{{key, page("x", "newer")}};
    copies.store.publish_many(entries);
    CHECK(copies.store.lookup(key, fingerprint("x")).entry->value.rendered_html == (max_lag == 0ms ? "html" : "newer"));
  }
  SECTION("a replace") {
    CHECK(copies.store.replace(key, page("x", "newer"), Seen{fingerprint("x").text(), {}}));
    CHECK(copies.store.lookup(key, fingerprint("x")).entry->value.rendered_html == (max_lag == 0ms ? "html" : "newer"));
  }
}

TEST_CASE("what is erased does not come near again from a replica that has not heard of it") {
  Copies copies;
  MemoryStore<WikiSchema> near;
  TieredStore tiers(near, copies.store);
  copies.replica.publish(key, page("x"));
  copies.primary.publish(key, page("x"));
  CHECK(tiers.lookup(key, fingerprint("x")).entry);
  tiers.erase(key);
  CHECK_FALSE(tiers.lookup(key, fingerprint("x")).entry);
  CHECK_FALSE(near.lookup(key, fingerprint("x")).entry);
}

TEST_CASE("what the replica lacks is asked of the primary before it is rendered, whatever a look-up asks") {
  const bool ask_primary = GENERATE(true, false);
  Copies copies({.ask_primary = ask_primary});
  MemoryStore<WikiSchema> near;
  TieredStore tiers(near, copies.store);
  const CountingRenderer renderer;
  RenderCache cache(renderer, MinimalHasher{}, tiers);
  {
    RenderCache elsewhere(renderer, MinimalHasher{}, copies.primary);
    elsewhere.get(key, std::string("x"));
    elsewhere.get(other, std::string("old"));
  }
  copies.primary.take_asked();

  const auto found = cache.find(key, cache.fingerprint(std::string("x")));
  CHECK(bool(found) == ask_primary);
  near.erase(key);
  const auto read = cache.get(key, std::string("x"));
  CHECK(read.origin == Origin::store);
  CHECK(renderer.state->renders == 2);
  CHECK(near.lookup(key, cache.fingerprint(std::string("x"))).entry);

  copies.primary.take_asked();
  CHECK(cache.get(other, std::string("new")).stored);
  CHECK(copies.primary.take_asked() == Asked{"lookup b.md"});
  CHECK(renderer.state->renders == 3);
  CHECK(cache.stats().publish_conflicts == 0);
}

TEST_CASE("what the replica has not heard of keeps no render from being stored") {
  Copies copies({.ask_primary = false});
  const CountingRenderer renderer;
  RenderCache cache(renderer, MinimalHasher{}, copies.store, {.store_pause = 0ms});
  SECTION("a newer entry, at a refresh") {
    copies.replica.publish(key, page("old"));
    copies.primary.publish(key, page("newer"));
    CHECK(cache.refresh(key, std::string("x")).stored);
  }
  SECTION("an erase, though the primary is away as it is asked before the render") {
    copies.replica.publish(key, page("old"));
    copies.primary.away = true;
    renderer.state->during = [&](const WikiKey&, const std::string&) { copies.primary.away = false; };
    CHECK(cache.get(key, std::string("x")).stored);
  }
  CHECK(copies.primary.lookup(key, cache.fingerprint(std::string("x"))).entry);
  CHECK(cache.stats().publish_conflicts == 0);
}

TEST_CASE("a batch of what the replica lacks renders what the primary lacks alone, whatever a look-up asks") {
  const bool ask_primary = GENERATE(true, false);
  Copies copies({.ask_primary = ask_primary});
  const CountingRenderer renderer;
  RenderCache cache(renderer, MinimalHasher{}, copies.store);
  RenderCache elsewhere(renderer, MinimalHasher{}, copies.primary);
  elsewhere.get(key, std::string("x"));
  const std::vector<Wanted<WikiKey, std::string>> wanted{{key, "x"}, {other, "x"}};
  for (const auto& answer : cache.get_many(wanted)) CHECK(answer.outcome());
  CHECK(renderer.state->renders == 2);
}

TEST_CASE("readers that wait for one flight ask the primary once, where look-ups do not") {
  Copies copies({.ask_primary = false});
  CountingRenderer renderer;
  RenderCache cache(renderer, MinimalHasher{}, copies.store);
  std::promise<void> began, goes_on;
  renderer.state->during = [&](const WikiKey&, const std::string&) {
    began.set_value();
    goes_on.get_future().wait();
  };
  auto leader = std::async(std::launch::async, [&] { return cache.get(key, std::string("x")); });
  began.get_future().wait();
  std::vector<std::future<Outcome<WikiPage>>> readers;
  for (int i = 0; i < 4; ++i) readers.push_back(std::async(std::launch::async, [&] { return cache.get(key, std::string("x")); }));
  while (cache.stats().shared < 4) std::this_thread::yield();
  goes_on.set_value();
  CHECK(leader.get());
  for (auto& reader : readers) CHECK(reader.get().origin == Origin::flight);
  CHECK(copies.primary.take_asked() == Asked{"lookup a.md"});
  CHECK(renderer.state->renders == 1);
}

TEST_CASE("who waits for another process's render asks the primary alone") {
  /// Another process has the lease until it has been asked for twice, and then its render is stored.
  struct Leasing : Copy {
    int asked_for = 0;
    LeaseAnswer acquire_lease(const WikiKey& of, const Fingerprint& now, const std::string&, std::chrono::milliseconds) {
      if (++asked_for < 3) return LeaseAnswer::held;
      publish(of, std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{"elsewhere", {"{}"}}, now}));
      return LeaseAnswer::held;
    }
    void renew_leases(std::span<const Query<WikiKey>>, const std::string&, std::chrono::milliseconds) {}
    void release_lease(const WikiKey&, const Fingerprint&, const std::string&) {}
  } primary;
  Copy replica;
  ReplicaStore store(replica, primary);
  const CountingRenderer renderer;
  RenderCache cache(renderer, MinimalHasher{}, store, {.single_flight = SingleFlight::cluster});
  CHECK(cache.get(key, std::string("x")).value()->rendered_html == "elsewhere");
  CHECK(renderer.state->renders == 0);
  CHECK(cache.stats().rendered_elsewhere == 1);
  CHECK(replica.asked == Asked{"lookup a.md"});
  CHECK(primary.asked == Asked{"lookup a.md", "lookup a.md", "lookup a.md", "lookup a.md"});
}

}  // namespace replica_tests
