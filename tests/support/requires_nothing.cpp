#include "support/requirement.hpp"

std::string_view missing_requirement() { return {}; }
