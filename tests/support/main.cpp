// The main function of every suite, compiled once: it holds Catch2's own implementation, which takes long.
#include "support/requirement.hpp"

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

namespace {

// ctest asks for the list of tests while building, when no server is there.
bool only_lists(std::span<char*> arguments) {
  return std::ranges::any_of(arguments, [](std::string_view argument) { return argument.starts_with("--list"); });
}

bool in_ci() {
  const char* ci = std::getenv("CI");
  return ci != nullptr && std::string_view{ci} == "true";
}

}  // namespace

int main(int argc, char** argv) {
  if (only_lists({argv, static_cast<std::size_t>(argc)})) return Catch::Session().run(argc, argv);
  if (const std::string missing{missing_requirement()}; !missing.empty()) {
    std::fprintf(stderr, "%s: %s\n", in_ci() ? "failed" : "skipped", missing.c_str());
    return in_ci() ? EXIT_FAILURE : RENDER_CACHE_SKIP_CODE;
  }
  // Catch2 answers with the number of failures, which may be the skip code.
  return Catch::Session().run(argc, argv) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
