// Catch2, and one name of its for both of its versions.
#pragma once

#include <render_cache/laws/catch.hpp>

#if __has_include(<catch2/catch_all.hpp>)
using Catch::Matchers::ContainsSubstring;
#else
inline auto ContainsSubstring(const std::string& text) { return Catch::Matchers::Contains(text); }
#endif
