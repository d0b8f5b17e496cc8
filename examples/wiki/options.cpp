#include "options.hpp"

#include <algorithm>

namespace wiki {

using render_cache::Error;

RootChoice parse_root(const std::string& text) {
  const auto equals = text.find('=');
  RootChoice root;
  root.folder = equals == text.npos ? text : text.substr(equals + 1);
  if (root.folder.empty()) throw Error("--root '" + text + "' names no folder: write ALIAS=DIR, or DIR alone");
  root.alias = equals != text.npos
                   ? text.substr(0, equals)
                   : std::filesystem::weakly_canonical(std::filesystem::absolute(root.folder)).filename().string();
  const bool fits = !root.alias.empty() && root.alias.size() <= 200 && std::ranges::all_of(root.alias, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
  if (!fits || root.alias.front() == '.' || root.alias == "-") {
    throw Error("'" + root.alias +
                "' cannot be a repository's alias: use letters, digits, '_', '-' and '.', not '.' first and "
                "not '-' alone (--root ALIAS=DIR)");
  }
  return root;
}

std::vector<RootChoice> parse_roots(const std::vector<std::string>& texts) {
  std::vector<RootChoice> roots;
  for (const auto& text : texts) {
    auto root = parse_root(text);
    if (std::ranges::find(roots, root.alias, &RootChoice::alias) != roots.end()) {
      throw Error("two repositories have the alias '" + root.alias + "': give one of them another by --root ALIAS=DIR");
    }
    roots.push_back(std::move(root));
  }
  return roots;
}

StoreChoice StoreChoice::parse(const std::string& text) {
  const auto after = [&](std::size_t prefix) { return text.substr(prefix); };
  if (text == "memory") return {Kind::memory, {}};
  if (text.starts_with("sqlite:") && text.size() > 7) return {Kind::sqlite, after(7)};
  if (text.starts_with("postgres:") && text.size() > 9) return {Kind::postgres, after(9)};
  if (text.starts_with("postgres://") || text.starts_with("postgresql://")) return {Kind::postgres, text};
  throw Error("--store '" + text + "' is none of memory, sqlite:PATH and postgres:CONNINFO (postgres:'host=... dbname=...')");
}

std::string StoreChoice::describe() const {
  switch (kind) {
    case Kind::memory: return "memory";
    case Kind::sqlite: return "SQLite, " + place + (read_only ? ", read-only" : "");
    case Kind::postgres: break;
  }
  return "PostgreSQL";
}

std::unique_ptr<Pages> open_pages(const PagesOptions& options) {
  switch (options.store.kind) {
    case StoreChoice::Kind::memory: return open_memory_pages(options);
    case StoreChoice::Kind::sqlite: return open_sqlite_pages(options);
    case StoreChoice::Kind::postgres: break;
  }
  return open_postgres_pages(options);
}

}  // namespace wiki
