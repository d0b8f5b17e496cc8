// expect: a fingerprint takes a text, bool, a number, a Timestamp, an optional of these, absent or a Fingerprint
#include <render_cache/entry/fingerprint.hpp>

#include <cstdint>
#include <vector>

void program(const std::vector<int>& lines) { render_cache::Fingerprint().add("lines", lines); }
