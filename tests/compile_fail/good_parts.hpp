// A key, a value, a schema and three policies without a mistake, for the programs here, each of which makes one.
#pragma once

#include <render_cache/concepts/store.hpp>
#include <render_cache/entry/types.hpp>

#include <boost/hana/adapt_struct.hpp>

#include <string>
#include <string_view>

namespace good {

using namespace render_cache;

struct Key {
  std::string repository, path;
  friend bool operator==(const Key&, const Key&) = default;
};

struct Value {
  std::string text;
};

struct Schema {
  using key_type = Key;
  using value_type = Value;
  static constexpr std::string_view table = "pages", fingerprint_column = "fingerprint", rendered_at_column = "rendered_at";
};

struct Renderer {
  std::string_view version() const;
  Value render(const Key&, const std::string& source) const;
};

struct Hasher {
  Fingerprint components(const std::string& source) const;
};

struct Store {
  using key_type = Key;
  using value_type = Value;
  Lookup<Value> lookup(const Key&, const Fingerprint&);
  void publish(const Key&, EntryPtr<Value>);
  bool erase(const Key&);
  std::size_t erase_group(const std::string&);
  PruneReport prune(const KeepPredicate<Key>&, const PruneOptions&);
};

}  // namespace good

BOOST_HANA_ADAPT_STRUCT(good::Key, repository, path);
BOOST_HANA_ADAPT_STRUCT(good::Value, text);
