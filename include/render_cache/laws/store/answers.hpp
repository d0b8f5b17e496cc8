// What a store answers: the entry that was published last under the very fingerprint, or a miss that says why.
#pragma once

#include <render_cache/laws/store/subject.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace render_cache::laws {

template <class Model>
void answer_laws() {
  Subject<Model> subject;
  auto& store = subject.store;
  using S = Subject<Model>;
  using K = typename S::K;
  using V = typename S::V;
  const auto key = sample_key<K>(1, 1);

  SECTION("what was never published is a miss") {
    subject.check_absent(key, 1);
    CHECK_FALSE(store.erase(key));
    CHECK(store.erase_group(group_of(key)) == 0);
  }

  SECTION("what was published is found, whole") {
    for (unsigned number = 0; number < 12; ++number) {  // optionals come and go, bools change
      subject.publish(key, number);
      subject.check_holds(key, number);
    }
  }

  SECTION("an entry tells when it was rendered") {
    const auto before = std::chrono::system_clock::now();
    subject.publish(key, 1);
    const auto found = store.lookup(key, sample_fingerprint(1)).entry;
    if (Model::durable) REQUIRE(found != nullptr);
    if (found) {
      CHECK(found->rendered_at > before - std::chrono::minutes(1));  // by the store's own clock
      CHECK(found->rendered_at < before + std::chrono::minutes(1));
    }
  }

  SECTION("what a render took is kept, to the microsecond, or is unknown") {
    const auto took = std::chrono::nanoseconds(1'234'567'891);
    auto entry = *S::entry(1);
    entry.render_cost = took;
    store.publish(key, std::make_shared<const Entry<V>>(entry));
    const auto found = store.lookup(key, sample_fingerprint(1)).entry;
    if (Model::durable) REQUIRE(found != nullptr);
    if (found && found->render_cost) {
      CHECK(*found->render_cost <= took);
      CHECK(*found->render_cost > took - std::chrono::microseconds(1));
    }
    subject.publish(key, 1);  // of an unknown cost
    const auto unknown = store.lookup(key, sample_fingerprint(1)).entry;
    if (unknown) CHECK(unknown->render_cost == std::nullopt);
  }

  SECTION("a fingerprint that was taken from any text is found under that very text, or is refused") {
    for (const std::string text : {"a||b", "a|", "|", "||", "a||cost=1us|row=x3:0", "", "a"}) {
      subject.publish(key, 1);
      auto entry = *S::entry(2);
      entry.fingerprint = Fingerprint::from_text(text);
      try {
        store.publish(key, std::make_shared<const Entry<V>>(entry));
      } catch (const InvalidValue&) {
        subject.check_holds(key, 1);
        continue;
      }
      const auto found = store.lookup(key, entry.fingerprint);
      if (Model::durable) REQUIRE(found.entry != nullptr);
      if (found.entry) CHECK((found.entry->value == entry.value));
      for (const std::string other : {"a||b", "a|", "|", "||", "a||cost=1us|row=x3:0", "", "a"}) {
        if (other != text) CHECK(store.lookup(key, Fingerprint::from_text(other)).entry == nullptr);
      }
    }
  }

  SECTION("a fingerprint of hundreds of components is found, as one of a few is") {
    auto entry = *S::entry(1);
    const auto many = [](const std::string& last) {
      Fingerprint fingerprint;
      for (unsigned file = 0; file < 400; ++file) fingerprint.add("data/table" + std::to_string(file), std::string(100, 'f'));
      return fingerprint.add("last", last);
    };
    entry.fingerprint = many("a");
    store.publish(key, std::make_shared<const Entry<V>>(entry));
    const auto found = store.lookup(key, many("a")).entry;
    if (Model::durable) REQUIRE(found != nullptr);
    if (found) CHECK((found->value == entry.value));
    CHECK(store.lookup(key, many("b")).entry == nullptr);
  }

  SECTION("another fingerprint is a miss that tells the stored one") {
    subject.publish(key, 1);
    const auto found = store.lookup(key, sample_fingerprint(2));
    CHECK(found.entry == nullptr);
    CHECK(found.unreadable == "");
    if (Model::durable) REQUIRE(found.stored.has_value());
    if (found.stored) CHECK(found.stored->text() == sample_fingerprint(1).text());
  }

  SECTION("a fingerprint with more, fewer or reordered components is another one") {
    subject.publish(key, 1);
    CHECK(store.lookup(key, Fingerprint()).entry == nullptr);
    CHECK(store.lookup(key, Fingerprint().add("source", 1u)).entry == nullptr);
    CHECK(store.lookup(key, sample_fingerprint(1).add("more", 1)).entry == nullptr);
    CHECK(store.lookup(key, Fingerprint().add("renderer", "laws/1").add("source", 1u)).entry == nullptr);
  }

  SECTION("a publish replaces: the older entry is gone") {
    subject.publish(key, 1);
    subject.publish(key, 2);
    subject.check_holds(key, 2);
    CHECK(store.lookup(key, sample_fingerprint(1)).entry == nullptr);
  }

  SECTION("the same value under a new fingerprint is found under the new one only") {
    store.publish(key, S::entry(sample<V>(1), 1));
    store.publish(key, S::entry(sample<V>(1), 2));
    subject.check_holds(key, sample<V>(1), 2);
    CHECK(store.lookup(key, sample_fingerprint(1)).entry == nullptr);
  }

  SECTION("a new value under the same fingerprint replaces the old one") {
    store.publish(key, S::entry(sample<V>(1), 1));
    store.publish(key, S::entry(sample<V>(2), 1));
    subject.check_holds(key, sample<V>(2), 1);
  }

  SECTION("no key answers for another one") {
    const auto sibling = sample_key<K>(1, 2), stranger = sample_key<K>(2, 1);
    subject.publish(key, 1);
    if (!(sibling == key)) subject.check_absent(sibling, 1);
    subject.check_absent(stranger, 1);
    subject.publish(stranger, 2);
    subject.check_holds(key, 1);
    subject.check_holds(stranger, 2);
  }

  SECTION("after an erase every look-up misses, and only of that key") {
    const auto stranger = sample_key<K>(2, 1);
    subject.publish(key, 1);
    subject.publish(stranger, 2);
    const bool erased = store.erase(key);
    if (Model::durable) CHECK(erased);
    subject.check_absent(key, 1);
    subject.check_holds(stranger, 2);
    CHECK_FALSE(store.erase(key));
    subject.publish(key, 3);
    subject.check_holds(key, 3);
  }

  SECTION("erase_group removes that group and no other") {
    std::vector<K> group;
    for (unsigned number = 0; number < 5; ++number) {
      const auto member = sample_key<K>(1, number);
      if (group.empty() || !(member == group.back())) group.push_back(member);  // a key may be its group and no more
    }
    const auto stranger = sample_key<K>(2, 1);
    for (const auto& member : group) subject.publish(member, 1);
    subject.publish(stranger, 2);
    const auto erased = store.erase_group(group_of(key));
    CHECK(erased <= group.size());
    if (Model::durable) CHECK(erased == group.size());
    for (const auto& member : group) subject.check_absent(member, 1);
    subject.check_holds(stranger, 2);
    CHECK(store.erase_group(group_of(key)) == 0);
  }

  SECTION("an entry stays whole in its holder's hands after it was replaced and erased") {
    subject.publish(key, 1);
    const auto held = store.lookup(key, sample_fingerprint(1)).entry;
    subject.publish(key, 2);
    store.erase(key);
    if (held) CHECK((held->value == sample<V>(1)));
  }

  if constexpr (HasLookupLatest<typename S::Store>) {
    SECTION("lookup_latest answers as lookup does, and is never behind") {
      subject.publish(key, 1);
      subject.publish(key, 2);
      S::check_holds(store.lookup_latest(key, sample_fingerprint(2)), sample<V>(2), 2);
      const auto other = store.lookup_latest(key, sample_fingerprint(1));
      CHECK(other.entry == nullptr);
      CHECK_FALSE(other.behind);
      if (Model::durable) REQUIRE(other.stored.has_value());
      if (other.stored) CHECK(other.stored->text() == sample_fingerprint(2).text());
      store.erase(key);
      CHECK(store.lookup_latest(key, sample_fingerprint(2)).entry == nullptr);
    }
  }

  if constexpr (HasLookupStale<typename S::Store>) {
    SECTION("lookup_stale gives what is stored, whatever its fingerprint, with its age") {
      CHECK_FALSE(store.lookup_stale(key).has_value());
      subject.publish(key, 7);
      const auto stale = store.lookup_stale(key);
      if (Model::durable) REQUIRE(stale.has_value());
      if (stale) {
        S::check_holds(Lookup<V>{stale->entry, {}, {}}, sample<V>(7), 7);
        CHECK(stale->age >= std::chrono::microseconds(0));
        CHECK(stale->age < std::chrono::minutes(1));
      }
    }
  }
}

}  // namespace render_cache::laws
