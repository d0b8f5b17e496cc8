// expect: a member has no column: specialise render_cache::MemberTraits for its type
#include <render_cache/sql/columns.hpp>

#include <boost/hana/adapt_struct.hpp>

#include <map>
#include <string>

struct Key {
  std::string name;
  friend bool operator==(const Key&, const Key&) = default;
};
struct Value {
  std::map<std::string, int> lines;
};
BOOST_HANA_ADAPT_STRUCT(Key, name);
BOOST_HANA_ADAPT_STRUCT(Value, lines);

struct MySchema {
  using key_type = Key;
  using value_type = Value;
  static constexpr std::string_view table = "t", fingerprint_column = "fingerprint", rendered_at_column = "rendered_at";
};
static_assert(render_cache::check_schema<MySchema>());
