#include "registry.hpp"

#include "finding.hpp"

#include <algorithm>

namespace repo_checks {

void check_slug(std::string_view slug) {
  constexpr auto is_letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const bool fits = !slug.empty() && slug.size() <= 100 && is_letter_or_digit(slug.front()) &&
                    std::ranges::all_of(slug, [&](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
  if (!fits) {
    throw RegistryError("'" + one_line(slug) + "' is no slug: 1 to 100 letters, digits and \"._-\", the first a letter or digit");
  }
}

}  // namespace repo_checks
