// What one criterion came to, and the JSON text in which `doi_cache.criteria` keeps the list of them.
#pragma once

#include "criteria.hpp"

#include <render_cache/entry/types.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace repo_checks {

struct Finding {
  std::string name;
  Tier tier = Tier::core;
  bool passed = false;
  std::string reason;                                   ///< for people, one line
  std::optional<std::chrono::milliseconds> duration{};  ///< of a command
  friend bool operator==(const Finding&, const Finding&) = default;
};

/// `[{"name":"readme","tier":"core","passed":true,"reason":"README.md"},...]`
[[nodiscard]] render_cache::Json to_json(const std::vector<Finding>& findings);

/// Throws std::runtime_error for a text that `to_json` has not written.
[[nodiscard]] std::vector<Finding> findings_of(const render_cache::Json& json);

/// What somebody else has printed, fit to be shown and stored: one line of UTF-8 without control characters, cut after
/// `limit` bytes.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t limit = 200);

}  // namespace repo_checks
