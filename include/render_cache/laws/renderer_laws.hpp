// The laws of a renderer (concepts/renderer.hpp), as tests that run against any model of it: yours too.
//
//   struct MyModel {
//     MyRenderer renderer{};
//     std::vector<std::pair<MyKey, MySource>> cases();   // at least two that render differently
//   };
//   RENDER_CACHE_RENDERER_LAWS(MyModel)
//
// Values must be equality comparable.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/renderer.hpp>
#include <render_cache/laws/catch.hpp>

#include <atomic>
#include <cstddef>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace render_cache::laws {

template <class Model>
void renderer_laws() {
  Model model;
  const auto& renderer = model.renderer;
  const auto cases = model.cases();
  REQUIRE(cases.size() >= 2);
  const auto render = [&](const auto& each) { return renderer.render(each.first, each.second); };

  SECTION("the output depends on nothing but key, source and version") {
    Model elsewhere;
    REQUIRE(std::string(elsewhere.renderer.version()) == std::string(renderer.version()));
    for (const auto& each : cases) {
      const auto first = render(each);
      CHECK(first == render(each));
      CHECK(first == elsewhere.renderer.render(each.first, each.second));
    }
    CHECK_FALSE(render(cases[0]) == render(cases[1]));
  }

  SECTION("the version says something, and stays what it is") {
    const std::string before(renderer.version());
    CHECK_FALSE(before.empty());
    static_cast<void>(render(cases[0]));
    CHECK(std::string(renderer.version()) == before);
  }

  SECTION("many threads may render at once") {
    std::vector<decltype(render(cases[0]))> expected;
    for (const auto& each : cases) expected.push_back(render(each));
    std::atomic<int> wrong = 0;
    {
      std::vector<std::jthread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
          for (int round = 0; round < 20; ++round) {
            for (std::size_t i = 0; i < cases.size(); ++i) wrong += !(render(cases[i]) == expected[i]);
          }
        });
      }
    }
    CHECK(wrong == 0);
  }
}

}  // namespace render_cache::laws

#define RENDER_CACHE_RENDERER_LAWS(Model) \
  TEST_CASE("laws of a renderer: " #Model, "[laws][concurrent]") { render_cache::laws::renderer_laws<Model>(); }
