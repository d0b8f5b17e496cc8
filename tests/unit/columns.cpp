#include <render_cache/schema/columns.hpp>

#include <render_cache/wiki.hpp>

#include "support/catch.hpp"
#include "support/every_kind.hpp"

using namespace render_cache;
using test::EveryKindSchema;

TEST_CASE("the wiki's columns are those of its structs, in their order") {
  constexpr auto& columns = all_columns<WikiSchema>;
  static_assert(columns.size() == 6);
  CHECK(columns[0] == Column{.name = "repo_alias"});
  CHECK(columns[1] == Column{.name = "page_path"});
  CHECK(columns[2] == Column{.name = "rendered_html"});
  CHECK(columns[3] == Column{.name = "metadata", .kind = Kind::json});
  CHECK(columns[4] == Column{.name = "source_hash"});
  CHECK(columns[5] == Column{.name = "rendered_at", .kind = Kind::timestamp});
}

TEST_CASE("each type of a member has its column") {
  constexpr auto& columns = value_columns<EveryKindSchema>;
  const auto column = [&](std::string_view name) {
    for (const auto& each : columns) {
      if (each.name == name) return each;
    }
    FAIL("no column " << name);
    return Column{};
  };
  CHECK(column("text") == Column{"text", Kind::text, 0, false});
  CHECK(column("small") == Column{"small", Kind::integer, 2, false});
  CHECK(column("wide") == Column{"wide", Kind::integer, 8, false});
  CHECK(column("unsigned_32") == Column{"unsigned_32", Kind::integer, 8, false});
  CHECK(column("flag") == Column{"flag", Kind::boolean, 0, false});
  CHECK(column("ratio") == Column{"ratio", Kind::real, 0, false});
  CHECK(column("id") == Column{"id", Kind::uuid, 0, false});
  CHECK(column("moment") == Column{"moment", Kind::timestamp, 0, false});
  CHECK(column("document") == Column{"document", Kind::json, 0, false});
  CHECK(column("maybe_text") == Column{"maybe_text", Kind::text, 0, true});
  CHECK(column("maybe_wide") == Column{"maybe_wide", Kind::integer, 8, true});
  CHECK(column("maybe_document") == Column{"maybe_document", Kind::json, 0, true});
}

TEST_CASE("a second timestamp is a column of its own") {
  CHECK(all_columns<EveryKindSchema>.back() == Column{"changed_at", Kind::timestamp, 0, false});
}
