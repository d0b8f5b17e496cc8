// A publish over what was seen: it stores the entry if that is still there, and else changes nothing.
#pragma once

#include <render_cache/laws/store/subject.hpp>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

namespace render_cache::laws {

template <class Model>
void replace_laws() {
  if constexpr (HasReplace<typename Subject<Model>::Store>) {
    Subject<Model> subject;
    auto& store = subject.store;
    using S = Subject<Model>;
    using K = typename S::K;
    const auto key = sample_key<K>(1, 1), other = sample_key<K>(2, 2);
    const auto see = [&](unsigned wanted) { return store.lookup(key, sample_fingerprint(wanted)).seen; };
    /// By a look-up of another fingerprint, which a tier that keeps all it was given answers from what all share.
    const auto stored = [&] { return store.lookup(key, sample_fingerprint(99)).stored; };

    SECTION("where nothing was seen and nothing is, it stores") {
      subject.publish(other, 7);
      const auto seen = see(1);
      CHECK_FALSE(seen.text.has_value());
      CHECK(store.replace(key, S::entry(1), seen));
      subject.check_holds(key, 1);
      subject.check_holds(other, 7);
    }

    SECTION("where nothing was seen, it leaves alone what was stored meanwhile") {
      const auto seen = see(1);
      subject.publish(key, 2);
      CHECK_FALSE(store.replace(key, S::entry(1), seen));
      CHECK(stored() == sample_fingerprint(2));
      subject.check_holds(key, 2);
    }

    SECTION("it replaces what was seen, whole, and that alone") {
      subject.publish(other, 7);
      for (unsigned number = 0; number < 12; ++number) {  // optionals come and go
        CHECK(store.replace(key, S::entry(number), see(number)));
        subject.check_holds(key, number);
      }
      subject.check_holds(other, 7);
    }

    SECTION("an entry can be replaced by another one of the same value") {
      subject.publish(key, 1);
      CHECK(store.replace(key, S::entry(sample<typename S::V>(1), 2), see(2)));
      subject.check_holds(key, sample<typename S::V>(1), 2);
    }

    SECTION("it leaves alone what replaced meanwhile what was seen") {
      subject.publish(key, 1);
      const auto seen = see(2);
      subject.publish(key, 3);
      CHECK_FALSE(store.replace(key, S::entry(2), seen));
      CHECK(stored() == sample_fingerprint(3));
      subject.check_holds(key, 3);
    }

    SECTION("what was seen and erased meanwhile does not come back") {
      subject.publish(key, 1);
      const auto seen = see(2);
      CHECK(store.erase(key));
      CHECK_FALSE(store.replace(key, S::entry(2), seen));
      CHECK(stored() == std::nullopt);
      CHECK_FALSE(see(99).text.has_value());
    }

    SECTION("a batch sees what a look-up sees") {
      if constexpr (HasLookupMany<typename S::Store>) {
        subject.publish(key, 1);
        const std::vector<Query<K>> queries{{other, sample_fingerprint(2)}, {key, sample_fingerprint(2)}};
        const auto found = store.lookup_many(queries);
        REQUIRE(found.size() == 2);
        CHECK_FALSE(found[0].seen.text.has_value());
        CHECK(found[1].seen.text == see(2).text);
        CHECK(store.replace(other, S::entry(2), found[0].seen));
        CHECK(store.replace(key, S::entry(2), found[1].seen));
        subject.check_holds(other, 2);
        subject.check_holds(key, 2);
      }
    }

    SECTION("of all who have seen the same one replaces it") {
      for (const bool there : {false, true}) {
        if (there) subject.publish(key, 1);
        const auto seen = see(98);
        CHECK(seen.text.has_value() == there);
        constexpr unsigned threads = 4;
        std::atomic<int> replaced = 0, failed = 0;
        {
          std::latch start(threads);
          std::vector<std::jthread> crowd;
          for (unsigned number = 2; number < 2 + threads; ++number) {
            crowd.emplace_back([&, number] {
              start.arrive_and_wait();
              try {
                replaced += store.replace(key, S::entry(number), seen);
              } catch (...) {
                ++failed;
              }
            });
          }
        }
        CHECK(replaced == 1);
        CHECK(failed == 0);
        store.erase(key);
      }
    }
  }
}

}  // namespace render_cache::laws
