// A migration, and where a program gets its migrations from.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/error.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache {

/// One step of a database's history. Scripts hold no BEGIN and no COMMIT: each runs in a transaction of its own.
struct Migration {
  std::uint32_t version = 0;  ///< from 1 on
  std::string name;           ///< `wiki_cache`
  std::string up;             ///< the script: statements separated by ';'
  std::string down;           ///< empty: cannot be undone
};

/// FNV-1a, 64 bits (Fowler, Noll, Vo), of the script without carriage returns, which a checkout may add. It guards
/// against mistakes, not against attackers: who can change scripts can change the history too.
inline std::string checksum(std::string_view script) {
  std::uint64_t state = 0xcbf29ce484222325;
  for (const char c : script) {
    if (c != '\r') state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  std::string text(16, '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, state >>= 4) *at = "0123456789abcdef"[state & 15];
  return text;
}

/// Reads `0001_name.up.sql` and `0001_name.down.sql` from a directory, in the order of their versions.
/// Throws MigrationError for a directory without migrations and for a .sql file that is named otherwise.
inline std::vector<Migration> load_migrations(const std::filesystem::path& directory) {
  namespace fs = std::filesystem;
  const auto fail = [&](const std::string& what) -> void {
    throw MigrationError("migrations in '" + directory.string() + "': " + what);
  };
  std::error_code error;
  std::map<std::uint32_t, Migration> found;
  for (fs::directory_iterator file(directory, error), end; file != end; file.increment(error)) {
    const auto filename = file->path().filename().string();
    std::string_view name = filename;
    if (!name.ends_with(".sql")) continue;
    name.remove_suffix(4);
    const bool up = name.ends_with(".up"), down = name.ends_with(".down");
    name.remove_suffix(up ? 3 : down ? 5 : 0);
    const auto digits = std::min(name.find_first_not_of("0123456789"), name.size());
    if (!(up || down) || digits == 0 || digits > 9 || name.substr(digits, 1) != "_" || name.size() == digits + 1) {
      fail("'" + filename + "' is not named like 0001_name.up.sql or 0001_name.down.sql");
    }
    std::ifstream stream(file->path(), std::ios::binary);
    std::string script{std::istreambuf_iterator<char>(stream), {}};
    if (script.empty()) fail("'" + filename + "' is empty or cannot be read");
    const auto version = static_cast<std::uint32_t>(std::stoul(std::string(name.substr(0, digits))));
    auto& migration = found[version];
    if (version == 0) fail("'" + filename + "': versions start at 1");
    if (!migration.name.empty() && migration.name != name.substr(digits + 1)) {
      fail("version " + std::to_string(version) + " is there twice, as '" + migration.name + "' and '" + filename + "'");
    }
    migration.version = version;
    migration.name = name.substr(digits + 1);
    auto& place = up ? migration.up : migration.down;
    if (!place.empty()) fail("version " + std::to_string(version) + " is there twice");
    place = std::move(script);
  }
  if (error) fail(error.message());
  if (found.empty()) fail("there are none");
  std::vector<Migration> migrations;
  for (auto& [version, migration] : found) {
    if (migration.up.empty()) fail("version " + std::to_string(version) + " has no .up.sql");
    migrations.push_back(std::move(migration));
  }
  return migrations;
}

}  // namespace render_cache
