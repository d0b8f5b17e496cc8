#include <render_cache/sql/row_digest.hpp>

#include <render_cache/sql/json_form.hpp>

#include "support/catch.hpp"

#include <boost/hana/adapt_struct.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace row_digest_tests {

using namespace render_cache;
using detail::RowDigest;

namespace {

struct Row {
  std::string text;
  double real;
  std::vector<std::string> list;
};
struct Reordered {
  std::vector<std::string> list;
  std::optional<std::int64_t> added_later;
  std::string text;
  double real;
};
struct Swapped {  // the two texts of a row
  std::string a, b;
};
struct Document {
  Json json;
  std::vector<Json> list;
};

template <class T>
std::string digest(const T& row, RowDigest::JsonForm json_form = nullptr) {
  RowDigest made(json_form);
  made.add(row);
  return made.text();
}

}  // namespace

}  // namespace row_digest_tests

BOOST_HANA_ADAPT_STRUCT(row_digest_tests::Row, text, real, list);
BOOST_HANA_ADAPT_STRUCT(row_digest_tests::Reordered, list, added_later, text, real);
BOOST_HANA_ADAPT_STRUCT(row_digest_tests::Swapped, a, b);
BOOST_HANA_ADAPT_STRUCT(row_digest_tests::Document, json, list);

namespace row_digest_tests {

TEST_CASE("the digest of a row is this one: golden") {
  CHECK(digest(Row{"text", 0.1, {"a", "b"}}) == "x3:533b3625b26f8472d17ff516f4effb18");
  CHECK(digest(Document{{"{\"b\":1e2,\"a\":[]}"}, {}}, &detail::json_form<>) ==
        digest(Document{{"{\"a\": [], \"b\": 100}"}, {}}));
}

TEST_CASE("only documents are hashed in their form, not texts that look like one") {
  CHECK(digest(Swapped{"[1,2]", "{}"}, &detail::json_form<>) == digest(Swapped{"[1,2]", "{}"}));
  const auto of_text = [](RowDigest::JsonForm form) {
    RowDigest made(form);
    made.add("|table", "[1,2]");
    return made.text();
  };
  CHECK(of_text(&detail::json_form<>) == of_text(nullptr));
}

TEST_CASE("neither the order of members nor an optional one that was added and is NULL changes the digest") {
  CHECK(digest(Row{"text", 0.1, {"a"}}) == digest(Reordered{{"a"}, {}, "text", 0.1}));
  CHECK(digest(Row{"text", 0.1, {"a"}}) != digest(Reordered{{"a"}, 0, "text", 0.1}));
}

TEST_CASE("rows that differ have different digests") {
  const std::vector<Row> rows{{"", 0, {}},
                              {"a", 0, {}},
                              {"", 1, {}},
                              {"", 0, {""}},
                              {"", 0, {"", ""}},
                              {"", 0, {"a"}},
                              {"", 0, {"ab"}},
                              {"", 0, {"a", "b"}},
                              {"", 0, {"b", "a"}},
                              {"", std::nextafter(1.0, 2.0), {}},
                              {"", std::nan(""), {}},
                              {"", std::numeric_limits<double>::infinity(), {}}};
  std::set<std::string> digests;
  for (const auto& row : rows) digests.insert(digest(row));
  CHECK(digests.size() == rows.size());
  CHECK(digest(Swapped{"x", "y"}) != digest(Swapped{"y", "x"}));
  CHECK(digest(Swapped{"x", "x"}) != digest(Swapped{"y", "y"}));
}

TEST_CASE("numbers that a database takes for the same have one digest") {
  CHECK(digest(Row{"", 0.0, {}}) == digest(Row{"", -0.0, {}}));
  CHECK(digest(Row{"", std::nan(""), {}}) == digest(Row{"", -std::nan("7"), {}}));
}

}  // namespace row_digest_tests
