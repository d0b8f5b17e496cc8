// What a suite needs around it, such as a server. Each suite defines the function once.
#pragma once

#include <string_view>

/// Says what is missing and what to do about it; empty when the suite can run. Its tests are then skipped, except in CI
/// (CI=true), where a test that cannot run is a failure.
std::string_view missing_requirement();
