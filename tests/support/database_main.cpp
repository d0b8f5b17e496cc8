// The main function of the tests that need a PostgreSQL, named by RENDER_CACHE_TEST_POSTGRES (scripts/test starts one).
// Without it they are skipped, except in CI, where a test that cannot run is a failure.
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
#include <string_view>

namespace {

std::string_view environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::string_view{} : text;
}

// ctest asks for the list of tests while building, when no server is there.
bool only_lists(std::span<char*> arguments) {
  return std::ranges::any_of(arguments, [](std::string_view argument) { return argument.starts_with("--list"); });
}

}  // namespace

int main(int argc, char** argv) {
  if (only_lists({argv, static_cast<std::size_t>(argc)})) return Catch::Session().run(argc, argv);
  if (environment("RENDER_CACHE_TEST_POSTGRES").empty()) {
    const bool skipped = environment("CI") != "true";
    std::fprintf(stderr, "%s: RENDER_CACHE_TEST_POSTGRES is not set; scripts/test starts a PostgreSQL and sets it\n",
                 skipped ? "skipped" : "failed");
    return skipped ? RENDER_CACHE_SKIP_CODE : EXIT_FAILURE;
  }
  // Catch2 answers with the number of failures, which may be the skip code.
  return Catch::Session().run(argc, argv) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
