#include <render_cache/entry/fingerprint.hpp>

#include <cstdint>
#include <vector>

void program(const std::int64_t& lines) { render_cache::Fingerprint().add("lines", lines); }
