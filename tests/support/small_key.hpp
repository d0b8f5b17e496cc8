// A key for tests of what needs a key and no more.
#pragma once

#include <boost/hana/define_struct.hpp>

#include <string>

namespace render_cache::test {

struct SmallKey {
  BOOST_HANA_DEFINE_STRUCT(SmallKey, (std::string, group), (std::string, name));
  friend bool operator==(const SmallKey&, const SmallKey&) = default;
};

}  // namespace render_cache::test
