#include <render_cache/store/sqlite.hpp>

#include <boost/hana/adapt_struct.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

struct Key {
  std::string name;
  friend bool operator==(const Key&, const Key&) = default;
};
struct Value {
  std::string text;
};
BOOST_HANA_ADAPT_STRUCT(Key, name);
BOOST_HANA_ADAPT_STRUCT(Value, text);

struct Schema {
  using key_type = Key;
  using value_type = Value;
  static constexpr std::string_view table = "pages";
  static constexpr std::string_view fingerprint_column = "fingerprint", rendered_at_column = "rendered_at";
};

void program(const render_cache::SqliteOptions& options) { render_cache::SqliteStore<Schema> store(options); }
