// The same answers over HTTP.
#pragma once

#include "checks.hpp"
#include "http/server.hpp"

#include <cstddef>
#include <iosfwd>
#include <stop_token>

namespace repo_checks {

/// Answers GET, HEAD and POST of
///
///   /repos                          the repositories under management
///   /repos/SLUG?force_refresh=true  one of them, checked
///   /summary                        all of them, checked
///
/// with JSON, until it is told to stop; where it listens is told to `messages`. `max_stale=SECONDS` lets the last two answer at
/// once with a result up to so old while a new one is evaluated. To evaluate although nothing has changed, by `force_refresh` or
/// by POST, is refused (403) where another site's page had a browser ask, and under a name that is not the server's own. There is
/// no authentication: listen on loopback, or behind a proxy that asks.
///
/// Throws std::system_error where it cannot listen there.
int serve(Checks& checks, const http::ServerOptions& place, std::size_t parallel, std::stop_token stop, std::ostream& messages);

}  // namespace repo_checks
