// Answers as JSON, for the command line and the server alike.
#pragma once

#include "checks.hpp"

#include <exception>
#include <span>
#include <string>
#include <vector>

namespace repo_checks {

/// `[{"slug":"a","path":"/src/a","updated_at":"...","newest_snapshot":null,"newest_goal":null}]`
[[nodiscard]] std::string repositories_json(const std::vector<Repository>& repositories);

/// One repository with its criteria, and how the answer came about.
[[nodiscard]] std::string check_json(const Repository& repository, const CheckOutcome& outcome);

/// All repositories with the names of what fails, and totals. A repository that could not be evaluated has an "error".
[[nodiscard]] std::string summary_json(const std::vector<Repository>& repositories, std::span<const CheckAnswer> answers);

/// `{"error":"..."}`
[[nodiscard]] std::string error_json(const std::string& message);

/// The names of the criteria that fail, with ", " between.
[[nodiscard]] std::string failing(const CheckResult& result);

[[nodiscard]] std::string message_of(const std::exception_ptr& error);

}  // namespace repo_checks
