// The laws of a store (concepts/store.hpp), as tests that run against any model of it: yours too.
//
//   struct MyModel {
//     static constexpr bool durable = true;   // keeps what it was given; refuses texts that no database can hold
//     MyStore store{...};                     // or a reference: a fresh and empty store for each MyModel
//     MyConnection connection();              // optional, for the laws of bounds: a SchemaConnection to the store's database
//   };
//   RENDER_CACHE_STORE_LAWS(MyModel)
//
// A store that is not durable may lose an entry at any time and may hold any text; never may it give a wrong answer.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/laws/catch.hpp>
#include <render_cache/laws/store/answers.hpp>
#include <render_cache/laws/store/batches.hpp>
#include <render_cache/laws/store/bounds.hpp>
#include <render_cache/laws/store/clean_up.hpp>
#include <render_cache/laws/store/group_clean_up.hpp>
#include <render_cache/laws/store/leases.hpp>
#include <render_cache/laws/store/replace.hpp>
#include <render_cache/laws/store/texts.hpp>
#include <render_cache/laws/store/threads.hpp>

#define RENDER_CACHE_STORE_LAWS(Model)                                                                                         \
  TEST_CASE("laws of a store: " #Model " answers", "[laws]") { render_cache::laws::answer_laws<Model>(); }                     \
  TEST_CASE("laws of a store: " #Model " batches", "[laws]") { render_cache::laws::batch_laws<Model>(); }                      \
  TEST_CASE("laws of a store: " #Model " texts", "[laws]") { render_cache::laws::text_laws<Model>(); }                         \
  TEST_CASE("laws of a store: " #Model " clean-up", "[laws]") { render_cache::laws::clean_up_laws<Model>(); }                  \
  TEST_CASE("laws of a store: " #Model " clean-up by a query", "[laws]") { render_cache::laws::group_clean_up_laws<Model>(); } \
  TEST_CASE("laws of a store: " #Model " replacing what was seen", "[laws][concurrent]") {                                     \
    render_cache::laws::replace_laws<Model>();                                                                                 \
  }                                                                                                                            \
  TEST_CASE("laws of a store: " #Model " bounds", "[laws]") { render_cache::laws::bound_laws<Model>(); }                       \
  TEST_CASE("laws of a store: " #Model " leases", "[laws]") { render_cache::laws::lease_laws<Model>(); }                       \
  TEST_CASE("laws of a store: " #Model " threads", "[laws][concurrent]") { render_cache::laws::thread_laws<Model>(); }
