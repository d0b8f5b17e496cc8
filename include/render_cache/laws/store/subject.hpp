// The store under test, with short names for what the laws say.
#pragma once

#include <render_cache/concepts/store.hpp>
#include <render_cache/laws/catch.hpp>
#include <render_cache/laws/samples.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace render_cache::laws {

/// A store under test with short names for what the laws say.
template <class Model>
struct Subject {
  using Store = std::remove_cvref_t<decltype(std::declval<Model&>().store)>;
  using K = typename Store::key_type;
  using V = typename Store::value_type;
  static_assert(check_store<Store>());

  Model model{};
  Store& store = model.store;

  static EntryPtr<V> entry(const V& value, unsigned fingerprint) {
    const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    return std::make_shared<const Entry<V>>(Entry<V>{value, sample_fingerprint(fingerprint), now, {}});
  }
  static EntryPtr<V> entry(unsigned number) { return entry(sample<V>(number), number); }

  void publish(const K& key, unsigned number) { store.publish(key, entry(number)); }

  /// The look-up finds this very value; a store that is not durable may also have lost it.
  void check_holds(const K& key, const V& value, unsigned fingerprint) {
    check_holds(store.lookup(key, sample_fingerprint(fingerprint)), value, fingerprint);
  }
  void check_holds(const K& key, unsigned number) { check_holds(key, sample<V>(number), number); }
  static void check_holds(const Lookup<V>& found, const V& value, unsigned fingerprint) {
    CHECK(found.unreadable == "");
    if (found.entry == nullptr) {
      CHECK_FALSE(Model::durable);
      return;
    }
    CHECK((found.entry->value == value));
    CHECK(found.entry->fingerprint.text() == sample_fingerprint(fingerprint).text());
  }

  void check_absent(const K& key, unsigned number) {
    const auto found = store.lookup(key, sample_fingerprint(number));
    CHECK(found.entry == nullptr);
    CHECK(found.stored == std::nullopt);
    CHECK(found.unreadable == "");
  }
};

}  // namespace render_cache::laws
