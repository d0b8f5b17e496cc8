// Any text is kept as it is, or refused by a named error: never changed, never cut short.
#pragma once

#include <render_cache/entry/text.hpp>
#include <render_cache/laws/store/subject.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace render_cache::laws {

template <class Model>
void text_laws() {
  Subject<Model> subject;
  auto& store = subject.store;
  using S = Subject<Model>;
  using K = typename S::K;
  using V = typename S::V;
  // clang-format off
  const std::vector<std::string> difficult{
      "it's", "\"quoted\"", "100%", "%s %n", "back\\slash", "C:\\temp\\", "{a,b}", "NULL", "null", "$1", ";--", "a\tb\nc\r\n",
      "\x01\x7f", "\xf0\x9f\xa6\x80 crab", "e\xcc\x81 combining", " leading and trailing ", "", "\xef\xbb\xbf with a mark", "a,b", "(x)"};
  // clang-format on

  K key = sample_key<K>(1, 1);
  if (std::string* text = last_text(key)) {
    SECTION("difficult keys are kept apart") {
      std::vector<K> keys;
      for (const auto& one : difficult) {
        *text = one;
        keys.push_back(key);
        subject.publish(key, static_cast<unsigned>(keys.size()));
      }
      for (std::size_t at = 0; at < keys.size(); ++at) {
        INFO(difficult[at]);
        subject.check_holds(keys[at], static_cast<unsigned>(at) + 1);
      }
      if constexpr (HasPublishMany<typename S::Store>) {
        std::vector<std::pair<K, EntryPtr<V>>> batch;
        for (std::size_t at = 0; at < keys.size(); ++at) batch.emplace_back(keys[at], S::entry(static_cast<unsigned>(at) + 100));
        store.publish_many(batch);
      }
      if constexpr (HasLookupMany<typename S::Store>) {
        std::vector<Query<K>> queries;
        const unsigned offset = HasPublishMany<typename S::Store> ? 100 : 1;
        for (std::size_t at = 0; at < keys.size(); ++at) {
          queries.push_back({keys[at], sample_fingerprint(static_cast<unsigned>(at) + offset)});
        }
        const auto found = store.lookup_many(queries);
        REQUIRE(found.size() == keys.size());
        for (std::size_t at = 0; at < keys.size(); ++at) {
          S::check_holds(found[at], sample<V>(static_cast<unsigned>(at) + offset), static_cast<unsigned>(at) + offset);
        }
      }
      for (const auto& one : keys) {
        store.erase(one);
        CHECK(store.lookup(one, sample_fingerprint(1)).stored == std::nullopt);
      }
    }

    SECTION("a key of max_key_bytes is kept; one of a byte more is refused or kept, but never changed") {
      text->clear();
      std::size_t others = 0;
      for_each_member(key, [&](const char*, const auto& field) {
        if constexpr (std::convertible_to<decltype(field), std::string_view>) others += std::string_view(field).size();
      });
      text->assign(max_key_bytes - others, 'k');
      // Bytes that do not compress: an index entry of PostgreSQL is limited after compression.
      for (std::size_t at = 0; at < text->size(); ++at) (*text)[at] = static_cast<char>('!' + (at * at * 7 + at / 3) % 90);
      subject.publish(key, 1);
      subject.check_holds(key, 1);
      text->push_back('k');
      if (Model::durable) {
        CHECK_THROWS_AS(subject.publish(key, 2), InvalidKey);
        CHECK_THROWS_AS(store.lookup(key, sample_fingerprint(2)), InvalidKey);
      }
      text->pop_back();
      subject.check_holds(key, 1);
    }

    SECTION("a key with a NUL byte or invalid UTF-8 is refused, never cut short") {
      for (const std::string& bad :
           {std::string("a\0b", 3), std::string("\xff"), std::string("\xc3"), std::string("\xed\xa0\x80")}) {
        *text = "a";
        subject.publish(key, 1);
        *text = bad;
        if (Model::durable) {
          CHECK_THROWS_AS(subject.publish(key, 2), InvalidKey);
          CHECK_THROWS_AS(store.lookup(key, sample_fingerprint(1)), InvalidKey);
          CHECK_THROWS_AS(store.erase(key), InvalidKey);
        }
        *text = "a";
        subject.check_holds(key, 1);
      }
    }
  }

  if constexpr (std::same_as<group_t<K>, std::string>) {
    SECTION("a group's name is not cut at a NUL byte either") {
      K named = sample_key<K>(1, 1);
      for_each_member(named, [&, first = true](const char*, auto& field) mutable {
        if constexpr (std::same_as<std::remove_cvref_t<decltype(field)>, std::string>) {
          if (std::exchange(first, false)) field = "a";
        }
      });
      subject.publish(named, 1);
      try {
        store.erase_group(std::string("a\0b", 3));
      } catch (const InvalidKey&) {  // a store may refuse it
      }
      subject.check_holds(named, 1);
    }
  }

  key = sample_key<K>(1, 1);
  V value = sample<V>(1);
  if (std::string* text = last_text(value)) {
    SECTION("difficult values come back as they were") {
      for (const auto& one : difficult) {
        INFO(one);
        *text = one;
        store.publish(key, S::entry(value, 1));
        subject.check_holds(key, value, 1);
        if constexpr (HasPublishMany<typename S::Store>) {
          store.publish_many(std::vector<std::pair<K, EntryPtr<V>>>{{key, S::entry(value, 2)}});
          subject.check_holds(key, value, 2);
        }
      }
    }

    SECTION("a value of a megabyte comes back as it was") {
      text->clear();
      while (text->size() < (1u << 20)) text->append("<p>").append(std::to_string(text->size() * 2654435761u)).append("</p>\n");
      store.publish(key, S::entry(value, 1));
      subject.check_holds(key, value, 1);
    }

    SECTION("a value with a NUL byte or invalid UTF-8 is refused and leaves what was there, or is kept whole") {
      for (const std::string& bad :
           {std::string("a\0b", 3), std::string("\0", 1), std::string("caf\xe9"), std::string("\xf0\x9f\xa6")}) {
        subject.publish(key, 1);
        *text = bad;
        if (Model::durable) {
          CHECK_THROWS_AS(store.publish(key, S::entry(value, 2)), InvalidValue);
          subject.check_holds(key, 1);
        } else {
          store.publish(key, S::entry(value, 2));
          subject.check_holds(key, value, 2);
        }
      }
    }
  }
}

}  // namespace render_cache::laws
