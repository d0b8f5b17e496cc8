// The laws of a hasher (concepts/hasher.hpp), as tests that run against any model of it: yours too.
//
//   struct MyModel {
//     MyHasher hasher{};
//     std::vector<MySource> sources();   // at least three, no two of which render alike
//   };
//   RENDER_CACHE_HASHER_LAWS(MyModel)
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/hasher.hpp>
#include <render_cache/laws/catch.hpp>

#include <atomic>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

namespace render_cache::laws {

template <class Model>
void hasher_laws() {
  Model model;
  const auto& hasher = model.hasher;
  const auto sources = model.sources();
  REQUIRE(sources.size() >= 3);
  using Source = typename decltype(sources)::value_type;
  static_assert(check_hasher<std::remove_cvref_t<decltype(hasher)>, Source>());

  SECTION("a source has one fingerprint, and so do other hashers of the kind find it") {
    Model elsewhere;
    for (const auto& source : sources) {
      CHECK(hasher.components(source) == hasher.components(source));
      CHECK(elsewhere.hasher.components(source) == hasher.components(source));
      CHECK_FALSE(hasher.components(source).text().empty());
    }
  }

  SECTION("sources that render differently have different fingerprints") {
    for (std::size_t a = 0; a < sources.size(); ++a) {
      for (std::size_t b = 0; b < a; ++b) CHECK_FALSE(hasher.components(sources[a]) == hasher.components(sources[b]));
    }
  }

  SECTION("its components have names, and none is the renderer's") {
    for (const auto& [name, value] : hasher.components(sources[0]).components()) {
      CHECK_FALSE(name.empty());
      CHECK(name != "renderer");
    }
  }

  if constexpr (FreezingHasher<std::remove_cvref_t<decltype(hasher)>, Source>) {
    SECTION("what is frozen has the fingerprint of the source that stood still") {
      for (const auto& source : sources) CHECK(hasher.freeze(source).components == hasher.components(source));
    }
  }

  SECTION("many threads find the same") {
    std::vector<Fingerprint> expected;
    for (const auto& source : sources) expected.push_back(hasher.components(source));
    std::atomic<int> wrong = 0;
    {
      std::vector<std::jthread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
          for (int round = 0; round < 50; ++round) {
            for (std::size_t i = 0; i < sources.size(); ++i) wrong += !(hasher.components(sources[i]) == expected[i]);
          }
        });
      }
    }
    CHECK(wrong == 0);
  }
}

}  // namespace render_cache::laws

#define RENDER_CACHE_HASHER_LAWS(Model) \
  TEST_CASE("laws of a hasher: " #Model, "[laws][concurrent]") { render_cache::laws::hasher_laws<Model>(); }
