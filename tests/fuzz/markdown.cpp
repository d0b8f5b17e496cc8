// Any page, under any policy of raw HTML: what comes out is safe, balanced and the same each time, or is refused.
#include <render_cache/renderer/markdown.hpp>

#include "fuzz.hpp"
#include "support/html_inspector.hpp"

#include <nlohmann/json.hpp>

#include <array>

using namespace render_cache;

namespace {

constexpr std::array policies = {RawHtmlPolicy::sanitise, RawHtmlPolicy::drop, RawHtmlPolicy::escape};

const MarkdownRenderer& renderer(RawHtmlPolicy policy) {
  static const auto all = [] {
    std::array<MarkdownRenderer, policies.size()> renderers;
    for (std::size_t i = 0; i < policies.size(); ++i) {
      MarkdownOptions options;
      options.raw_html = policies[i];
      options.max_work = 4'000'000;  // what is refused teaches the fuzzer little, and slowly
      renderers[i] = MarkdownRenderer(options);
    }
    return renderers;
  }();
  return all[static_cast<std::size_t>(policy)];
}

}  // namespace

// The first byte chooses the policy, mostly the one that parses.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto policy = data[0] == 'd' ? RawHtmlPolicy::drop : data[0] == 'e' ? RawHtmlPolicy::escape : RawHtmlPolicy::sanitise;
  const auto source = fuzz::text(data + 1, size - 1);
  const WikiKey key{"ALIAS", "b/c.md"};
  try {
    const WikiPage page = renderer(policy).render(key, source);
    const auto complaint = test::HtmlInspector::complaint(page.rendered_html);
    fuzz::expect(complaint.empty(), complaint + "in " + page.rendered_html);
    fuzz::expect(find_invalid_text(page.rendered_html) == std::string::npos, "the HTML is UTF-8");
    const auto metadata = nlohmann::json::parse(page.metadata.text);
    fuzz::expect(metadata.at("title").is_string() && metadata.at("toc").is_array(), "the metadata has a title and contents");
    for (const auto& heading : metadata.at("toc"))
      fuzz::expect(heading.at("id").get<std::string>().starts_with("user-content-"), "ids have the prefix");
    const WikiPage again = renderer(policy).render(key, source);
    fuzz::expect(again.rendered_html == page.rendered_html && again.metadata.text == page.metadata.text, "the same bytes twice");
  } catch (const RenderRefused&) {
  }
  return 0;
}
