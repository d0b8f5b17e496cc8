// What a repository is checked for.
#pragma once

#include "registry.hpp"

#include <render_cache/hasher/document_root.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace repo_checks {

enum class Tier : std::uint8_t { core, standard, full };

constexpr std::string_view to_string(Tier tier) noexcept {
  constexpr std::string_view names[] = {"core", "standard", "full"};
  return names[static_cast<std::size_t>(tier)];
}
[[nodiscard]] std::optional<Tier> tier_named(std::string_view name) noexcept;

/// One of these exists in the repository: a file that is not empty, or a directory.
struct Exists {
  std::vector<std::string> any_of;
};

/// A command that ends with exit code 0.
struct Succeeds {
  std::vector<std::string> command;
  std::chrono::milliseconds timeout{60'000};
  std::size_t output_limit = std::size_t{1} << 20;
  bool silent = false;  ///< and prints nothing
};

/// Something of the kind was recorded of the repository.
struct Recorded {
  Event event;
};

struct Criterion {
  std::string name;
  Tier tier;
  std::variant<Exists, Succeeds, Recorded> rule;
};

/// What there is to look at, and what the fingerprint covers besides.
struct Configuration {
  std::vector<Criterion> criteria;
  /// Files below the repository whose content is part of the fingerprint.
  std::vector<std::string> watched_files;
  /// Their times are, too: a file that is touched counts as changed. No two checkouts have the same, so nodes share no result.
  bool file_times = false;
  /// Names of variables that commands get besides those that every program needs.
  std::vector<std::string> environment{};
  /// All of it as a text that changes whenever the definitions do.
  [[nodiscard]] std::string definition() const;
};

/// The criteria that every repository is checked for.
[[nodiscard]] Configuration standard_configuration();

/// The first of the rule's paths that exists in the repository; empty where none does.
/// Throws render_cache::FileError where that cannot be told (permission, a disk that fails).
[[nodiscard]] std::string_view first_present(const Exists& rule, const render_cache::DocumentRoot& repository);

}  // namespace repo_checks
