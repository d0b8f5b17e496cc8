#include "laws/two_nodes.hpp"

#include <render_cache/store/memory.hpp>
#include <render_cache/store/sqlite.hpp>
#include <render_cache/store/tiered.hpp>

#include "support/sqlite_wiki.hpp"

namespace two_nodes_laws {

using namespace render_cache;

namespace {

struct Sqlite {
  test::SqliteWiki wiki{};
  test::WikiStore one{wiki.options()}, other{wiki.options()};
};

RENDER_CACHE_TWO_NODES_STORY(Sqlite)

}  // namespace

TEST_CASE("two nodes: what is refused stays near, for those who ask for that state") {
  using Memory = MemoryStore<WikiSchema>;
  test::SqliteWiki wiki;
  test::WikiStore far(wiki.options()), other(wiki.options());
  Memory near;
  TieredStore store(near, far);
  laws::Numbering renderer;
  RenderCache one(renderer, archetype::MinimalHasher{}, store);
  RenderCache another(laws::Numbering{}, archetype::MinimalHasher{}, other);
  const WikiKey key{"docs", "a.md"};
  const std::string text = "1", newer = "2";
  *renderer.during = [&] { another.get(key, newer); };
  CHECK_FALSE(one.get(key, text).stored);
  CHECK(one.get(key, text).origin == Origin::near);
  CHECK(another.get(key, newer).hit());
  CHECK(one.get(key, newer).hit());
  CHECK(one.stats().publish_conflicts == 1);
}

TEST_CASE("two nodes: a store that cannot compare takes what is published last, alone and behind a near one") {
  using archetype::MinimalStore;
  using Tiered = TieredStore<MemoryStore<WikiSchema>, MinimalStore>;
  static_assert(!HasReplace<MinimalStore> && !HasReplace<Tiered> && HasReplace<test::WikiStore>);
  MinimalStore far;
  MemoryStore<WikiSchema> near;
  Tiered tiered(near, far);
  const auto check = [&](auto& store) {
    laws::Numbering renderer;
    RenderCache one(renderer, archetype::MinimalHasher{}, store);
    RenderCache other(laws::Numbering{}, archetype::MinimalHasher{}, far);
    const WikiKey key{"docs", "a.md"};
    const std::string text = "1", newer = "2";
    *renderer.during = [&] { other.get(key, newer); };
    CHECK(one.get(key, text).stored);
    CHECK(other.get(key, text).hit());
    CHECK(one.stats().published == 1);
    far.erase(key);
    near.erase(key);
  };
  check(far);
  check(tiered);
}

}  // namespace two_nodes_laws
