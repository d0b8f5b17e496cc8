// What two processes promise each other that share a store which replaces what was seen alone: of two states of a source the older one
// never takes the place of the newer one. As tests that run against every such store.
//
// A model has `one` and `other`: two stores of the WikiSchema on the same place.
#pragma once

#include <render_cache/cache.hpp>
#include <render_cache/wiki.hpp>

#include "support/archetypes.hpp"
#include "support/catch.hpp"

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <semaphore>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache::laws {

/// A store with a hook before each operation that the tests interrupt.
template <class Inner>
struct Hooked {
  using key_type = WikiKey;
  using value_type = WikiPage;
  Inner& inner;
  std::function<void()> before_lookup = [] {}, before_replace = [] {};
  int lookups = 0, replaces = 0;

  Lookup<WikiPage> lookup(const WikiKey& key, const Fingerprint& fingerprint) {
    ++lookups;
    before_lookup();
    return inner.lookup(key, fingerprint);
  }
  std::vector<Lookup<WikiPage>> lookup_many(std::span<const Query<WikiKey>> queries) {
    ++lookups;
    before_lookup();
    return inner.lookup_many(queries);
  }
  void publish(const WikiKey& key, EntryPtr<WikiPage> entry) { inner.publish(key, std::move(entry)); }
  bool replace(const WikiKey& key, EntryPtr<WikiPage> entry, const Seen& seen) {
    ++replaces;
    before_replace();
    return inner.replace(key, std::move(entry), seen);
  }
  bool erase(const WikiKey& key) { return inner.erase(key); }
  std::size_t erase_group(const std::string& group) { return inner.erase_group(group); }
  PruneReport prune(const KeepPredicate<WikiKey>& keep, const PruneOptions& options) { return inner.prune(keep, options); }
};

/// A text that lives elsewhere, and is sampled before and after.
struct Live {
  static constexpr bool source_can_move = true;
  std::shared_ptr<std::function<void()>> sampled = std::make_shared<std::function<void()>>([] {});
  Fingerprint components(const std::string* source) const {
    Fingerprint now = std::move(Fingerprint().add("source", *source));
    (*sampled)();
    return now;
  }
};

/// Each render tells its number.
struct Numbering {
  std::shared_ptr<int> renders = std::make_shared<int>(0);
  std::shared_ptr<std::function<void()>> during = std::make_shared<std::function<void()>>([] {});

  std::string_view version() const { return "numbering/1"; }
  WikiPage render(const WikiKey&, const std::string& source) const {
    const int number = ++*renders;
    (*during)();
    return {source + " #" + std::to_string(number), {"{}"}};
  }
  WikiPage render(const WikiKey& key, const std::string* source) const { return render(key, *source); }
};

/// One process: a cache of texts in the caller's hands, one of texts that live elsewhere.
template <class Store>
struct Node {
  using Texts = archetype::MinimalHasher;
  Hooked<Store> store;
  Numbering renderer{};
  RenderCache<Numbering, Texts, Hooked<Store>> texts{renderer, Texts{}, store};
  Live hasher{};
  RenderCache<Numbering, Live, Hooked<Store>> live{renderer, hasher, store};

  explicit Node(Store& inner) : store{inner} {}
};

template <class Model>
void two_nodes_story() {
  Model model;
  Node one(model.one), other(model.other);
  const WikiKey key{"docs", "a.md"};
  const auto once = [](std::function<void()>& hook, std::function<void()> step) {
    hook = [&hook, step = std::move(step)] {
      const auto now = step;
      hook = [] {};  // destroys what runs
      now();
    };
  };
  /// What a third process finds.
  const auto stored = [&](const std::string& text) {
    const auto found = other.texts.find(key, other.texts.fingerprint(text));
    return found ? found->rendered_html : to_string(found.miss) == "absent" ? "nothing" : "something else";
  };
  const auto get = [&](Node<std::remove_reference_t<decltype(model.one)>>& node, std::string text) {
    return node.texts.get(key, text);
  };
  using Wishes = std::vector<Wanted<WikiKey, std::string>>;

  SECTION("a miss asks twice: it looks, and replaces what it saw") {
    for (const std::string text : {"1", "2"}) {  // where nothing is, and where something is
      one.store.lookups = one.store.replaces = 0;
      CHECK(get(one, text).stored);
      CHECK(one.store.lookups == 1);
      CHECK(one.store.replaces == 1);
    }
    one.store.lookups = one.store.replaces = 0;
    CHECK(one.texts.get_many(Wishes{{key, "3"}}).front().outcome().stored);
    CHECK(one.store.lookups == 1);
    CHECK(one.store.replaces == 1);
    one.store.lookups = one.store.replaces = 0;
    CHECK(one.texts.refresh(key, std::string("3")).stored);
    CHECK(one.store.lookups == 1);
    CHECK(one.store.replaces == 1);
    CHECK(one.texts.stats().published == 4);
    CHECK(one.texts.stats().publish_conflicts == 0);
  }

  SECTION("a slow render does not replace what another process has stored meanwhile") {
    const bool there = GENERATE(false, true);
    const auto way = GENERATE(0, 1, 2);
    if (there) get(other, "0");
    once(*one.renderer.during, [&] { get(other, "2"); });
    const std::string text = "1";
    const auto slow = way == 0   ? one.texts.get(key, text)
                      : way == 1 ? one.texts.refresh(key, text)
                                 : one.texts.get_many(Wishes{{key, text}}).front().outcome();
    CHECK(slow->rendered_html == "1 #1");
    CHECK_FALSE(slow.stored);
    CHECK(slow.detail ==
          "another process has stored another state, and this source cannot be sampled again to tell which is newer");
    CHECK(stored("2") == (there ? "2 #2" : "2 #1"));
    CHECK(one.texts.stats().publish_conflicts == 1);
    CHECK(one.texts.stats().published == 0);
    CHECK(get(one, "2").hit());
  }

  SECTION("a process that is paused before it publishes replaces nothing newer") {
    std::string source = "1";
    once(one.store.before_replace, [&] {
      source = "2";
      CHECK(other.live.get(key, &source).stored);
    });
    const auto slow = one.live.get(key, &source);
    CHECK(slow->rendered_html == "1 #1");
    CHECK_FALSE(slow.stored);
    CHECK(slow.detail == "another state has been stored, and the source moved while it was rendered: source");
    CHECK(stored("2") == "2 #1");
    CHECK(one.live.stats().publish_conflicts == 1);
    CHECK(one.live.stats().moved == 0);
    CHECK(one.live.get(key, &source).hit());
  }

  SECTION("a source that has changed back is what was rendered, and replaces what was stored in between") {
    std::string source = "1";
    once(one.store.before_replace, [&] {
      source = "2";
      other.live.get(key, &source);
      source = "1";
    });
    const auto slow = one.live.get(key, &source);
    CHECK(slow.stored);
    CHECK(slow.detail.empty());
    CHECK(stored("1") == "1 #1");
    CHECK(one.live.stats().publish_conflicts == 0);
    CHECK(one.live.stats().published == 1);
  }

  SECTION("where others store all the time it is given up") {
    std::string source = "1";
    one.store.before_replace = [&, state = 1]() mutable {
      source = std::to_string(++state);
      other.live.get(key, &source);
      source = "1";
    };
    const auto slow = one.live.get(key, &source);
    CHECK_FALSE(slow.stored);
    CHECK(slow.detail == "other processes store other states all the time");
    CHECK(one.store.replaces == 2);
    CHECK(stored("3") == "3 #2");
    CHECK(one.live.stats().publish_conflicts == 1);
  }

  SECTION("two processes that render the same store it once") {
    once(*one.renderer.during, [&] { get(other, "1"); });
    const auto slow = get(one, "1");
    CHECK(slow.stored);
    CHECK(slow.detail.empty());
    CHECK(one.store.replaces == 1);
    CHECK(one.texts.stats().published == 0);
    CHECK(one.texts.stats().publish_conflicts == 0);
    CHECK(stored("1") == "1 #1");
  }

  SECTION("a refresh replaces what another process has rendered of the same source") {
    get(other, "1");
    once(*one.renderer.during, [&] { other.texts.refresh(key, std::string("1")); });
    const auto forced = one.texts.refresh(key, std::string("1"));
    CHECK(forced.stored);
    CHECK(one.store.replaces == 2);
    CHECK(get(other, "1").entry->value == forced.entry->value);
  }

  SECTION("what another process has erased while it was rendered does not come back") {
    get(other, "0");
    once(*one.renderer.during, [&] { CHECK(other.texts.erase(key)); });
    std::string source = "1";
    const auto slow = one.live.get(key, &source);
    CHECK_FALSE(slow.stored);
    CHECK(slow.detail == "what was stored before has been erased while it was rendered");
    CHECK(stored("1") == "nothing");
    CHECK(one.live.stats().publish_conflicts == 1);
  }

  SECTION("a look-up that has failed is made up for before it is published") {
    const auto fail_once = [&] { once(one.store.before_lookup, [] { throw StoreError("too slow"); }); };
    std::string source = "1";
    fail_once();
    CHECK(one.live.get(key, &source).miss == Miss::store_failed);
    CHECK(stored("1") == "1 #1");  // nothing was there

    source = "2";
    fail_once();
    CHECK(one.live.get(key, &source).stored);  // the older state was, and the source still is what was rendered
    CHECK(stored("2") == "2 #2");

    fail_once();
    once(*one.renderer.during, [&] { get(other, "3"); });
    CHECK_FALSE(get(one, "2").stored);  // nobody knows which is newer
    CHECK(stored("3") == "3 #1");
    CHECK(one.texts.stats().publish_conflicts == 1);

    fail_once();
    CHECK(get(one, "3").stored);  // it is there
    CHECK(stored("3") == "3 #1");
    CHECK(one.texts.stats().published == 0);

    one.store.before_lookup = [] { throw StoreError("too slow"); };
    const auto failed = get(one, "4");
    CHECK_FALSE(failed.stored);
    CHECK_THAT(failed.detail, ContainsSubstring("too slow"));
    CHECK(one.texts.stats().publish_conflicts == 1);
  }

  SECTION("of one process the call that came later replaces what the earlier one has stored") {
    std::binary_semaphore rendering(0), go(0);
    std::atomic<int> renders = 0;
    std::future<Outcome<WikiPage>> earlier;
    *one.renderer.during = [&] {
      if (++renders == 1) {
        rendering.release();
        go.acquire();
      } else {
        go.release();
        earlier.wait();
      }
    };
    earlier = std::async(std::launch::async, [&] { return get(one, "1"); });
    rendering.acquire();
    const auto later = get(one, "2");
    CHECK(earlier.get().stored);
    CHECK(later.stored);
    CHECK(stored("2") == "2 #2");
    CHECK(one.texts.stats().publish_conflicts == 0);
  }

  SECTION("of one process an earlier call may bring the newer state") {
    const std::string first = "1", second = "2";
    std::binary_semaphore rendering(0), go(0);
    std::future<Outcome<WikiPage>> earlier;
    std::atomic<int> renders = 0;
    std::string source = first;
    *one.renderer.during = [&] {
      if (++renders == 1) {
        rendering.release();
        go.acquire();
      } else {
        // When the later call has sampled the second time, the source changes back, and the earlier one goes on.
        *one.hasher.sampled = [&] {
          if (++renders != 3) return;
          source = first;
          go.release();
          earlier.wait();
        };
      }
    };
    earlier = std::async(std::launch::async, [&] { return one.live.get(key, &source); });
    rendering.acquire();
    source = second;
    const auto later = one.live.get(key, &source);
    CHECK(earlier.get().stored);
    CHECK_FALSE(later.stored);
    CHECK(stored("1") == "1 #1");
    CHECK(one.live.stats().publish_conflicts == 1);
  }
}

}  // namespace render_cache::laws

#define RENDER_CACHE_TWO_NODES_STORY(Model) \
  TEST_CASE("two nodes: " #Model, "[concurrent]") { render_cache::laws::two_nodes_story<Model>(); }
