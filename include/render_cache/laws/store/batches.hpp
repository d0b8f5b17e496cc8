// Batches answer as single calls do, and are published all or nothing.
#pragma once

#include <render_cache/laws/store/subject.hpp>

#include <string>
#include <utility>
#include <vector>

namespace render_cache::laws {

template <class Model>
void batch_laws() {
  Subject<Model> subject;
  auto& store = subject.store;
  using S = Subject<Model>;
  using K = typename S::K;
  using V = typename S::V;

  if constexpr (HasLookupMany<typename S::Store>) {
    SECTION("a batch answers every query in its order, repeats and misses included") {
      for (unsigned group = 1; group <= 20; ++group) subject.publish(sample_key<K>(group, group), group);
      std::vector<Query<K>> queries;
      for (const unsigned group : {3u, 90u, 1u, 3u, 20u, 2u}) {
        queries.push_back({sample_key<K>(group, group), sample_fingerprint(group == 2 ? 77 : group)});
      }
      const auto found = store.lookup_many(queries);
      REQUIRE(found.size() == queries.size());
      S::check_holds(found[0], sample<V>(3), 3);
      CHECK(found[1].entry == nullptr);
      CHECK(found[1].stored == std::nullopt);
      S::check_holds(found[2], sample<V>(1), 1);
      S::check_holds(found[3], sample<V>(3), 3);
      S::check_holds(found[4], sample<V>(20), 20);
      CHECK(found[5].entry == nullptr);
      if (Model::durable) REQUIRE(found[5].stored.has_value());
      if (found[5].stored) CHECK(found[5].stored->text() == sample_fingerprint(2).text());
    }

    SECTION("a key that repeats is answered for each fingerprint by itself") {
      const auto key = sample_key<K>(1, 1);
      subject.publish(key, 1);
      const std::vector<Query<K>> queries{{key, sample_fingerprint(2)}, {key, sample_fingerprint(1)}};
      const auto found = store.lookup_many(queries);
      REQUIRE(found.size() == 2);
      CHECK(found[0].entry == nullptr);
      S::check_holds(found[1], sample<V>(1), 1);
    }

    SECTION("a fingerprint that is no text is a miss, and keeps no other key from its answer") {
      const auto key = sample_key<K>(1, 1);
      const auto no_text = Fingerprint().add("source", "\xe9\xff");
      subject.publish(key, 1);
      const std::vector<Query<K>> queries{{key, no_text}, {key, sample_fingerprint(1)}, {sample_key<K>(2, 2), no_text}};
      const auto found = store.lookup_many(queries);
      REQUIRE(found.size() == 3);
      CHECK(found[0].entry == nullptr);
      S::check_holds(found[1], sample<V>(1), 1);
      CHECK(found[2].entry == nullptr);
      CHECK(store.lookup(key, no_text).entry == nullptr);
    }

    SECTION("an empty batch has an empty answer") { CHECK(store.lookup_many({}).empty()); }
  }

  if constexpr (HasPublishMany<typename S::Store>) {
    using Batch = std::vector<std::pair<K, EntryPtr<V>>>;

    SECTION("a batch publishes everything; of a key that repeats the last one is kept") {
      Batch batch;
      subject.publish(sample_key<K>(7, 7), 1);
      for (const unsigned group : {9u, 7u, 8u, 7u}) {
        batch.emplace_back(sample_key<K>(group, group), S::entry(static_cast<unsigned>(batch.size()) + 10));
      }
      store.publish_many(batch);
      subject.check_holds(sample_key<K>(9, 9), 10);
      subject.check_holds(sample_key<K>(8, 8), 12);
      subject.check_holds(sample_key<K>(7, 7), 13);
      CHECK(store.lookup(sample_key<K>(7, 7), sample_fingerprint(11)).entry == nullptr);
    }

    SECTION("an empty batch changes nothing") {
      subject.publish(sample_key<K>(1, 1), 1);
      store.publish_many(Batch{});
      subject.check_holds(sample_key<K>(1, 1), 1);
    }

    SECTION("a batch of a thousand is published as one") {
      Batch batch;
      for (unsigned group = 0; group < 1000; ++group) batch.emplace_back(sample_key<K>(group, group), S::entry(group));
      store.publish_many(batch);
      for (const unsigned group : {0u, 1u, 500u, 999u}) subject.check_holds(sample_key<K>(group, group), group);
    }

    SECTION("a batch with an entry that cannot be stored changes nothing") {
      V value = sample<V>(2);
      if (Model::durable && last_text(value) != nullptr) {
        *last_text(value) = std::string("a\0b", 3);
        subject.publish(sample_key<K>(1, 1), 1);
        const Batch batch{{sample_key<K>(1, 1), S::entry(3)}, {sample_key<K>(2, 2), S::entry(value, 2)}};
        CHECK_THROWS_AS(store.publish_many(batch), InvalidValue);
        subject.check_holds(sample_key<K>(1, 1), 1);
        subject.check_absent(sample_key<K>(2, 2), 2);
      }
    }
  }
}

}  // namespace render_cache::laws
