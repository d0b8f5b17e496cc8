// The project's migrations, which this program carries within itself.
#pragma once

#include "embedded.hpp"

#include <render_cache/schema/migration.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wiki {

/// Those in migrations/FOLDER, which are named `0001_name.up.sql` and `0001_name.down.sql`.
inline std::vector<render_cache::Migration> embedded_migrations(std::string_view folder) {
  std::vector<render_cache::Migration> migrations;
  for (const auto& script : embedded::migrations) {
    if (script.folder != folder) continue;
    const auto version = static_cast<std::uint32_t>(std::stoul(std::string(script.name)));
    auto at = std::ranges::find(migrations, version, &render_cache::Migration::version);
    if (at == migrations.end()) at = migrations.insert(at, render_cache::Migration{version, {}, {}, {}});
    const bool up = script.name.ends_with(".up.sql");
    const auto start = script.name.find('_') + 1, end = script.name.rfind(up ? ".up.sql" : ".down.sql");
    at->name = script.name.substr(start, end - start);
    (up ? at->up : at->down) = script.text;
  }
  return migrations;
}

}  // namespace wiki
