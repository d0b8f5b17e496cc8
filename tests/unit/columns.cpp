#include <render_cache/sql/columns.hpp>

#include <render_cache/wiki.hpp>

#include "support/all_kinds.hpp"
#include "support/catch.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace columns_tests {

using namespace render_cache;
using test::AllKindsSchema;

TEST_CASE("the wiki's columns are those of its structs, in their order") {
  const auto columns = table_of<WikiSchema>().columns();
  REQUIRE(columns.size() == 6);
  CHECK(columns[0] == Column{.name = "repo_alias", .key = true});
  CHECK(columns[1] == Column{.name = "page_path", .key = true});
  CHECK(columns[2] == Column{.name = "rendered_html", .nullable = false, .key = false, .list = false});
  CHECK(columns[3] == Column{.name = "metadata", .kind = Kind::json});
  CHECK(columns[4] == Column{.name = "source_hash", .bytes = max_stored_text_bytes});
  CHECK(columns[5] == Column{.name = "rendered_at", .kind = Kind::timestamp});
}

TEST_CASE("each type of a member has its column") {
  const auto columns = table_of<AllKindsSchema>().values;
  const auto column = [&](std::string_view name) {
    for (const auto& each : columns) {
      if (each.name == name) return each;
    }
    FAIL("no column " << name);
    return Column{};
  };
  CHECK(column("text") == Column{"text", Kind::text, 0, false});
  CHECK(column("small_number") == Column{"small_number", Kind::integer, 2, false});
  CHECK(column("number") == Column{"number", Kind::integer, 8, false});
  CHECK(column("flag") == Column{"flag", Kind::boolean, 0, false});
  CHECK(column("real") == Column{"real", Kind::real, 0, false});
  CHECK(column("uuid") == Column{"uuid", Kind::uuid, 0, false});
  CHECK(column("time") == Column{"time", Kind::timestamp, 0, false});
  CHECK(column("json") == Column{"json", Kind::json, 0, false});
  CHECK(column("maybe_text") == Column{"maybe_text", Kind::text, 0, true});
  CHECK(column("maybe_number") == Column{"maybe_number", Kind::integer, 4, true});
  CHECK(column("maybe_json") == Column{"maybe_json", Kind::json, 0, true});
  static_assert(detail::column_of<std::int8_t>("n").bytes == 2);
  static_assert(detail::column_of<std::uint16_t>("n").bytes == 4);
  static_assert(detail::column_of<std::uint32_t>("n").bytes == 8);
}

TEST_CASE("a name is letters, digits and strokes below, and not too long") {
  const std::string good = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  for (int code = 0; code < 256; ++code) {
    const auto c = static_cast<char>(code);
    INFO(code);
    CHECK(detail::is_identifier(std::string("a") + c) == (good.find(c) != good.npos));
  }
  CHECK_FALSE(detail::is_identifier(""));
  CHECK(detail::is_identifier(std::string(max_name_bytes, 'a')));
  CHECK_FALSE(detail::is_identifier(std::string(max_name_bytes + 1, 'a')));
}

TEST_CASE("a second timestamp is a column of its own") {
  CHECK(table_of<AllKindsSchema>().columns().back() == Column{"updated_at", Kind::timestamp, 0, false});
}

}  // namespace columns_tests
