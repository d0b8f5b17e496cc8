// What the command line says.
#pragma once

#include "http/server.hpp"
#include "pages.hpp"
#include "wiki.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wiki {

/// `ALIAS=DIR`, or `DIR` alone, whose name is then the alias. Throws Error for an alias that cannot be part of an address.
RootChoice parse_root(const std::string& text);
/// Throws Error for an alias that is there twice.
std::vector<RootChoice> parse_roots(const std::vector<std::string>& texts);

struct CommonOptions {
  std::vector<RootChoice> roots;
  StoreChoice store;
  std::size_t memory = std::size_t{64} << 20;  ///< bytes; a quarter is for pages, the rest for complete responses
};

struct PruneChoice {
  bool dry_run = false;
  std::string live_query;  ///< empty: the roots say which repositories live
  /// Whether entries of repositories that are not among the roots stay; by default where nodes share the store.
  std::optional<bool> keep_others{};
  /// What the store is kept within; 0: no such bound; by default the store's own.
  std::optional<std::chrono::seconds> max_age{};
  std::optional<std::uint64_t> max_size{};  ///< bytes
};

struct ServeOptions : CommonOptions {
  std::chrono::milliseconds render_limit{2000};  ///< for one render; 0: none but those that are counted
  http::ServerOptions server;
  PruneChoice prune;
  std::chrono::seconds prune_every{3600};  ///< 0: never
};

struct WarmOptions : CommonOptions {
  std::size_t parallel = 2;
};

struct MigrateOptions {
  StoreChoice store;
  bool status = false;
  bool down = false;
  std::optional<std::uint32_t> to{};
};

// The commands. Each returns the process's exit code; an Error that is thrown is for the user to read.
int serve(const ServeOptions& options);
int warm(const WarmOptions& options);
int prune(const CommonOptions& options, const PruneChoice& choice);
int migrate(const MigrateOptions& options);

}  // namespace wiki
