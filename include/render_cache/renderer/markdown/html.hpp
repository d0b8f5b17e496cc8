// Writing HTML: text and attribute values escaped, character references decoded.
#pragma once

#include <render_cache/renderer/markdown/budget.hpp>
#include <render_cache/renderer/markdown/unicode.hpp>

#include <gumbo.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace render_cache::markdown {

/// Appends `text` so that an HTML parser reads it back as it is, as text or inside a double-quoted attribute.
inline void append_escaped(std::string& out, std::string_view text) {
  static constexpr auto special = [] {
    std::array<bool, 256> table{};
    for (const char c : {'&', '<', '>', '"'}) table[static_cast<unsigned char>(c)] = true;
    return table;
  }();
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!special[static_cast<unsigned char>(text[at])]) continue;
    out.append(text, done, at - done);
    done = at + 1;
    switch (text[at]) {
      case '&': out.append("&amp;"); break;
      case '<': out.append("&lt;"); break;
      case '>': out.append("&gt;"); break;
      default: out.append("&quot;");
    }
  }
  out.append(text, done);
}

/// Appends ` name="prefix value"`, without the space in it.
inline void append_attribute(std::string& out, std::string_view name, std::string_view prefix, std::string_view value) {
  out.append(1, ' ').append(name).append("=\"");
  append_escaped(out, prefix);
  append_escaped(out, value);
  out.push_back('"');
}

namespace detail {

// What the character reference `&name;` stands for, or its own text where there is no such name.
inline std::string named_character(std::string_view reference) {
  GumboOptions options = kGumboDefaultOptions;
  options.fragment_context = GUMBO_TAG_DIV;
  options.max_errors = 0;
  auto* parsed = gumbo_parse_with_options(&options, reference.data(), reference.size());
  const auto& nodes = parsed->root->v.element.children;
  std::string_view decoded = reference;
  if (nodes.length == 1) {
    const auto* node = static_cast<const GumboNode*>(nodes.data[0]);
    if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE) decoded = node->v.text.text;
  }
  // `&notit;` is no name, but HTML reads the `&not` in it, for the sake of pages from the last century.
  std::string result(decoded.ends_with(';') ? reference : decoded);
  gumbo_destroy_output(&options, parsed);
  return result;
}

}  // namespace detail

/// Decodes character references. The names are gumbo's: md4c calls anything of the right shape a reference. One per render: each
/// name is looked up once.
class CharacterReferences {
 public:
  explicit CharacterReferences(Budget& budget) : budget_(budget) {}

  /// Appends what `&...;` stands for, or its own text where there is no such name.
  void append_decoded(std::string& out, std::string_view reference) {
    if (reference == "&amp;") return out.push_back('&');
    if (reference == "&lt;") return out.push_back('<');
    if (reference == "&gt;") return out.push_back('>');
    if (reference == "&quot;") return out.push_back('"');
    if (reference.starts_with("&#")) return append_number(out, reference);
    constexpr std::size_t longest = std::string_view("&CounterClockwiseContourIntegral;").size();
    if (reference.size() > longest) {
      out.append(reference);
      return;
    }
    auto known = names_.find(reference);
    if (known == names_.end()) {
      constexpr std::size_t look_up = 1024, most_names = 4096;
      budget_.work(look_up);
      if (names_.size() == most_names) names_.clear();
      known = names_.emplace(reference, detail::named_character(reference)).first;
    }
    out.append(known->second);
  }

 private:
  static void append_number(std::string& out, std::string_view reference) {
    const auto sign = reference.substr(2, 1);
    const bool hexadecimal = sign == "x" || sign == "X";
    std::uint32_t code = 0;  // which it remains, and is no character, where the number is too large
    const char* digits = reference.data() + (hexadecimal ? 3 : 2);
    std::from_chars(digits, reference.data() + reference.size(), code, hexadecimal ? 16 : 10);
    append_utf8(out, code);
  }

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };

  Budget& budget_;
  std::unordered_map<std::string, std::string, Hash, std::equal_to<>> names_;
};

}  // namespace render_cache::markdown
