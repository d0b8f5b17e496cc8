// How long a test waits for a machine that is busy, or whose disk is. Only tests of limits set shorter ones.
#pragma once

#include <render_cache/store/postgres/options.hpp>

#include <chrono>
#include <string>

namespace render_cache::test {

inline constexpr std::chrono::seconds patience{20};

/// A slow server is none of the test's concern.
inline PostgresOptions patient(PostgresOptions options) {
  options.conninfo += " connect_timeout=" + std::to_string(patience.count());
  options.acquire_timeout = options.lookup_timeout = options.statement_timeout = patience;
  return options;
}

}  // namespace render_cache::test
