// A wiki's SQLite store in a directory of its own, with what tests do to it from outside.
#pragma once

#include <render_cache/store/sqlite.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "support/temporary_directory.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

namespace render_cache::test {

using WikiStore = SqliteStore<WikiSchema>;

struct SqliteWiki {
  TemporaryDirectory directory{};
  std::filesystem::path path = directory / "wiki.db";

  [[nodiscard]] SqliteOptions options() const {
    return {.path = path, .migrations = wiki_migrations<SqliteDialect>(), .busy_timeout = std::chrono::milliseconds(5000)};
  }

  /// A connection of somebody else's.
  [[nodiscard]] SqliteConnection outside() const {
    return {path, SqliteConnection::Access::write, std::chrono::milliseconds(5000)};
  }
};

inline Fingerprint fingerprint(int number) { return Fingerprint().add("source", number); }

inline EntryPtr<WikiPage> page(int number, std::string html = {}) {
  if (html.empty()) html = "<p>" + std::to_string(number) + "</p>";
  return std::make_shared<const Entry<WikiPage>>(
      Entry<WikiPage>{{std::move(html), {"{\"n\":" + std::to_string(number) + "}"}}, fingerprint(number)});
}

/// The page's number, or -1 where that is not found.
inline int found(WikiStore& store, const WikiKey& key, int number) {
  const auto lookup = store.lookup(key, fingerprint(number));
  return lookup.entry && lookup.entry->value == page(number)->value ? number : -1;
}

}  // namespace render_cache::test
