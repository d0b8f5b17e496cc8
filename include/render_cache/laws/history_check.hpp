// Whether a history is one that a cache may have: the claim, and what else it promises.
//
//   const auto verdict = check(history);
//   if (!verdict) std::cerr << verdict.text();     // or verdict.svg()
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/laws/history.hpp>
#include <render_cache/laws/history_checker.hpp>
#include <render_cache/laws/history_verdict.hpp>

namespace render_cache::laws {

/// Checks all events of a history.
inline Verdict check(History& history, const Promises& promises = {}) { return HistoryChecker(history, promises).check(); }

}  // namespace render_cache::laws
