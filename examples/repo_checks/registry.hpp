// The tables `managed_repos` and `repo_events`: which repositories there are, and what was recorded of them.
#pragma once

#include "repository.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace repo_checks {

/// A request that makes no sense: an unknown slug, one that is taken. The message is for people.
struct RegistryError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// There is no such repository.
struct UnknownSlug : RegistryError {
  explicit UnknownSlug(std::string_view slug)
      : RegistryError("there is no repository '" + std::string(slug) + "'; `repo_checks list` names those there are") {}
};

enum class Event : std::uint8_t { snapshot, goal };

constexpr std::string_view to_string(Event event) noexcept { return event == Event::snapshot ? "snapshot" : "goal"; }

/// Throws RegistryError, and render_cache::StoreError where the database fails. To be used from many threads at once.
class Registry {
 public:
  virtual ~Registry() = default;

  /// Throws RegistryError for a slug that is taken.
  virtual void add(const std::string& slug, const std::string& path) = 0;
  /// Removes the repository, and with it, by cascade, its events and its cached result. Throws UnknownSlug.
  virtual void remove(const std::string& slug) = 0;
  /// Says that the repository has changed, now: what no file of the fingerprint tells, such as a commit. Throws UnknownSlug.
  virtual void touch(const std::string& slug) = 0;
  /// Records a snapshot or a goal, now. Throws UnknownSlug.
  virtual void record(const std::string& slug, Event event) = 0;

  /// All repositories with their records, by slug: one statement.
  virtual std::vector<Repository> list() const = 0;
  /// Throws UnknownSlug.
  virtual Repository find(const std::string& slug) const = 0;
  /// The record as it is now; nothing where the repository is no longer managed.
  virtual std::optional<Record> record_of(const render_cache::Uuid& id) const = 0;
};

/// Throws RegistryError unless the slug is 1 to 100 letters, digits and "._-", starting with a letter or digit: it is typed in
/// shells and stands in URLs.
void check_slug(std::string_view slug);

}  // namespace repo_checks
