// The ids of headings, as GitHub makes them.
#pragma once

#include <render_cache/renderer/markdown/unicode.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

namespace render_cache::markdown {

/// Lower case, spaces to hyphens, everything that belongs to no word left out ("What's new?" is `whats-new`).
inline std::string slug(std::string_view text) {
  std::string id;
  id.reserve(text.size());
  while (!text.empty()) {
    const char32_t code = next_code(text);
    if (code == ' ' || code == '-') {
      id.push_back('-');
    } else if (in_word(code)) {
      append_utf8(id, to_lower(code));
    }
  }
  return id;
}

/// Gives each heading of one page an id of its own: the second `usage` is `usage-1`, unless a heading of that
/// name came before it (algorithm of github-slugger).
class HeadingIds {
 public:
  std::string add(std::string_view heading) {
    std::string base = slug(heading);
    if (base.empty()) base = "section";
    const auto [first, is_new] = times_.try_emplace(base, 0);
    if (is_new) return base;
    auto& times = first->second;  // stays valid: nodes do not move
    std::string id;
    do {
      id = base + '-' + std::to_string(++times);
    } while (!times_.try_emplace(id, 0).second);
    return id;
  }

 private:
  std::unordered_map<std::string, std::size_t> times_;
};

}  // namespace render_cache::markdown
