// What the wiki counts, as the text that Prometheus scrapes.
#pragma once

#include "http/server.hpp"

#include <render_cache/store/memory.hpp>

#include <prometheus/registry.h>

#include <string>

namespace wiki {

inline constexpr const char* metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

/// The registry's metrics, the server's, and what the memory for responses holds now.
[[nodiscard]] std::string metrics_text(const prometheus::Registry& registry, const http::ServerStats& server,
                                       const render_cache::MemoryStats& responses);

}  // namespace wiki
