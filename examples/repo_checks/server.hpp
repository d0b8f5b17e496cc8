// The same answers over HTTP.
#pragma once

#include "checks.hpp"

#include <cstddef>
#include <iosfwd>
#include <stop_token>
#include <string>

namespace repo_checks {

/// Answers GET and HEAD of
///
///   /repos                          the repositories under management
///   /repos/SLUG?force_refresh=true  one of them, checked
///   /summary                        all of them, checked
///
/// with JSON, on `ADDRESS:PORT` (port 0: any; the one in use is told to `messages`), until it is told to stop; requests in
/// progress are answered before it returns. `max_stale=SECONDS` lets the last two answer at once with a result up to so old
/// while a new one is evaluated. There is no authentication: listen on loopback, or behind a proxy that asks.
///
/// Throws std::runtime_error where it cannot listen there.
int serve(Checks& checks, const std::string& listen, std::size_t parallel, std::stop_token stop, std::ostream& messages);

}  // namespace repo_checks
