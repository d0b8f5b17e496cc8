// Any front matter: read, or reported, never thrown; what was read can be written as JSON and read back.
#include <render_cache/renderer/markdown/front_matter.hpp>

#include "fuzz.hpp"

#include <nlohmann/json.hpp>

using render_cache::markdown::read_front_matter;

namespace {

void expect_text(const std::string& text) {
  fuzz::expect(render_cache::find_invalid_text(text) == text.npos, "each text is UTF-8 without NUL");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string page = "---\n" + std::string(fuzz::text(data, size)) + "\n---\nx";
  constexpr std::size_t most_nodes = 500;
  const auto found = read_front_matter(page, 4096, most_nodes);
  fuzz::expect(found.bytes <= page.size(), "it is part of the page");
  const auto values = nlohmann::json::parse(found.values);
  fuzz::expect(values.is_object(), "it is an object");
  fuzz::expect(found.error.empty() || (found.bytes == 0 && values.empty()), "what is broken is no front matter");
  const auto count = [](const auto& self, const nlohmann::json& value) -> std::size_t {
    std::size_t nodes = 1;
    if (value.is_string()) expect_text(value.get_ref<const std::string&>());
    if (value.is_object()) {
      for (const auto& member : value.items()) expect_text(member.key());
    }
    if (value.is_structured()) {
      for (const auto& each : value) nodes += self(self, each);
    }
    return nodes;
  };
  fuzz::expect(count(count, values) <= most_nodes, "it has no more nodes than it may");
  expect_text(found.error);
  expect_text(found.title);
  fuzz::expect(found.title.empty() || values.at("title") == found.title, "the title is the one of the values");
  return 0;
}
